# SPDX-License-Identifier: EUPL-1.2
"""Lines against the slow oracle without chance: both nights of a changed clock minute by minute, leap days, year ends,
and ten years of holidays.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from routing.config import holiday_dates
from routing.core.rows import OpeningHoursRow, Rows, SpecialHoursRow
from routing.core.timeline import line_at
from tests.property.line_oracle import LineOracle
from tests.support.lines import KEY, compiled, hours_row, line_rows

SECOND = timedelta(seconds=1)
WEEKS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "by day": tuple((day, 420, 1080) for day in range(7)),
    "by night": tuple((day, 1320, 1800) for day in range(7)),
    "in the hour that is left out or comes twice": tuple((day, 125, 175) for day in range(7)),
    "from within that hour": tuple((day, 150, 300) for day in range(7)),
    "into that hour": tuple((day, 30, 150) for day in range(7)),
    "around midnight, in pieces": tuple((day, *part) for day in range(7) for part in ((0, 15), (1430, 1440))),
    "always": tuple((day, 0, 1440) for day in range(7)),
}
NIGHTS = {  # the instants around which a clock is changed in 2026
    "Europe/Berlin": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "America/St_Johns": (datetime(2026, 3, 8, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 4, 30, tzinfo=UTC)),
    "Australia/Lord_Howe": (datetime(2026, 10, 3, 15, 30, tzinfo=UTC), datetime(2026, 4, 4, 15, tzinfo=UTC)),
    "Africa/Cairo": (datetime(2026, 4, 23, 22, tzinfo=UTC), datetime(2026, 10, 29, 21, tzinfo=UTC)),
}


def rows_with(*hours: OpeningHoursRow, **changes: Any) -> Rows:
    """The oracle makes up no texts, so they stand in the rows."""
    texts = {"greeting_text": "Guten Tag.", "closed_text": "Geschlossen.", "closing_text": "Feierabend."}
    return line_rows(*hours, lines=(texts,), **changes)


def oracle_of(rows: Rows) -> LineOracle:
    return LineOracle(rows=rows, tenant=KEY[0], line=KEY[1])


def assert_open_as_said(rows: Rows, first: datetime, last: datetime, step: timedelta) -> None:
    """Open or closed and why, at every step and a second before it."""
    line, oracle, at = compiled(rows), oracle_of(rows), first
    while at <= last:
        for instant in (at - SECOND, at):
            found, expected = line_at(line, instant), oracle.answer(instant, None)
            name = found.reasons[0].parameters.get("window") or found.reasons[0].parameters.get("name", "")
            assert (found.rule, name) == (expected.rule, expected.name), instant
        at += step


@pytest.mark.parametrize("zone", NIGHTS)
@pytest.mark.parametrize("weekly", WEEKS.values(), ids=WEEKS)
def test_every_minute_of_both_nights(zone: str, weekly: tuple[tuple[int, int, int], ...]) -> None:
    for change in NIGHTS[zone]:
        before, after = ((change + shift).astimezone(ZoneInfo(zone)) for shift in (-SECOND, SECOND))
        assert before.utcoffset() != after.utcoffset()
        holiday = (after.date() + timedelta(days=1), "Feiertag")
        rows = rows_with(hours_row(weekly, zone=zone, holiday_dates=(holiday,)))
        minute = timedelta(minutes=1)
        assert_open_as_said(rows, change - timedelta(hours=4), change + timedelta(hours=4), minute)
        for at in (change - timedelta(hours=3), change - minute, change, change + minute, change + timedelta(hours=3)):
            found, oracle = line_at(compiled(rows), at), oracle_of(rows)
            until = oracle.first(at, at + timedelta(days=4), opened=not found.open)
            assert found.until == until


@pytest.mark.parametrize("day", [date(2027, 12, 31), date(2028, 2, 28), date(2028, 2, 29), date(2100, 2, 28)])
def test_every_minute_of_year_ends_and_leap_days(day: date) -> None:
    """With holidays and a special opening on 29 February, where there is one."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    holidays = ((day, "Erster"), (day + timedelta(days=1), "Zweiter"))
    opening = SpecialHoursRow(
        name="offen",
        title="Offen",
        opens=True,
        valid_from=start + timedelta(hours=23, minutes=59, seconds=30),
        valid_to=start + timedelta(hours=24, seconds=30),
        opening_hours="service",
    )
    for weekly in (WEEKS["by day"], WEEKS["by night"], WEEKS["always"]):
        rows = rows_with(hours_row(weekly, holiday_dates=holidays), special_hours=(opening,))
        assert_open_as_said(rows, start - timedelta(hours=4), start + timedelta(hours=52), timedelta(minutes=4))
        assert_open_as_said(rows, start + timedelta(hours=22), start + timedelta(hours=25), timedelta(minutes=1))


def test_ten_years_of_holidays() -> None:
    """Every day from 2025 to 2034, around the opening, at noon, and around the end."""
    holidays = tuple((day, name) for day, name in holiday_dates("DE-NI") if 2024 <= day.year <= 2035)
    assert len(holidays) > 100
    rows = rows_with(hours_row(tuple((day, 420, 1080) for day in range(5)), holiday_dates=holidays))
    line, oracle = compiled(rows), oracle_of(rows)
    day, counted = date(2025, 1, 1), 0
    while day < date(2035, 1, 1):
        seven = datetime(day.year, day.month, day.day, 7, tzinfo=ZoneInfo("Europe/Berlin"))
        for at in (
            seven - SECOND,
            seven,
            seven.replace(hour=12),
            seven.replace(hour=18) - SECOND,
            seven.replace(hour=18),
        ):
            found = line_at(line, at)
            assert (found.open, found.rule) == (oracle.is_open(at), oracle.answer(at, None).rule), at
            counted += found.rule == "holiday"
        day += timedelta(days=1)
    assert counted == 5 * sum(2025 <= day.year <= 2034 for day, _ in holidays)
