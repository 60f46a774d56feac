# SPDX-License-Identifier: EUPL-1.2
"""Configuration as rows: what YAML, CSV and PostgreSQL hold, and what ``compile`` turns into a table.

Rows refer to each other by name (a tenant's slug, a line's name), never by a database key, so that a row means the
same in every version and in a file. ``valid_from`` and ``valid_to`` are instants, half-open, ``None`` = unbounded.
A row whose key holds ``valid_from`` may stand several times, once for each stretch of time: *editions* of one thing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRow:
    """A municipality or company served. ``name`` is spoken and shown.

    ``greeting_text`` and ``closed_text`` serve its lines that have none. ``building_hours`` names the opening hours
    of its counters: they are told to agents and never decide a call.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("slug",)
    slug: str
    name: str
    greeting_text: str | None = None
    closed_text: str | None = None
    building_hours: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHoursRow:
    """Weekly hours by name. ``weekly``: (weekday 0–6 from Monday, start minute, end minute) of each window.

    A window's end beyond 1440 lies on the next day. ``holiday_dates`` is what ``holiday_calendar`` with its additions
    and removals meant when the row was written: stored, so that an update of the holiday library changes nothing
    silently. Additions and removals are dates as ``2026-12-24``, or as ``12-24`` for every year.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("name", "valid_from")
    name: str
    timezone: str
    weekly: tuple[tuple[int, int, int], ...]
    holiday_calendar: str | None = None
    holiday_additions: tuple[tuple[str, str], ...] = ()
    holiday_removals: tuple[str, ...] = ()
    holiday_dates: tuple[tuple[date, str], ...] = ()
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialHoursRow:
    """A closure, or with ``opens`` a special opening, from ``valid_from`` to ``valid_to``.

    It holds for all lines with these ``opening_hours``, or for a ``tenant``, or for one ``service_line`` of it: exactly
    one of the three. A closure's ``announcement_text`` and forward replace the line's own while it is closed; a special
    opening's ``announcement_text`` is its greeting, and its ``agent_group`` answers instead of the line's.
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
    agent_group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRow:
    """A switch thrown by hand: closed, or with ``opens`` open, from ``valid_from`` to ``valid_to``, against all rules.

    It holds for the whole centre, for a ``tenant``, or for one ``service_line`` of it. No draft holds it, and neither
    publishing nor a rollback changes it: it is thrown and ended as a version of its own.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    opens: bool
    reason: str
    author: str
    valid_from: datetime
    valid_to: datetime
    tenant: str | None = None
    service_line: str | None = None
    announcement_text: str | None = None
    forward_number: str | None = None
    forward_trunk: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """An announcement that callers hear after the greeting, before they wait; nothing closes.

    It holds for the whole centre, or for all lines with these ``opening_hours``, or for a ``tenant``, or for one
    ``service_line`` of it.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    title: str
    announcement_text: str
    valid_from: datetime
    valid_to: datetime
    opening_hours: str | None = None
    tenant: str | None = None
    service_line: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentGroupRow:
    """The people who answer a line; has one queue, of the same name, in which ``maximum_waiting`` callers may stand."""

    key_fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    title: str
    maximum_waiting: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """A person who answers, under a login name (no personal name), with one device and their groups."""

    key_fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    device: str
    agent_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallRotaRow:
    """Who is called after hours, by turns; the turns are its duties."""

    key_fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCallDutyRow:
    """One turn of a rota: the duty number (E.164, no private one) that is called. Lower ``rank`` is called first."""

    key_fields: ClassVar[tuple[str, ...]] = ("rota", "valid_from", "rank")
    rota: str
    number: str
    trunk: str
    valid_from: datetime
    valid_to: datetime
    rank: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One step of a line's chain: a part of a `ServiceLineRow`, not a row of its own.

    ``when`` says which exits of what came before lead here (empty: every exit): ``timeout`` after ``after_seconds`` in
    the queue, ``no_agent``, ``full``, ``expected_wait`` if it is longer than ``over_seconds``, ``failed`` (a dialled
    number was busy, did not answer or cannot be reached). ``kind`` is ``agent_group``, ``announcement`` (``text``),
    ``forward`` or ``desk`` (``number`` by ``trunk``), or ``on_call`` (``rota``, each duty ``tries`` times).
    """

    kind: str
    when: tuple[str, ...] = ()
    after_seconds: int | None = None
    over_seconds: int | None = None
    agent_group: str | None = None
    text: str | None = None
    number: str | None = None
    trunk: str | None = None
    rota: str | None = None
    tries: int = 1
    ring_seconds: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLineRow:
    """What a tenant offers under a number. Texts left ``None`` are the tenant's, or made from the names and the hours.

    ``overflow`` is the chain behind the agent group while the line is open; ``closed`` the chain while it is closed
    (empty: the closed announcement). Who still waits at closing time is served for up to ``after_closing_minutes``,
    then told so (``closing_text``) and treated as a caller of the closed line; ``None``: served like everybody else.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("tenant", "name", "valid_from")
    tenant: str
    name: str
    title: str
    opening_hours: str
    agent_group: str
    priority: int = 0
    maximum_wait_seconds: int = 600
    after_closing_minutes: int | None = None
    greeting_text: str | None = None
    closed_text: str | None = None
    closing_text: str | None = None
    agent_phrase: str | None = None
    overflow: tuple[StepRow, ...] = ()
    closed: tuple[StepRow, ...] = ()
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkRow:
    """A SIP connection to a carrier or town hall. ``address`` is the peer's host, with ``:port`` if not the usual one.

    ``number_format`` is how it writes numbers, ``sends_format`` how it wants them written; ``own_prefix`` stands
    before every number in both directions, ``area_code`` (without 0) completes numbers that have none. A
    ``registration_user`` makes us register there; the password stands outside the configuration. ``recognise_by`` is
    the order in which a call's line is looked for; what a peer says of diversions counts if ``trusts_diversion``.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    address: str
    number_format: str
    has_other_route: bool = False
    demonstration: bool = False
    transport: str = "udp"
    media_encryption: str = "none"
    codecs: tuple[str, ...] = ("g722", "alaw")
    registration_user: str | None = None
    sends_format: str = "e164"
    own_prefix: str = ""
    area_code: str | None = None
    trusts_diversion: bool = False
    recognise_by: tuple[str, ...] = ("dialled", "diversion", "history_info", "to", "ingress_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberBlockRow:
    """A head number (E.164) of a tenant, and what becomes of the extensions that are not configured one by one.

    Those of as many digits as ``desk_digits`` names are desks and go to the tenant's own PBX through ``desk_trunk``;
    every other one leads to ``other_service_line`` of the tenant, if there is one, and is an unknown number if not.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("head_number",)
    head_number: str
    tenant: str
    desk_digits: tuple[int, ...] = ()
    desk_trunk: str | None = None
    other_service_line: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DidRow:
    """A public number of ours: an extension of a block ('' = the bare head number) leads to a line.

    With ``last_extension``, of as many digits, it is the whole range from the one to the other.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("head_number", "extension", "last_extension", "valid_from")
    head_number: str
    extension: str
    tenant: str
    service_line: str
    last_extension: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressNumberRow:
    """A number (E.164) of the centre on which diverted lines reach us. It leads to a line of its own, or, without one,
    nowhere unless the call says from which number it was diverted.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("number", "valid_from")
    number: str
    tenant: str | None = None
    service_line: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityNumberRow:
    """What becomes of 115 by its ``origin``: a line, an announcement or a forward, exactly one of them.

    ``origin`` is an area code (without 0), or ``neutral`` (everybody else), or a class of callers: ``mobile``,
    ``foreign``, ``withheld``, ``unreadable``, ``other_area``. An area's ``standing`` is ``member``, ``shared`` (several
    towns, of which not all are served) or ``non_member``.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("origin", "valid_from")
    origin: str
    standing: str = "member"
    tenant: str | None = None
    service_line: str | None = None
    announcement_text: str | None = None
    forward_number: str | None = None
    forward_trunk: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CentreRow:
    """What holds for the centre as a whole; there is at most one, ``name`` is ``centre``.

    An unknown number is told ``unknown_number_text``, or leads to a line.
    """

    key_fields: ClassVar[tuple[str, ...]] = ("name",)
    name: str = "centre"
    unknown_number_text: str | None = None
    unknown_number_tenant: str | None = None
    unknown_number_service_line: str | None = None


ROW_TYPES = (
    CentreRow,
    TenantRow,
    OpeningHoursRow,
    SpecialHoursRow,
    OverrideRow,
    NoticeRow,
    AgentGroupRow,
    AgentRow,
    OnCallRotaRow,
    OnCallDutyRow,
    TrunkRow,
    ServiceLineRow,
    NumberBlockRow,
    DidRow,
    IngressNumberRow,
    AuthorityNumberRow,
)

Row = (
    CentreRow
    | TenantRow
    | OpeningHoursRow
    | SpecialHoursRow
    | OverrideRow
    | NoticeRow
    | AgentGroupRow
    | AgentRow
    | OnCallRotaRow
    | OnCallDutyRow
    | TrunkRow
    | ServiceLineRow
    | NumberBlockRow
    | DidRow
    | IngressNumberRow
    | AuthorityNumberRow
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One whole configuration. Every field holds rows of one type; order means nothing."""

    centre: tuple[CentreRow, ...] = ()
    tenants: tuple[TenantRow, ...] = ()
    opening_hours: tuple[OpeningHoursRow, ...] = ()
    special_hours: tuple[SpecialHoursRow, ...] = ()
    overrides: tuple[OverrideRow, ...] = ()
    notices: tuple[NoticeRow, ...] = ()
    agent_groups: tuple[AgentGroupRow, ...] = ()
    agents: tuple[AgentRow, ...] = ()
    on_call_rotas: tuple[OnCallRotaRow, ...] = ()
    on_call_duties: tuple[OnCallDutyRow, ...] = ()
    trunks: tuple[TrunkRow, ...] = ()
    service_lines: tuple[ServiceLineRow, ...] = ()
    number_blocks: tuple[NumberBlockRow, ...] = ()
    dids: tuple[DidRow, ...] = ()
    ingress_numbers: tuple[IngressNumberRow, ...] = ()
    authority_numbers: tuple[AuthorityNumberRow, ...] = ()

    def all(self) -> tuple[Row, ...]:
        """Every row, type by type."""
        return tuple(row for item in fields(self) for row in getattr(self, item.name))


def key_of(row: Row) -> tuple[object, ...]:
    """What identifies the row among its type, in every version."""
    return tuple(getattr(row, name) for name in row.key_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with rows: where (``tenants[stadt-x]``), and a sentence.

    An error keeps the rows from becoming a table; a ``warning`` is shown, and the table is made.
    """

    place: str
    sentence: str
    warning: bool = False

    def __str__(self) -> str:
        text = f"{self.place}: {self.sentence}"  # one line, whatever the rows hold
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class CompileError(Exception):
    """The rows do not compile; ``problems`` lists all of them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems
