# SPDX-License-Identifier: EUPL-1.2
"""The compiled table: everything ``decide`` looks at, in the shape in which it looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from routing.core.hours import OpeningHours, Schedule
from routing.core.numbers import NumberFormat
from routing.core.rows import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """A half-open stretch of time, open at an end that is ``None``."""

    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def contains(self, at: datetime) -> bool:
        """Whether ``at`` lies within."""
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)

    def overlaps(self, other: Validity) -> bool:
        """Whether the two share an instant."""
        return _before(self.valid_from, other.valid_to) and _before(other.valid_from, self.valid_to)


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tenant as the decision needs it."""

    slug: str
    name: str
    validity: Validity


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLine:
    """A line with everything resolved: its hours, its queue, its announcements and texts."""

    tenant: Tenant
    name: str
    title: str
    schedule: Schedule
    queue: str
    greeting: str
    closed: str
    agent_phrase: str
    closed_forward_number: str | None
    closed_forward_trunk: str | None
    validity: Validity

    @property
    def hours(self) -> OpeningHours:
        """The weekly hours; with special hours they are the ``schedule``."""
        return self.schedule.hours

    def valid_at(self, at: datetime) -> bool:
        """Whether both the line and its tenant are served at this instant."""
        return self.tenant.validity.contains(at) and self.validity.contains(at)

    @property
    def display(self) -> str:
        """For whom the call is, short enough for a telephone's display."""
        return f"{self.tenant.name}: {self.title}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """One dated meaning of a public number."""

    line: ServiceLine
    validity: Validity
    extension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desks:
    """The desk extensions of a block: any ``digits`` digits behind the head number go to this trunk."""

    tenant: Tenant
    head: str
    digits: int
    trunk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A trunk as the decision needs it."""

    name: str
    number_format: NumberFormat
    has_other_route: bool
    demonstration: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A configuration ready to decide with. Numbers are E.164 digits without the plus.

    ``desks`` is keyed by (head number's digits, digits of the desk extension), so that a look-up per known
    extension length finds the longest head. ``announcements`` maps each sound's name to its German text.
    """

    version: int
    rows: Rows
    dids: Mapping[str, tuple[Did, ...]]
    desks: Mapping[str, Desks]
    desk_digits: tuple[int, ...]
    areas: Mapping[str, ServiceLine]
    neutral: ServiceLine | None
    lines: Mapping[tuple[str, str], ServiceLine]
    trunks: Mapping[str, Trunk]
    announcements: Mapping[str, str]
