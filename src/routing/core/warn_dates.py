# SPDX-License-Identifier: EUPL-1.2
"""Rows that never hold again, or never at all, and windows that a change of the clock spoils."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from routing.core.clock_changes import clock_changes
from routing.core.hours import MINUTES_PER_DAY, WEEKDAYS, OpeningHours, Window, clock_text
from routing.core.line import ServiceLine
from routing.core.places import place_of
from routing.core.rows import (
    AuthorityNumberRow,
    NoticeRow,
    OpeningHoursRow,
    ServiceLineRow,
    SpecialHoursRow,
    TenantRow,
)
from routing.core.table import Table
from routing.core.timeline import LOOK_AHEAD
from routing.core.validity import Validity
from routing.core.warn_lines import served_within

_DAY = timedelta(days=1)
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, tzinfo=UTC)
Dated = TenantRow | OpeningHoursRow | SpecialHoursRow | NoticeRow | ServiceLineRow | AuthorityNumberRow


def date_warnings(table: Table, at: datetime) -> Iterator[tuple[str, str]]:
    """Place and sentence of every warning about when rows hold."""
    rows = table.rows
    dated: tuple[Sequence[Dated], ...] = (
        rows.tenants,
        rows.opening_hours,
        rows.special_hours,
        rows.notices,
        rows.service_lines,
        rows.authority_numbers,
    )
    for section in dated:
        yield from _ended(section, at)
    yield from _ended_duties(table, at)
    yield from _never_served(table, at)
    for of_name in table.frame.hours.values():
        for hours, row in zip(of_name, table.frame.hours_rows[of_name[0].name], strict=True):
            yield from _clock_changes(place_of(row), hours, at)


def ended(valid_to: datetime) -> str:
    """The sentence about a row that has ended."""
    return f"has ended ({valid_to.isoformat()}) and never holds again: take it away, or give it a later end"


def _ended(rows: Sequence[Dated], at: datetime) -> Iterator[tuple[str, str]]:
    """Those of which no edition holds any more: former editions are history."""
    editions: defaultdict[tuple[object, ...], list[Dated]] = defaultdict(list)
    for row in rows:
        editions[tuple(getattr(row, name) for name in row.key_fields if name != "valid_from")].append(row)
    for of_name in editions.values():
        ends = [row.valid_to for row in of_name]
        last = max((end for end in ends if end is not None), default=None)
        if last is not None and None not in ends and last <= at:
            yield place_of(max(of_name, key=lambda row: row.valid_to or _LAST)), ended(last)


def _ended_duties(table: Table, at: datetime) -> Iterator[tuple[str, str]]:
    counts = Counter(row.rota for row in table.rows.on_call_duties if row.valid_to <= at)
    for rota in table.rows.on_call_rotas:
        if counts[rota.name]:
            yield place_of(rota), f"{counts[rota.name]} of its duties have ended: take them away"


def _never_served(table: Table, at: datetime) -> Iterator[tuple[str, str]]:
    """What holds, but never while its tenant or its line is served."""
    for line_row in table.rows.service_lines:
        tenant = table.tenants[line_row.tenant]
        own = Validity(valid_from=line_row.valid_from, valid_to=line_row.valid_to)
        if not own.overlaps(tenant.validity):
            sentence = f"never holds: its tenant {tenant.slug} is served {_when(tenant.validity)} only"
            yield place_of(line_row), f"{sentence}; change either"
    dated: tuple[SpecialHoursRow | NoticeRow, ...] = (*table.rows.special_hours, *table.rows.notices)
    for row in dated:
        if row.tenant is None or row.valid_to <= at:
            continue
        lines = _lines(table, row.tenant, row.service_line)
        if lines and not any(served_within(line, row.valid_from, row.valid_to) for line in lines):
            name = row.tenant if row.service_line is None else f"{row.tenant}/{row.service_line}"
            yield place_of(row), f"never holds: {name} is not served at that time; change its times, or take it away"


def _lines(table: Table, tenant: str, service_line: str | None) -> list[ServiceLine]:
    if service_line is not None:
        return [table.lines[tenant, service_line]]
    return [line for (slug, _), line in table.lines.items() if slug == tenant]


def _when(validity: Validity) -> str:
    since = "" if validity.valid_from is None else f"from {validity.valid_from.isoformat()}"
    until = "" if validity.valid_to is None else f"until {validity.valid_to.isoformat()}"
    return f"{since} {until}".strip()


def _clock_changes(place: str, hours: OpeningHours, at: datetime) -> Iterator[tuple[str, str]]:
    """Windows that begin or end within the hour that is skipped, or comes twice."""
    end = at + LOOK_AHEAD
    changes = [change for year in range(at.year, end.year + 1) for change in clock_changes(hours.timezone, year)]
    for change in changes:
        if not (at <= change < end and hours.validity.contains(change)):
            continue
        before = (change - timedelta(seconds=1)).astimezone(hours.timezone).utcoffset() or timedelta()
        after = change.astimezone(hours.timezone).utcoffset() or timedelta()
        low, high = sorted((change + before, change + after))  # on the wall
        day = datetime(low.year, low.month, low.day, tzinfo=UTC)
        for window, started, edge in _edges(hours, day.date()):
            wall = day + timedelta(minutes=edge)
            if low < wall < high:
                name = f"{WEEKDAYS[started.weekday()]}: {window}"
                yield place, f"{name}: {_spoilt(clock_text(edge), day.date(), skipped=after > before)}"


def _edges(hours: OpeningHours, day: date) -> Iterator[tuple[Window, date, int]]:
    """(window, the day on which it begins, minutes after midnight of this day) of what begins or ends on it."""
    for started in (day, day - _DAY):
        if started in hours.holidays:
            continue
        for window in hours.weekly[started.weekday()]:
            for edge in (window.start, window.end):
                minutes = edge - (day - started).days * MINUTES_PER_DAY
                if 0 <= minutes < MINUTES_PER_DAY:
                    yield window, started, minutes


def _spoilt(clock: str, day: date, *, skipped: bool) -> str:
    if skipped:
        return f"there is no {clock} on {day}, when the clock is put forward; choose a time outside that hour"
    return f"{clock} comes twice on {day}, when the clock is put back; choose a time outside that hour"
