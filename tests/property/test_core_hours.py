# SPDX-License-Identifier: EUPL-1.2
"""Opening hours against an independent evaluator, opening-hours-py.

Its traps are kept away, not tolerated: it needs ``timezone=``, takes ``ZoneInfo`` only, and knows no Lower Saxony
(our holidays are appended as dates). It maps the doubled hour of October to its second pass, so instants within
two hours of a change of the clock are compared in unit tests by hand instead.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from opening_hours import OpeningHours as Oracle

from routing.config import holiday_dates
from routing.core.hours import clock_text
from routing.core.timeline import line_at, next_opening
from tests.property.rows import weeklies
from tests.support.lines import weekly_line

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ZONES = ("Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Auckland")
START = datetime(2025, 1, 1, tzinfo=UTC)
minutes = st.integers(0, 4 * 365 * 1440)


@cache
def holidays() -> dict[date, str]:
    return {day: name for day, name in holiday_dates("DE-NI") if 2024 <= day.year <= 2031}


def rule(weekly: tuple[tuple[int, int, int], ...], closed: dict[date, str]) -> str:
    days = []
    for number, name in enumerate(DAYS):
        windows = [f"{clock_text(start)}-{clock_text(end)}" for day, start, end in weekly if day == number]
        days.append(f"{name} {','.join(windows)}" if windows else f"{name} off")
    days += [f"{day.year} {MONTHS[day.month - 1]} {day.day} off" for day in closed]
    return "; ".join(days)


def steady(at: datetime, zone: ZoneInfo) -> bool:
    """Whether no clock is changed within a day of ``at``."""
    near = {(at + timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in (-24, 0, 24)}
    return len(near) == 1


@settings(max_examples=60, deadline=None)
@given(weeklies(), st.sampled_from(ZONES), st.booleans(), st.lists(minutes, min_size=10, max_size=10))
def test_open_exactly_when_the_oracle_says_so(
    weekly: tuple[tuple[int, int, int], ...], zone_name: str, with_holidays: bool, offsets: list[int]
) -> None:
    zone, closed = ZoneInfo(zone_name), holidays() if with_holidays else {}
    ours = weekly_line(*weekly, zone=zone_name, holidays=closed)
    oracle = Oracle(rule(weekly, closed), timezone=zone)
    for offset in offsets:
        at = START + timedelta(minutes=offset)
        if not steady(at, zone):
            continue
        local = at.astimezone(zone)
        found = line_at(ours, at)
        assert found.open == oracle.is_open(local)
        opening = next_opening(ours, at)
        if found.open:
            if found.until is None:
                assert opening is None
                continue
            assert found.until > at
            assert opening is None or opening > found.until
            continue
        assert found.until == opening
        if opening is None:
            assert not weekly
            continue
        assert opening > at
        theirs = oracle.next_change(local)
        if steady(opening, zone):
            assert theirs is not None
            assert opening.astimezone(UTC) == theirs.astimezone(UTC)
            assert line_at(ours, opening).open
            assert not line_at(ours, opening - timedelta(microseconds=1)).open


@settings(max_examples=100, deadline=None)
@given(weeklies(), st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("Pacific/Kiritimati")])))
def test_any_instant_of_the_calendar_has_an_answer(weekly: tuple[tuple[int, int, int], ...], at: datetime) -> None:
    for name in ZONES:
        ours = weekly_line(*weekly, zone=name)
        opening = next_opening(ours, at)
        assert line_at(ours, at) == line_at(ours, at.astimezone(UTC) if at.year > 1 and at.year < 9999 else at)
        assert opening is None or opening > at
