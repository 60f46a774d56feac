# SPDX-License-Identifier: EUPL-1.2
"""Opening hours: half-open windows on the clock on the wall, on ordinary and on daylight-saving days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from routing.core.announcements import closed_text, spoken_hours
from routing.core.hours import OpeningHours, Window, clock_text, overlapping
from routing.core.line import ServiceLine
from routing.core.timeline import EARLIEST, LATEST, line_at, next_opening, stretches
from tests.support.lines import State, state_at
from tests.support.lines import weekly_line as hours

BERLIN = ZoneInfo("Europe/Berlin")
TICK = timedelta(microseconds=1)


def opened(window: Window, closes_at: datetime | None) -> State:
    return "open", str(window), closes_at


def closed(next_opening: datetime | None, holiday: str | None = None) -> State:
    return "holiday" if holiday else "outside_hours", holiday or "", next_opening


def is_open(line: ServiceLine, at: datetime) -> bool:
    return line_at(line, at).open


def rule_of(line: ServiceLine) -> OpeningHours:
    return line.editions[0].hours[0]


WEEKDAYS = hours(*((day, 7 * 60, 18 * 60) for day in range(5)))
NIGHT = hours(*((day, 60, 240) for day in range(7)))  # 01:00-04:00, across the change of the clock
ALL_DAY = hours(*((day, 0, 1440) for day in range(7)))


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def test_a_window_includes_its_start_and_not_its_end() -> None:
    start, end = berlin("2026-11-23T07:00"), berlin("2026-11-23T18:00")
    for at in (start, start + TICK, end - TICK):
        assert state_at(WEEKDAYS, at) == opened(Window(start=420, end=1080), end)
    assert state_at(WEEKDAYS, start - TICK) == closed(start)
    assert state_at(WEEKDAYS, end) == closed(berlin("2026-11-24T07:00"))


def test_lunch_splits_a_day() -> None:
    split = hours((0, 480, 720), (0, 780, 960))
    noon = state_at(split, berlin("2026-11-23T12:00"))
    assert noon == closed(berlin("2026-11-23T13:00"))
    afternoon = state_at(split, berlin("2026-11-23T13:00"))
    assert afternoon == opened(Window(start=780, end=960), berlin("2026-11-23T16:00"))


def test_a_window_may_fill_the_day() -> None:
    whole_days = hours((0, 0, 1440), (1, 0, 1440))
    last = berlin("2026-11-24T00:00") - TICK
    assert state_at(whole_days, last) == opened(Window(start=0, end=1440), berlin("2026-11-25T00:00"))
    assert is_open(whole_days, last + TICK)


def test_holidays_close_and_are_skipped() -> None:
    christmas = hours(
        *((day, 420, 1080) for day in range(5)),
        holidays={date(2026, 12, 25): "Erster Weihnachtstag", date(2026, 12, 26): "Zweiter Weihnachtstag"},
    )
    found = state_at(christmas, berlin("2026-12-25T10:00"))
    assert found == closed(berlin("2026-12-28T07:00"), "Erster Weihnachtstag")
    assert next_opening(christmas, berlin("2026-12-24T18:00")) == berlin("2026-12-28T07:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("2026-03-28T23:59:59Z", False), ("2026-03-29T00:00:00Z", True), ("2026-03-29T00:59:59Z", True)),
        *(("2026-03-29T01:00:00Z", True), ("2026-03-29T01:59:59Z", True), ("2026-03-29T02:00:00Z", False)),
        *(("2026-10-24T22:59:59Z", False), ("2026-10-24T23:00:00Z", True), ("2026-10-25T00:30:00Z", True)),
        *(("2026-10-25T01:30:00Z", True), ("2026-10-25T02:59:59Z", True), ("2026-10-25T03:00:00Z", False)),
    ],
)
def test_the_clock_on_the_wall_counts_when_it_changes(text: str, expected: bool) -> None:
    at = datetime.fromisoformat(text)
    for zone in (UTC, BERLIN, ZoneInfo("America/New_York")):
        assert is_open(NIGHT, at.astimezone(zone)) is expected


def test_a_window_in_the_doubled_hour_holds_twice() -> None:
    """02:50 comes once before and once after the clock goes back; each time the line opens, and closes at 03:00."""
    half = hours((6, 170, 180))  # Sunday 02:50-03:00
    first, second = (datetime(2026, 10, 25, 2, 45, fold=fold, tzinfo=BERLIN).astimezone(UTC) for fold in (0, 1))
    for at in (first, second):
        assert state_at(half, at) == closed(at + timedelta(minutes=5))
        assert state_at(half, at + timedelta(minutes=5)) == opened(
            Window(start=170, end=180), at + timedelta(minutes=15)
        )
    across = hours((6, 30, 150))  # 00:30-02:30: open until 02:30, and again when 02:00 comes back
    assert state_at(across, first) == closed(datetime(2026, 10, 25, 1, tzinfo=UTC))
    assert state_at(across, second) == closed(berlin("2026-11-01T00:30"))


def test_a_window_in_the_skipped_hour_is_cut_to_what_the_clock_shows() -> None:
    """On 29 March 2026 the clock goes from 02:00 to 03:00: 01:00 UTC."""
    change, before = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 29, 0, tzinfo=UTC)
    starts_within = hours((6, 150, 300))
    assert state_at(starts_within, before) == closed(change)
    assert is_open(starts_within, change)
    ends_within = hours((6, 30, 150))
    assert state_at(ends_within, before) == opened(Window(start=30, end=150), change)
    assert state_at(ends_within, change) == closed(berlin("2026-04-05T00:30"))
    all_of_it = hours((6, 125, 175))
    assert state_at(all_of_it, before) == closed(berlin("2026-04-05T02:05"))


def test_a_day_that_a_zone_leaves_out_has_no_hours() -> None:
    """Samoa went from 29 to 31 December 2011: a Thursday and a Saturday."""
    friday = hours((4, 480, 960), zone="Pacific/Apia")
    apia = ZoneInfo("Pacific/Apia")
    assert state_at(friday, datetime(2011, 12, 29, 23, 59, tzinfo=apia)) == closed(datetime(2012, 1, 6, 8, tzinfo=apia))


def test_a_window_across_midnight_belongs_to_the_day_on_which_it_starts() -> None:
    night = hours(*((day, 22 * 60, 30 * 60) for day in range(5)), holidays={date(2026, 12, 25): "Weihnachten"})
    window = Window(start=1320, end=1800)
    assert str(window) == "22:00-06:00"
    saturday = state_at(night, berlin("2026-11-28T05:59"))
    assert saturday == opened(window, berlin("2026-11-28T06:00"))
    assert state_at(night, berlin("2026-11-28T06:00")) == closed(berlin("2026-11-30T22:00"))
    assert is_open(night, berlin("2026-12-25T05:59"))  # the window of Christmas Eve, a Thursday
    assert state_at(night, berlin("2026-12-25T22:00")) == closed(berlin("2026-12-28T22:00"), "Weihnachten")
    assert state_at(night, berlin("2026-12-26T00:00")) == closed(berlin("2026-12-28T22:00"))


def test_windows_that_touch_at_midnight_close_once() -> None:
    touching = hours((0, 1200, 1440), (1, 0, 120), (1, 120, 200))
    found = state_at(touching, berlin("2026-11-23T21:00"))
    assert found == opened(Window(start=1200, end=1440), berlin("2026-11-24T03:20"))
    assert next_opening(touching, berlin("2026-11-23T21:00")) == berlin("2026-11-30T20:00")


def test_round_the_clock_closes_only_for_a_holiday() -> None:
    assert state_at(ALL_DAY, berlin("2026-11-23T10:00")) == opened(Window(start=0, end=1440), None)
    assert next_opening(ALL_DAY, berlin("2026-11-23T10:00")) is None
    almost = hours(*((day, 0, 1440) for day in range(7)), holidays={date(2027, 6, 1): "Ruhetag"})
    assert state_at(almost, berlin("2026-11-23T10:00")) == opened(Window(start=0, end=1440), berlin("2027-06-01"))
    assert next_opening(almost, berlin("2026-11-23T10:00")) == berlin("2027-06-02")
    assert state_at(almost, berlin("2026-01-01")) == opened(Window(start=0, end=1440), None)  # beyond 400 days


def test_a_holiday_is_told_even_where_nothing_ever_opens() -> None:
    closed_line = hours(holidays={date(2026, 12, 25): "Weihnachten"})
    start, end = berlin("2026-12-24"), berlin("2026-12-28")
    rules = ["outside_hours", "holiday", "outside_hours"]
    assert [found.rule for found in stretches(closed_line, start, end)] == rules
    assert state_at(closed_line, berlin("2026-12-25T10:00")) == closed(None, "Weihnachten")


def test_no_time_has_no_stretches() -> None:
    at = berlin("2026-11-23T10:00")
    assert list(stretches(WEEKDAYS, at, at)) == list(stretches(WEEKDAYS, at, at - TICK)) == []


def test_hours_that_never_open_say_so() -> None:
    never = hours()
    assert state_at(never, berlin("2026-11-23T10:00")) == closed(None)
    always_holiday = hours((0, 0, 1440), holidays={date(2026, 1, 5) + timedelta(days=7 * n): "x" for n in range(200)})
    assert next_opening(always_holiday, berlin("2026-11-23T10:00")) is None


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "Europe/Berlin"])
def test_the_ends_of_the_calendar_are_not_served_and_raise_nothing(zone: str) -> None:
    always = hours(*((day, 0, 1440) for day in range(7)), zone=zone)
    outside = [datetime.min.replace(tzinfo=of) for of in (UTC, ZoneInfo("Pacific/Kiritimati"), BERLIN)]
    outside += [datetime.max.replace(tzinfo=of) for of in (UTC, ZoneInfo("Pacific/Pago_Pago"), BERLIN)]
    for at in (*outside, EARLIEST - TICK, LATEST):
        assert state_at(always, at) == ("not_served", "", None)
        assert line_at(always, at).destination is None
        assert next_opening(always, at) is None
    for start in outside[:3]:
        assert list(stretches(always, start, outside[0])) == []
        assert [found.start for found in stretches(always, start, outside[3])] == [EARLIEST]
    for end in outside[3:]:
        assert list(stretches(always, outside[3], end)) == []
        assert [found.end for found in stretches(always, outside[0], end)] == [LATEST]
    for within in (EARLIEST, EARLIEST + TICK, LATEST - TICK):
        assert state_at(always, within) == opened(Window(start=0, end=1440), None)


def test_overlaps_are_found_and_neighbours_are_none() -> None:
    morning, late, night = Window(start=420, end=720), Window(start=719, end=800), Window(start=1320, end=1800)
    assert overlapping([[late, morning]]) == (0, morning, late)
    assert overlapping([[Window(start=720, end=800), morning]]) is None
    assert overlapping([]) is None
    assert overlapping([[], []]) is None
    assert overlapping([[], [night], [Window(start=359, end=400)]]) == (1, night, Window(start=359, end=400))
    assert overlapping([[], [night], [Window(start=360, end=400)]]) is None
    sunday = [[Window(start=359, end=400)], [], [], [], [], [], [night]]
    assert overlapping(sunday) == (6, night, Window(start=359, end=400))
    assert overlapping([[Window(start=360, end=400)], *sunday[1:]]) is None
    assert overlapping([[], [], [], [], [], [], [night]]) is None


def test_hours_are_written_and_spoken() -> None:
    written = {0: "00:00", 420: "07:00", 1439: "23:59", 1440: "24:00", 1441: "00:01", 2879: "23:59"}
    assert {minutes: clock_text(minutes) for minutes in written} == written
    assert spoken_hours(rule_of(WEEKDAYS).weekly) == "montags bis freitags von 7 bis 18 Uhr"
    mixed = hours((0, 480, 750), (0, 795, 960), (2, 480, 750))
    assert spoken_hours(rule_of(mixed).weekly) == (
        "montags von 8 bis 12 Uhr 30 und von 13 Uhr 15 bis 16 Uhr, mittwochs von 8 bis 12 Uhr 30"
    )
    assert spoken_hours(rule_of(hours((4, 1320, 1800))).weekly) == "freitags von 22 bis 6 Uhr"
    assert spoken_hours(rule_of(hours((4, 1320, 1440))).weekly) == "freitags von 22 bis 24 Uhr"
    assert "keine festen Sprechzeiten" in closed_text("Stadt X", rule_of(hours()))
