# SPDX-License-Identifier: EUPL-1.2
"""What ``decide`` returns: a destination, and the ordered reasons that led there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

from routing.core.catalogue import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterQueue:
    """Answer, play the greeting (``None`` behind another step) and the notices, then wait in a group's queue.

    For at most ``wait_seconds``, and not at all if the wait is expected to be longer than ``expected_wait_seconds``.
    """

    queue: str
    announcement: str | None
    notices: tuple[str, ...] = ()
    priority: int = 0
    wait_seconds: int = 600
    expected_wait_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayAnnouncement:
    """Answer, play one announcement, hang up."""

    announcement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """Dial a number outside (E.164 with plus) through a trunk, for at most ``ring_seconds``."""

    number: str
    trunk: str
    ring_seconds: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class DialExtension:
    """Pass the call to a desk of the tenant's own PBX; ``number`` is the whole number, E.164 with plus."""

    extension: str
    number: str
    trunk: str
    ring_seconds: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Do not answer; ``cause`` is the ISDN cause (ITU-T Q.850) that the carrier is told."""

    cause: int


Destination = EnterQueue | PlayAnnouncement | Forward | DialExtension | Reject

KINDS = ("enter_queue", "play_announcement", "forward", "dial_extension", "reject")


def kind_of(destination: Destination) -> str:
    """The destination's kind as the dialplan (``[route-<kind>]``), the database and the API name it."""
    match destination:
        case EnterQueue():
            return "enter_queue"
        case PlayAnnouncement():
            return "play_announcement"
        case Forward():
            return "forward"
        case DialExtension():
            return "dial_extension"
        case Reject():
            return "reject"
        case _:
            assert_never(destination)


CONDITIONS = ("timeout", "no_agent", "full", "expected_wait", "failed")
"""Exits of a queue or a dialled number, by which a step is chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What comes next when the step before gives the caller back by one of these exits (empty: by any of them).

    A chain is walked forwards only, so it ends.
    """

    when: tuple[str, ...]
    destination: Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What becomes of a caller who still waits at ``until``: told so, then treated as a caller of the closed line."""

    until: datetime
    announcement: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One step of the explanation: the rule's stable code and what it saw."""

    rule: str
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def sentence(self, language: str) -> str:
        """The same for people, in ``de`` or ``en``."""
        return sentence(self.rule, self.parameters, language)

    @property
    def detail(self) -> str:
        """In English."""
        return self.sentence("en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it reaches us: texts exactly as received. ``caller`` is ``None`` if withheld.

    ``diversion``, ``history_info`` and ``to`` are the numbers in those headers; they count on trusted trunks alone.
    """

    dialled: str
    caller: str | None
    trunk: str | None = None
    diversion: str | None = None
    history_info: str | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where a call goes and why. ``dialled_number`` is normalised where it could be read, else as received.

    ``redirecting_number`` is the number from which the call was diverted, if that is how its line was recognised.
    ``overflow`` is what follows if the destination gives the caller back, ``closing`` what ends the wait in a queue.
    """

    dialled_number: str
    tenant: str | None
    service_line: str | None
    destination: Destination
    reasons: tuple[Reason, ...]
    table_version: int
    at: datetime
    redirecting_number: str | None = None
    overflow: tuple[Step, ...] = ()
    closing: Closing | None = None

    @property
    def kind(self) -> str:
        return kind_of(self.destination)
