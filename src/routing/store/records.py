# SPDX-License-Identifier: EUPL-1.2
"""What the store gives out: values, never rows of the database library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from routing.store.values import in_utc, storable


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleUrls:
    """Addresses with passwords (``postgresql+asyncpg://…``) of a database's three login roles."""

    owner: str = field(repr=False)
    router: str = field(repr=False)
    web: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who makes a version or a draft, when (aware), and why."""

    author: str
    comment: str
    at: datetime

    def columns(self) -> dict[str, Any]:
        """As they stand in the database. Raises StoreError for a text that it cannot keep."""
        author, comment = storable("The author", self.author), storable("The comment", self.comment)
        return {"author": author, "comment": comment, "at": in_utc(self.at)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """One version of the configuration: who made it, why, and at which instant (UTC)."""

    version: int
    author: str
    comment: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDraft:
    """A draft without its changes, of which there are ``changes``. ``base_version`` is what it was last made to.

    ``author`` made it at ``at``, ``changed_by`` last changed or closed it; ``published_version`` is what became of it.
    """

    number: int
    title: str
    author: str
    at: datetime
    base_version: int
    changed_by: str
    changed_at: datetime
    closed_at: datetime | None
    published_version: int | None
    changes: int

    @property
    def state(self) -> Literal["open", "published", "discarded"]:
        if self.closed_at is None:
            return "open"
        return "discarded" if self.published_version is None else "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """One event of one call. ``seq`` counts from 1 without gaps in the order of commits.

    ``payload`` is what ``routing.core.events.payload_of`` returned: no telephone numbers of callers. ``call`` is the
    event's call as it stood when the event was read, if the reader wanted it.
    """

    seq: int
    node: str
    unique_id: str
    kind: str
    at: datetime
    payload: Mapping[str, Any]
    call: StoredCall | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """A call as its events have told it so far; what no event has told is ``None``.

    ``received`` and ``caller_number`` are gone once ``expires_at`` has come, and so is a ``dialled_number`` that is
    no tenant's. ``caller_number is None`` alone says nothing: ``caller_withheld`` says that the caller withheld it.
    ``kind`` is the destination's kind; ``level`` decided because of ``fallback_cause`` (``None``: the service did).
    Each ``…_at`` is the first time that it happened; all are aware, in UTC. ``agent`` answered or, before an answer,
    is being rung; ``ringing`` are the agents being rung now, sorted.
    """

    node: str
    unique_id: str
    linked_id: str | None
    trunk: str | None
    received: str | None
    dialled_number: str | None
    caller_number: str | None
    caller_withheld: bool
    tenant: str | None
    service_line: str | None
    kind: str | None
    level: str | None
    fallback_cause: str | None
    queue: str | None
    announcement: str | None
    target: str | None
    table_version: int | None
    reasons: tuple[str, ...]
    agent: str | None
    ringing: tuple[str, ...]
    received_at: datetime | None
    routed_at: datetime | None
    queued_at: datetime | None
    rung_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    cause: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """How things stand after event ``seq``: the calls that have not ended, and the newest that were answered and have.

    ``rung`` is the number of the event by which an agent was last rung for an open call: (node, unique_id, agent).
    """

    seq: int
    open: tuple[StoredCall, ...]
    ended: tuple[StoredCall, ...]
    rung: Mapping[tuple[str, str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPop:
    """A page has drawn the pop of the event with number ``seq``; ``at``: when the server was told.

    ``how``: ``live`` (as it came), ``caught_up`` (after a break, or the page was opened while it rang) or ``hidden``
    (the page lies behind another one: the browser draws nothing there).
    """

    seq: int
    agent: str
    at: datetime
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PopFigures:
    """Pops of a period. The seconds are from the ring to the drawn pop, of those drawn as they came; None if none was.

    ``rung`` counts rings that lasted long enough to be drawn, ``undrawn`` those of them that no page drew.
    """

    rung: int
    live: int
    caught_up: int
    hidden: int
    undrawn: int
    median_seconds: float | None
    p99_seconds: float | None
    longest_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownNumber:
    """How often a number that is none of ours was dialled through a trunk, and when last.

    ``dialled_number`` is ``None`` where it is no longer stored.
    """

    trunk: str | None
    dialled_number: str | None
    calls: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackCount:
    """How many calls of a node were decided by a level behind the service, by the cause, and when last."""

    node: str
    level: str
    cause: str
    calls: int
    last_at: datetime
