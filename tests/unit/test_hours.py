# SPDX-License-Identifier: EUPL-1.2
"""Opening hours: half-open windows on the clock on the wall, on ordinary and on daylight-saving days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from routing.core.announcements import closed_text, spoken_hours
from routing.core.hours import Closed, Open, OpeningHours, Window, clock_text, hours_at, next_opening, overlapping

BERLIN = ZoneInfo("Europe/Berlin")
TICK = timedelta(microseconds=1)


def hours(
    *weekly: tuple[int, int, int], zone: str = "Europe/Berlin", holidays: dict[date, str] | None = None
) -> OpeningHours:
    days = tuple(
        tuple(sorted(Window(start=start, end=end) for day, start, end in weekly if day == number))
        for number in range(7)
    )
    return OpeningHours(name="test", timezone=ZoneInfo(zone), timezone_name=zone, weekly=days, holidays=holidays or {})


WEEKDAYS = hours(*((day, 7 * 60, 18 * 60) for day in range(5)))
NIGHT = hours(*((day, 60, 240) for day in range(7)))  # 01:00-04:00, across the change of the clock
ALL_DAY = hours(*((day, 0, 1440) for day in range(7)))


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def test_a_window_includes_its_start_and_not_its_end() -> None:
    start, end = berlin("2026-11-23T07:00"), berlin("2026-11-23T18:00")
    for at in (start, start + TICK, end - TICK):
        assert hours_at(WEEKDAYS, at) == Open(window=Window(start=420, end=1080), closes_at=end)
    assert hours_at(WEEKDAYS, start - TICK) == Closed(holiday=None, next_opening=start)
    assert hours_at(WEEKDAYS, end) == Closed(holiday=None, next_opening=berlin("2026-11-24T07:00"))


def test_lunch_splits_a_day() -> None:
    split = hours((0, 480, 720), (0, 780, 960))
    noon = hours_at(split, berlin("2026-11-23T12:00"))
    assert noon == Closed(holiday=None, next_opening=berlin("2026-11-23T13:00"))
    afternoon = hours_at(split, berlin("2026-11-23T13:00"))
    assert isinstance(afternoon, Open)
    assert afternoon.closes_at == berlin("2026-11-23T16:00")


def test_a_window_may_fill_the_day() -> None:
    last = berlin("2026-11-24T00:00") - TICK
    found = hours_at(ALL_DAY, last)
    assert isinstance(found, Open)
    assert found.closes_at == last + TICK
    assert isinstance(hours_at(ALL_DAY, last + TICK), Open)


def test_holidays_close_and_are_skipped() -> None:
    closed = hours(
        *((day, 420, 1080) for day in range(5)),
        holidays={date(2026, 12, 25): "Erster Weihnachtstag", date(2026, 12, 26): "Zweiter Weihnachtstag"},
    )
    found = hours_at(closed, berlin("2026-12-25T10:00"))
    assert found == Closed(holiday="Erster Weihnachtstag", next_opening=berlin("2026-12-28T07:00"))
    assert next_opening(closed, berlin("2026-12-24T18:00")) == berlin("2026-12-28T07:00")


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        *(("2026-03-28T23:59:59Z", False), ("2026-03-29T00:00:00Z", True), ("2026-03-29T00:59:59Z", True)),
        *(("2026-03-29T01:00:00Z", True), ("2026-03-29T01:59:59Z", True), ("2026-03-29T02:00:00Z", False)),
        *(("2026-10-24T22:59:59Z", False), ("2026-10-24T23:00:00Z", True), ("2026-10-25T00:30:00Z", True)),
        *(("2026-10-25T01:30:00Z", True), ("2026-10-25T02:59:59Z", True), ("2026-10-25T03:00:00Z", False)),
    ],
)
def test_the_clock_on_the_wall_counts_when_it_changes(text: str, is_open: bool) -> None:
    at = datetime.fromisoformat(text)
    for zone in (UTC, BERLIN, ZoneInfo("America/New_York")):
        assert isinstance(hours_at(NIGHT, at.astimezone(zone)), Open) is is_open


def test_both_of_the_doubled_hours_have_a_future_next_opening() -> None:
    """02:45 comes once before and once after the clock goes back; each time the next opening lies ahead."""
    half = hours((6, 170, 180))  # Sunday 02:50-03:00
    for fold, minutes in ((0, 5), (1, 7 * 1440 + 65)):
        at = datetime(2026, 10, 25, 2, 45, fold=fold, tzinfo=BERLIN)
        opening = next_opening(half, at)
        assert opening is not None
        assert opening > at.astimezone(UTC)
        assert fold == 1 or opening.astimezone(UTC) - at.astimezone(UTC) == timedelta(minutes=minutes)


def test_hours_that_never_open_say_so() -> None:
    never = hours()
    assert hours_at(never, berlin("2026-11-23T10:00")) == Closed(holiday=None, next_opening=None)
    always_holiday = hours((0, 0, 1440), holidays={date(2026, 1, 5) + timedelta(days=7 * n): "x" for n in range(200)})
    assert next_opening(always_holiday, berlin("2026-11-23T10:00")) is None


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "Europe/Berlin"])
def test_the_ends_of_the_calendar_are_closed_and_raise_nothing(zone: str) -> None:
    always = hours(*((day, 0, 1440) for day in range(7)), zone=zone)
    outside = [datetime.min.replace(tzinfo=of) for of in (UTC, ZoneInfo("Pacific/Kiritimati"), BERLIN)]
    outside += [datetime.max.replace(tzinfo=of) for of in (UTC, ZoneInfo("Pacific/Pago_Pago"), BERLIN)]
    for at in (*outside, datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)):
        assert hours_at(always, at) == Closed(holiday=None, next_opening=None)
    assert isinstance(hours_at(always, datetime(2, 1, 2, tzinfo=UTC)), Open)


def test_overlaps_are_found_and_neighbours_are_none() -> None:
    morning, late = Window(start=420, end=720), Window(start=719, end=800)
    assert overlapping([late, morning]) == (morning, late)
    assert overlapping([Window(start=720, end=800), morning]) is None
    assert overlapping([]) is None


def test_hours_are_written_and_spoken() -> None:
    assert [clock_text(minutes) for minutes in (0, 420, 1439, 1440)] == ["00:00", "07:00", "23:59", "24:00"]
    assert spoken_hours(WEEKDAYS.weekly) == "montags bis freitags von 7 bis 18 Uhr"
    mixed = hours((0, 480, 750), (0, 795, 960), (2, 480, 750))
    assert spoken_hours(mixed.weekly) == (
        "montags von 8 bis 12 Uhr 30 und von 13 Uhr 15 bis 16 Uhr, mittwochs von 8 bis 12 Uhr 30"
    )
    assert "keine festen Sprechzeiten" in closed_text("Stadt X", hours())
