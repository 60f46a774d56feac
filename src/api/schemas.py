# SPDX-License-Identifier: EUPL-1.2
"""What the API answers with, apart from cards."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from api.cards import CallCard, Directory
from routing.store import StoredCall

_STEPS = ("received", "routed", "queued", "rung", "answered", "ended")


class Live(BaseModel):
    """The process turns."""

    status: Literal["live"] = "live"


class Ready(BaseModel):
    """The process can do its work. ``node``: whose events it shows, None for all."""

    status: Literal["ready"] = "ready"
    node: str | None
    table_version: int | None


class Step(BaseModel):
    """One thing that happened to a call, for the first time at ``at``."""

    what: str
    at: datetime


class CallDetails(CallCard):
    """A call with the decision about it.

    ``received`` is the number as the carrier sent it. ``level`` says who decided (``service``, ``astdb``,
    ``include``, ``last_resort``), ``fallback_cause`` why not the level before, ``reasons`` why so, in order. Of a
    caller who was taken out of ``queue``, for the line was closed by hand, they tell the second decision. ``cause``
    is the ISDN cause (Q.850).
    """

    linked_id: str | None
    trunk: str | None
    received: str | None
    kind: str | None
    level: str | None
    fallback_cause: str | None
    reasons: tuple[str, ...]
    table_version: int | None
    queue: str | None
    announcement: str | None
    target: str | None
    agent: str | None
    ringing: tuple[str, ...]
    cause: int | None
    expires_at: datetime | None
    timeline: tuple[Step, ...]


class CallPage(BaseModel):
    """Calls, newest first. ``next_before`` is None on the last page."""

    calls: list[CallDetails]
    next_before: datetime | None


def details_of(call: StoredCall, directory: Directory) -> CallDetails:
    """The call as the API tells it."""
    happened = ((step, getattr(call, f"{step}_at")) for step in _STEPS)
    return CallDetails(
        **directory.card(call).model_dump(),
        linked_id=call.linked_id,
        trunk=call.trunk,
        received=call.received,
        kind=call.kind,
        level=call.level,
        fallback_cause=call.fallback_cause,
        reasons=call.reasons,
        table_version=call.table_version,
        queue=call.queue,
        announcement=call.announcement,
        target=call.target,
        agent=call.agent,
        ringing=call.ringing,
        cause=call.cause,
        expires_at=call.expires_at,
        timeline=tuple(Step(what=step, at=at) for step, at in happened if at is not None),
    )
