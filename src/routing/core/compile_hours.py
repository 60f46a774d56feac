# SPDX-License-Identifier: EUPL-1.2
"""Hours and special hours: rows → what ``hours_at`` looks at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC
from types import MappingProxyType
from zoneinfo import ZoneInfo

from routing.core.announcements import special_name
from routing.core.checks import check_holiday_names, check_window
from routing.core.hours import WEEKDAYS, OpeningHours, SpecialHours, Window, overlapping
from routing.core.numbers import E164, NumberFormat, read_number
from routing.core.rows import OpeningHoursRow, Problem, Rows, SpecialHoursRow

Note = Callable[[str, str], None]
Scope = tuple[str, ...]
"""``("hours", name)``, ``("tenant", slug)`` or ``("line", slug, name)``."""


def compile_hours(row: OpeningHoursRow, note: Note) -> OpeningHours | None:
    """The hours of a row, or ``None`` with every problem noted as (place, sentence)."""
    place = f"opening_hours[{row.name}]"
    try:
        zone = ZoneInfo(row.timezone)
    except (ValueError, OSError, LookupError):
        note(place, f"{row.timezone!r} is no IANA time zone, such as Europe/Berlin")
        return None
    problems: list[Problem] = []
    weekly: list[list[Window]] = [[] for _ in WEEKDAYS]
    for day, start, end in row.weekly:
        problems.extend(check_window(place, day, start, end))
        if 0 <= day < len(WEEKDAYS):
            weekly[day].append(Window(start=start, end=end))
    if not problems and (found := overlapping(weekly)):
        problems.append(Problem(place=place, sentence=f"{WEEKDAYS[found[0]]}: {found[1]} and {found[2]} overlap"))
    problems.extend(check_holiday_names(place, row))
    for problem in problems:
        note(problem.place, problem.sentence)
    if problems:
        return None
    return OpeningHours(
        name=row.name,
        timezone=zone,
        timezone_name=row.timezone,
        weekly=tuple(tuple(sorted(windows)) for windows in weekly),
        holidays=MappingProxyType(dict(row.holiday_dates)),
    )


def compile_special_hours(rows: Rows, note: Note) -> Mapping[Scope, tuple[SpecialHours, ...]]:
    """Special hours by what they hold for, in the order of their time; every problem is noted."""
    found: defaultdict[Scope, list[SpecialHours]] = defaultdict(list)
    for row in rows.special_hours:
        scope = _scope(rows, row, note)
        special = _special(rows, row, note)
        if scope is not None and special is not None:
            found[scope].append(special)
    for specials in found.values():
        specials.sort(key=lambda special: special.start)
        longest = specials[0]  # of those before: the one that ends last
        for special in specials[1:]:
            if special.start < longest.end:
                note(f"special_hours[{special.name}]", f"overlaps with {longest.name}, which holds for the same")
            longest = max(longest, special, key=lambda item: item.end)
    return {scope: tuple(specials) for scope, specials in found.items()}


def _scope(rows: Rows, row: SpecialHoursRow, note: Note) -> Scope | None:
    place = f"special_hours[{row.name}]"
    if (row.opening_hours is None) == (row.tenant is None):
        note(place, "says either opening_hours, or a tenant (and a service_line of it): exactly one of them")
    elif row.opening_hours is not None:
        if row.service_line is not None:
            note(place, "a service_line needs its tenant, and no opening_hours")
        elif row.opening_hours not in {item.name for item in rows.opening_hours}:
            note(place, f"there are no opening hours {row.opening_hours!r}")
        else:
            return ("hours", row.opening_hours)
    elif row.tenant is not None and row.service_line is not None:
        if (row.tenant, row.service_line) in {(line.tenant, line.name) for line in rows.service_lines}:
            return ("line", row.tenant, row.service_line)
        note(place, f"there is no service line {row.tenant}/{row.service_line}")
    elif row.tenant is not None:
        if row.tenant in {tenant.slug for tenant in rows.tenants}:
            return ("tenant", row.tenant)
        note(place, f"there is no tenant {row.tenant!r}")
    return None


def _special(rows: Rows, row: SpecialHoursRow, note: Note) -> SpecialHours | None:
    place = f"special_hours[{row.name}]"
    if row.valid_from.tzinfo is None or row.valid_to.tzinfo is None:
        note(place, "valid_from and valid_to need an offset from UTC, such as +01:00")
        return None
    if row.valid_from >= row.valid_to:
        note(place, "valid_to must lie after valid_from")
        return None
    try:
        start, end = row.valid_from.astimezone(UTC), row.valid_to.astimezone(UTC)
    except OverflowError:
        note(place, "valid_from and valid_to must lie within the years 1 to 9999, in UTC too")
        return None
    if row.opens and (row.announcement_text is not None or row.forward_number is not None):
        note(place, "a special opening has no announcement and no forward: its callers are answered")
    forward = compile_forward(place, row.forward_number, row.forward_trunk, rows, note)
    return SpecialHours(
        name=row.name,
        title=row.title,
        opens=row.opens,
        start=start,
        end=end,
        announcement=special_name(row.name) if row.announcement_text is not None else None,
        forward_number=forward,
        forward_trunk=row.forward_trunk,
    )


def compile_forward(place: str, number_text: str | None, trunk: str | None, rows: Rows, note: Note) -> str | None:
    """The number to forward to, E.164 with plus; ``None`` if there is none or something is wrong with it."""
    if (number_text is None) != (trunk is None):
        note(place, "a forward needs both a number and a trunk")
    if trunk is not None and trunk not in {row.name for row in rows.trunks}:
        note(place, f"there is no trunk {trunk!r}")
    if number_text is None:
        return None
    number = read_number(number_text, number_format=NumberFormat.E164)
    if not isinstance(number, E164):
        note(place, f"{number_text!r} is no number to forward to: write +49…")
        return None
    return str(number)
