# SPDX-License-Identifier: EUPL-1.2
"""Configuration as rows: what YAML, CSV and PostgreSQL hold, and what ``compile`` turns into a table.

Rows refer to each other by name (a tenant's slug, a line's name), never by a database key, so that a row means the
same in every version and in a file. ``valid_from`` and ``valid_to`` are instants, half-open, ``None`` = unbounded.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRow:
    """A municipality or company served. ``name`` is spoken and shown."""

    key_fields: ClassVar[tuple[str, ...]] = ("slug",)
    slug: str
    name: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHoursRow:
    """Weekly hours by name. ``weekly``: (weekday 0–6 from Monday, start minute, end minute) of each window.

    A window's end beyond 1440 lies on the next day. ``holiday_dates`` is what ``holiday_calendar`` with its additions
    and removals meant when the row was written: stored, so that an update of the holiday library changes nothing
    silently. Additions and removals are dates as ``2026-12-24``, or as ``12-24`` for every year.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    timezone: str
    weekly: tuple[tuple[int, int, int], ...]
    holiday_calendar: str | None = None
    holiday_additions: tuple[tuple[str, str], ...] = ()
    holiday_removals: tuple[str, ...] = ()
    holiday_dates: tuple[tuple[date, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialHoursRow:
    """A closure, or with ``opens`` a special opening, from ``valid_from`` to ``valid_to``.

    It holds for all lines with these ``opening_hours``, or for a ``tenant``, or for one ``service_line`` of it: exactly
    one of the three. ``announcement_text`` and the forward replace the line's own while it is closed.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    title: str
    opens: bool
    valid_from: datetime
    valid_to: datetime
    opening_hours: str | None = None
    tenant: str | None = None
    service_line: str | None = None
    announcement_text: str | None = None
    forward_number: str | None = None
    forward_trunk: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentGroupRow:
    """The people who answer a line; has one queue, of the same name."""

    key_fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """A person who answers, under a login name (no personal name), with one device and their groups."""

    key_fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    device: str
    agent_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLineRow:
    """What a tenant offers under a number. Texts left ``None`` are made from the names and the hours.

    ``closed_forward_number`` (E.164) and ``closed_forward_trunk`` send callers elsewhere outside the hours.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("tenant", "name")
    tenant: str
    name: str
    title: str
    opening_hours: str
    agent_group: str
    greeting_text: str | None = None
    closed_text: str | None = None
    agent_phrase: str | None = None
    closed_forward_number: str | None = None
    closed_forward_trunk: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkRow:
    """A SIP connection to a carrier or town hall. ``address`` is the peer's host, with ``:port`` if not 5060."""

    key_fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    address: str
    number_format: str
    has_other_route: bool = False
    demonstration: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberBlockRow:
    """A head number (E.164) of a tenant; desk extensions of ``desk_digits`` digits go to ``desk_trunk``."""

    key_fields: ClassVar[tuple[str, ...]] = ("head_number",)
    head_number: str
    tenant: str
    desk_digits: int | None = None
    desk_trunk: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DidRow:
    """A public number of ours: an extension of a block ('' = the bare head number) leads to a line."""

    key_fields: ClassVar[tuple[str, ...]] = ("head_number", "extension", "valid_from")
    head_number: str
    extension: str
    tenant: str
    service_line: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityNumberRow:
    """Where 115 leads: the line for one area code (without 0), or with ``area_code`` '' the neutral line."""

    key_fields: ClassVar[tuple[str, ...]] = ("area_code",)
    area_code: str
    tenant: str
    service_line: str


ROW_TYPES = (
    TenantRow,
    OpeningHoursRow,
    SpecialHoursRow,
    AgentGroupRow,
    AgentRow,
    TrunkRow,
    ServiceLineRow,
    NumberBlockRow,
    DidRow,
    AuthorityNumberRow,
)

Row = (
    TenantRow
    | OpeningHoursRow
    | SpecialHoursRow
    | AgentGroupRow
    | AgentRow
    | TrunkRow
    | ServiceLineRow
    | NumberBlockRow
    | DidRow
    | AuthorityNumberRow
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One whole configuration. Every field holds rows of one type; order means nothing."""

    tenants: tuple[TenantRow, ...] = ()
    opening_hours: tuple[OpeningHoursRow, ...] = ()
    special_hours: tuple[SpecialHoursRow, ...] = ()
    agent_groups: tuple[AgentGroupRow, ...] = ()
    agents: tuple[AgentRow, ...] = ()
    trunks: tuple[TrunkRow, ...] = ()
    service_lines: tuple[ServiceLineRow, ...] = ()
    number_blocks: tuple[NumberBlockRow, ...] = ()
    dids: tuple[DidRow, ...] = ()
    authority_numbers: tuple[AuthorityNumberRow, ...] = ()

    def all(self) -> tuple[Row, ...]:
        """Every row, type by type."""
        return tuple(row for item in fields(self) for row in getattr(self, item.name))


def key_of(row: Row) -> tuple[object, ...]:
    """What identifies the row among its type, in every version."""
    return tuple(getattr(row, name) for name in row.key_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that keeps rows from becoming a table: where (``tenants[stadt-x]``), and a sentence."""

    place: str
    sentence: str

    def __str__(self) -> str:
        text = f"{self.place}: {self.sentence}"  # one line, whatever the rows hold
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class CompileError(Exception):
    """The rows do not compile; ``problems`` lists all of them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems
