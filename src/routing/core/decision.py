# SPDX-License-Identifier: EUPL-1.2
"""What ``decide`` returns: a destination, and the ordered reasons that led there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import assert_never


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterQueue:
    """Answer, play the greeting, then wait in the queue of an agent group."""

    queue: str
    announcement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayAnnouncement:
    """Answer, play one announcement, hang up."""

    announcement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """Dial a number outside (E.164 with plus) through a trunk."""

    number: str
    trunk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DialExtension:
    """Pass the call to a desk of the tenant's own PBX; ``number`` is the whole number, E.164 with plus."""

    extension: str
    number: str
    trunk: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One step of the explanation: the rule's name, what it saw, and a sentence for people."""

    rule: str
    detail: str
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it reaches us: texts exactly as received. ``caller`` is ``None`` if withheld."""

    dialled: str
    caller: str | None
    trunk: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where a call goes and why. ``dialled_number`` is normalised where it could be read, else as received."""

    dialled_number: str
    tenant: str | None
    service_line: str | None
    destination: Destination
    reasons: tuple[Reason, ...]
    table_version: int
    at: datetime

    @property
    def kind(self) -> str:
        return kind_of(self.destination)
