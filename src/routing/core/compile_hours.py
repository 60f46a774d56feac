# SPDX-License-Identifier: EUPL-1.2
"""Opening hours and all that stands on dates: rows → what the timeline looks at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from types import MappingProxyType
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from routing.core.announcements import notice_name, override_name, special_name
from routing.core.check_numbers import check_validity
from routing.core.checks import check_holiday_names, check_window
from routing.core.hours import WEEKDAYS, Duty, Notice, OpeningHours, SpecialHours, Window, overlapping
from routing.core.names import Names
from routing.core.numbers import E164, NumberFormat, read_number
from routing.core.places import place_of
from routing.core.rows import NoticeRow, OnCallDutyRow, OpeningHoursRow, OverrideRow, Problem, SpecialHoursRow
from routing.core.validity import Validity

Note = Callable[[str, str], None]
Scope = tuple[str, ...]
"""``("centre",)``, ``("hours", name)``, ``("tenant", slug)`` or ``("line", slug, name)``."""


class _Dated(Protocol):
    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...


D = TypeVar("D", bound=_Dated)


def compile_hours(row: OpeningHoursRow, note: Note) -> OpeningHours | None:
    """The hours of a row, or ``None`` with every problem noted as (place, sentence)."""
    place = place_of(row)
    problems: list[Problem] = []
    weekly: list[list[Window]] = [[] for _ in WEEKDAYS]
    for day, start, end in row.weekly:
        problems.extend(check_window(place, day, start, end))
        if 0 <= day < len(WEEKDAYS):
            weekly[day].append(Window(start=start, end=end))
    if not problems and (found := overlapping(weekly)):
        problems.append(Problem(place=place, sentence=f"{WEEKDAYS[found[0]]}: {found[1]} and {found[2]} overlap"))
    zone = _zone(row.timezone)
    if zone is None:
        problems.append(Problem(place=place, sentence=f"{row.timezone!r} is no IANA time zone, such as Europe/Berlin"))
    problems.extend(check_validity(place, row.valid_from, row.valid_to))
    problems.extend(check_holiday_names(place, row))
    for problem in problems:
        note(problem.place, problem.sentence)
    if problems or zone is None:
        return None
    return OpeningHours(
        name=row.name,
        timezone=zone,
        timezone_name=row.timezone,
        weekly=tuple(tuple(sorted(windows)) for windows in weekly),
        holidays=MappingProxyType(dict(row.holiday_dates)),
        validity=Validity(valid_from=row.valid_from, valid_to=row.valid_to),
    )


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None


def editions_of(places: Sequence[tuple[str, Validity]], note: Note) -> None:
    """Editions of one thing, in the order of their beginning, may not hold at the same time."""
    for (_, one), (place, other) in pairwise(places):
        if one.overlaps(other):
            note(place, "two editions hold at the same time: let one end (valid_to) where the next begins (valid_from)")


def compile_special_hours(
    rows: Sequence[SpecialHoursRow], names: Names, note: Note
) -> Mapping[Scope, tuple[SpecialHours, ...]]:
    """Special hours by what they hold for, in the order of their time; every problem is noted."""
    found: defaultdict[Scope, list[SpecialHours]] = defaultdict(list)
    for row in rows:
        scope = _scope(place_of(row), row.opening_hours, row.tenant, row.service_line, names, note)
        special = _special(row, names, note)
        if scope == ("centre",):
            note(
                place_of(row),
                "says either opening_hours, or a tenant (and a service_line of it): exactly one of them",
            )
        elif scope is not None and special is not None:
            found[scope].append(special)
    for specials in found.values():
        specials.sort(key=lambda special: special.start)
        longest = specials[0]  # of those before: the one that ends last
        for special in specials[1:]:
            if special.start < longest.end:
                note(f"special_hours[{special.name}]", f"overlaps with {longest.name}, which holds for the same")
            longest = max(longest, special, key=lambda item: item.end)
    return {scope: tuple(specials) for scope, specials in found.items()}


def compile_overrides(
    rows: Sequence[OverrideRow], names: Names, note: Note
) -> Mapping[Scope, tuple[SpecialHours, ...]]:
    """Overrides by what they hold for, in the order of their time. They may overlap: the one that began last wins."""
    found: defaultdict[Scope, list[SpecialHours]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.name):
        place = place_of(row)
        scope = _scope(place, None, row.tenant, row.service_line, names, note)
        period = _period(place, row.valid_from, row.valid_to, note)
        if row.opens and (row.announcement_text is not None or row.forward_number is not None):
            note(place, "an override that opens has no announcement and no forward: its callers are answered")
        forward = compile_forward(place, row.forward_number, row.forward_trunk, names, note)
        if scope is None or period is None:
            continue
        override = SpecialHours(
            name=row.name,
            title=row.reason,
            opens=row.opens,
            start=period[0],
            end=period[1],
            author=row.author,
            announcement=override_name(row.name) if row.announcement_text is not None else None,
            forward_number=forward,
            forward_trunk=row.forward_trunk,
        )
        found[scope].append(override)
    return {scope: _in_order(items) for scope, items in found.items()}


def compile_notices(rows: Sequence[NoticeRow], names: Names, note: Note) -> Mapping[Scope, tuple[Notice, ...]]:
    """Notices by what they hold for, in the order of their time."""
    found: defaultdict[Scope, list[Notice]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.name):
        place = place_of(row)
        scope = _scope(place, row.opening_hours, row.tenant, row.service_line, names, note)
        period = _period(place, row.valid_from, row.valid_to, note)
        if scope is not None and period is not None:
            found[scope].append(
                Notice(
                    name=row.name,
                    title=row.title,
                    announcement=notice_name(row.name),
                    start=period[0],
                    end=period[1],
                    opening_hours=row.opening_hours,
                )
            )
    return {scope: _in_order(items) for scope, items in found.items()}


def compile_rotas(rows: Sequence[OnCallDutyRow], names: Names, note: Note) -> Mapping[str, tuple[Duty, ...]]:
    """The duties of every rota, in the order of their time; a rota may have none."""
    found: dict[str, list[Duty]] = {rota: [] for rota in names.rotas}
    for row in sorted(rows, key=lambda row: (row.rank, row.number, row.trunk)):
        place = place_of(row)
        period = _period(place, row.valid_from, row.valid_to, note)
        number = compile_forward(place, row.number, row.trunk, names, note)
        if row.rota not in found:
            note(place, f"there is no on-call rota {row.rota!r}")
        elif period is not None and number is not None:
            duty = Duty(number=number, trunk=row.trunk, rank=row.rank, start=period[0], end=period[1])
            found[row.rota].append(duty)
    return {rota: _in_order(duties) for rota, duties in found.items()}


def _in_order(items: Sequence[D]) -> tuple[D, ...]:
    """By their time; what begins and ends together stays in the order of names: that of rows means nothing."""
    return tuple(sorted(items, key=lambda item: (item.start, item.end)))


def _scope(
    place: str, hours: str | None, tenant: str | None, line: str | None, names: Names, note: Note
) -> Scope | None:
    if line is not None and tenant is None:
        note(place, "a service_line needs its tenant, and no opening_hours")
    elif hours is not None and tenant is not None:
        note(place, "says either opening_hours, or a tenant (and a service_line of it): exactly one of them")
    elif hours is not None:
        if hours in names.hours:
            return ("hours", hours)
        note(place, f"there are no opening hours {hours!r}")
    elif tenant is not None and line is not None:
        if (tenant, line) in names.lines:
            return ("line", tenant, line)
        note(place, f"there is no service line {tenant}/{line}")
    elif tenant is not None:
        if tenant in names.tenants:
            return ("tenant", tenant)
        note(place, f"there is no tenant {tenant!r}")
    else:
        return ("centre",)
    return None


def _period(place: str, valid_from: datetime, valid_to: datetime, note: Note) -> tuple[datetime, datetime] | None:
    """Both ends in UTC."""
    if valid_from.tzinfo is None or valid_to.tzinfo is None:
        note(place, "valid_from and valid_to need an offset from UTC, such as +01:00")
        return None
    if valid_from >= valid_to:
        note(place, "valid_to must lie after valid_from")
        return None
    try:
        return valid_from.astimezone(UTC), valid_to.astimezone(UTC)
    except OverflowError:
        note(place, "valid_from and valid_to must lie within the years 1 to 9999, in UTC too")
        return None


def _special(row: SpecialHoursRow, names: Names, note: Note) -> SpecialHours | None:
    place = place_of(row)
    period = _period(place, row.valid_from, row.valid_to, note)
    if row.opens and row.forward_number is not None:
        note(place, "a special opening has no forward: its callers are answered")
    if not row.opens and row.agent_group is not None:
        note(place, "a closure has no agent group: nobody answers")
    if row.agent_group is not None and row.agent_group not in names.groups:
        note(place, f"there is no agent group {row.agent_group!r}")
    forward = compile_forward(place, row.forward_number, row.forward_trunk, names, note)
    if period is None:
        return None
    return SpecialHours(
        name=row.name,
        title=row.title,
        opens=row.opens,
        start=period[0],
        end=period[1],
        announcement=special_name(row.name) if row.announcement_text is not None else None,
        forward_number=forward,
        forward_trunk=row.forward_trunk,
        queue=row.agent_group,
        opening_hours=row.opening_hours,
    )


def compile_forward(place: str, number_text: str | None, trunk: str | None, names: Names, note: Note) -> str | None:
    """The number to forward to, E.164 with plus; ``None`` if there is none or something is wrong with it."""
    if (number_text is None) != (trunk is None):
        note(place, "a forward needs both a number and a trunk")
    if trunk is not None and trunk not in names.trunks:
        note(place, f"there is no trunk {trunk!r}")
    if number_text is None:
        return None
    number = read_number(number_text, number_format=NumberFormat.E164)
    if not isinstance(number, E164):
        note(place, f"{number_text!r} is no number to forward to: write +49…")
        return None
    return str(number)
