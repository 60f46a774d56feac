# SPDX-License-Identifier: EUPL-1.2
"""Hours with windows across midnight, holidays and special hours against a slow oracle, minute by minute.

The instants lie around what is hard: both nights in which the clock is changed (in four zones), year ends, leap days,
and the edges of special hours.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import event, given, settings
from hypothesis import strategies as st

from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import Call
from routing.core.hours import Closed, Open, Schedule, hours_at, next_opening
from routing.core.rows import OpeningHoursRow, Rows, SpecialHoursRow
from tests.property.hours_oracle import Oracle
from tests.property.rows import PHASES, SLOW, configurations, nightly_weeklies
from tests.support.tables import example_rows

TENANT, LINE = "stadt-wolfsburg", "vermittlung"
CALL = Call(dialled="0536128-0", caller=None)
ZONES = ("Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe")
"""Lord Howe's clock is put forward by half an hour only; St John's is half an hour off; Kathmandu's never changes."""

HARD = [
    *(datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)),  # Europe
    *(datetime(2026, 3, 7, 12, tzinfo=UTC), datetime(2026, 10, 31, 12, tzinfo=UTC)),  # North America
    *(datetime(2026, 4, 4, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC)),  # Australia
    *(datetime(2027, 12, 31, tzinfo=UTC), datetime(2028, 2, 28, tzinfo=UTC), datetime(2028, 2, 29, 12, tzinfo=UTC)),
]
HORIZON = timedelta(days=9)
seconds = st.integers(0, 2 * 86_400) | st.integers(0, 2 * 1440).map(lambda minute: minute * 60)

nights = st.builds(  # on some days, a window that ends on the next
    lambda days, start, length: tuple((day, start, 1440 + min(length, start - 1)) for day in sorted(days)),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(2, 1439),
    st.integers(1, 1438),
)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Oracle, Rows, datetime]:
    """One line with hours, holidays and special hours of three scopes and of strangers, and a hard time."""
    start = draw(st.sampled_from(HARD))
    near = st.integers(-2, 4).map(lambda offset: (start + timedelta(days=offset)).date())
    row = OpeningHoursRow(
        name="service",
        timezone=draw(st.sampled_from(ZONES)),
        weekly=draw(nightly_weeklies() | nights | st.just(()) | st.just(tuple((day, 0, 1440) for day in range(7)))),
        holiday_dates=tuple((day, f"Feiertag {day}") for day in sorted(draw(st.sets(near, max_size=2)))),
    )
    scopes: list[dict[str, Any]] = [
        {"tenant": TENANT, "service_line": LINE},
        {"tenant": TENANT},
        {"opening_hours": "service"},
        {"tenant": TENANT, "service_line": "115"},
        {"tenant": "samtgemeinde-meinersen"},
    ]
    special = []
    for number, scope in enumerate(scopes):
        edges = sorted(draw(st.sets(seconds, max_size=4)))
        for count, pair in enumerate(zip(edges[::2], edges[1::2], strict=False)):
            first, last = (start + timedelta(seconds=edge) for edge in pair)
            opens = draw(st.booleans())
            special.append(
                SpecialHoursRow(
                    name=f"s{number}-{count}", title="Besonderes", opens=opens, valid_from=first, valid_to=last, **scope
                )
            )
    oracle = Oracle(tenant=TENANT, line=LINE, hours=row, special=tuple(special))
    return oracle, example_rows(opening_hours=(row,), special_hours=tuple(special)), start


def schedule_of(rows: Rows) -> Schedule:
    return compile_table(rows, version=1).lines[TENANT, LINE].schedule


@settings(max_examples=300, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(lines(), seconds, st.sampled_from([timedelta(0), timedelta(microseconds=1), -timedelta(microseconds=1)]))
def test_hours_are_what_they_are_said_to_be(
    found: tuple[Oracle, Rows, datetime], offset: int, shift: timedelta
) -> None:
    oracle, rows, start = found
    schedule, at = schedule_of(rows), start + timedelta(seconds=offset) + shift
    state, until = hours_at(schedule, at), at + HORIZON
    special = oracle.special_at(at)
    assert isinstance(state, Open) is oracle.is_open(at)
    assert (state.special.name if state.special else None) == (special.name if special else None)
    match state:
        case Open():
            changes = state.closes_at
            if special is None:
                assert state.window is not None
                assert (state.window.start, state.window.end) in {entry[1:] for entry in oracle.hours.weekly}
        case Closed():
            changes = state.next_opening
            assert state.holiday == (None if special else oracle.holiday_at(at))
    expected = oracle.first(at, until, opened=isinstance(state, Closed))
    assert expected == changes if expected else changes is None or changes > until
    event(f"{type(state).__name__}, {'special' if special else 'weekly'}, {'changes' if expected else 'stays'}")
    opening = expected
    if isinstance(state, Open) and expected:
        opening = oracle.first(expected, until, opened=True)
    theirs = next_opening(schedule, at)
    assert opening == theirs if opening else theirs is None or theirs > until


@settings(max_examples=100, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(lines())
def test_a_week_is_open_at_exactly_the_minutes_that_are_said(found: tuple[Oracle, Rows, datetime]) -> None:
    """The chain of changes that ``hours_at`` names, walked along, holds for every minute in between."""
    oracle, rows, start = found
    schedule, at, end = schedule_of(rows), start, start + timedelta(days=3)
    while at < end:
        state = hours_at(schedule, at)
        change = state.closes_at if isinstance(state, Open) else state.next_opening
        limit = min(change or end, end)
        assert oracle.is_open(at) is isinstance(state, Open)
        assert oracle.first(at, limit - timedelta(microseconds=1), opened=isinstance(state, Closed)) is None
        at = limit


@settings(max_examples=60, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(lines(), st.integers(-400, 400), seconds)
def test_shifting_the_hours_and_the_call_by_whole_weeks_changes_nothing(
    found: tuple[Oracle, Rows, datetime], weeks: int, offset: int
) -> None:
    """In UTC, where no clock is changed; the weekly windows return after seven days, the dates are moved along."""
    oracle, rows, start = found
    by, at = timedelta(weeks=weeks), start + timedelta(seconds=offset)
    hours = replace(oracle.hours, timezone="UTC")
    moved = replace(hours, holiday_dates=tuple((day + by, name) for day, name in hours.holiday_dates))
    special = tuple(
        replace(row, valid_from=row.valid_from + by, valid_to=row.valid_to + by) for row in rows.special_hours
    )
    before = hours_at(schedule_of(replace(rows, opening_hours=(hours,))), at)
    after = hours_at(schedule_of(replace(rows, opening_hours=(moved,), special_hours=special)), at + by)
    assert type(before) is type(after)
    assert _change(after) == (None if (change := _change(before)) is None else change + by)


@settings(max_examples=60, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(lines(), st.integers(-60, 60), seconds)
def test_without_weekly_hours_any_number_of_days_may_be_shifted(
    found: tuple[Oracle, Rows, datetime], days: int, offset: int
) -> None:
    oracle, rows, start = found
    by, at = timedelta(days=days), start + timedelta(seconds=offset)
    bare = replace(rows, opening_hours=(replace(oracle.hours, weekly=(), holiday_dates=(), timezone="UTC"),))
    special = tuple(
        replace(row, valid_from=row.valid_from + by, valid_to=row.valid_to + by) for row in rows.special_hours
    )
    before, after = (
        hours_at(schedule_of(bare), at),
        hours_at(schedule_of(replace(bare, special_hours=special)), at + by),
    )
    assert type(before) is type(after)
    assert _change(after) == (None if (change := _change(before)) is None else change + by)


@settings(max_examples=80, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(lines(), st.data(), seconds)
def test_a_window_in_two_pieces_is_the_same_window(
    found: tuple[Oracle, Rows, datetime], data: st.DataObject, offset: int
) -> None:
    oracle, rows, start = found
    at, weekly = start + timedelta(seconds=offset), list(oracle.hours.weekly)
    splittable = [entry for entry in weekly if entry[2] - entry[1] > 1]
    if not splittable:
        return
    day, first, last = data.draw(st.sampled_from(splittable))
    cut = data.draw(st.integers(first + 1, last - 1))
    pieces = [(day, first, cut), (day, cut, last)] if cut < 1440 else [(day, first, cut)]
    if cut >= 1440:  # the second piece starts on the next day, and is that day's: no holiday may tell them apart
        pieces += [((day + 1) % 7, cut - 1440, last - 1440)] if last > cut else []
        rows = replace(rows, opening_hours=(replace(oracle.hours, holiday_dates=()),))
    hours = rows.opening_hours[0]
    split = replace(hours, weekly=tuple(sorted([*(e for e in weekly if e != (day, first, last)), *pieces])))
    whole, cut_up = hours_at(schedule_of(rows), at), hours_at(schedule_of(replace(rows, opening_hours=(split,))), at)
    if isinstance(whole, Open) and isinstance(cut_up, Open):
        whole, cut_up = replace(whole, window=None), replace(cut_up, window=None)
    assert whole == cut_up


@settings(max_examples=60, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(lines(), seconds, st.booleans())
def test_special_hours_of_others_change_nothing(found: tuple[Oracle, Rows, datetime], offset: int, opens: bool) -> None:
    """Neither those of another line, tenant or hours that hold just now, nor further hours that nobody uses."""
    _, rows, start = found
    at, own = start + timedelta(seconds=offset), ("s0", "s1", "s2")
    rows = replace(rows, special_hours=tuple(row for row in rows.special_hours if row.name.startswith(own)))
    stranger = SpecialHoursRow(
        name="fremd", title="Fremd", opens=opens, valid_from=at - HORIZON, valid_to=at + HORIZON, tenant=TENANT
    )
    foreign: list[dict[str, Any]] = [
        {"service_line": "115"},
        {"tenant": "samtgemeinde-meinersen"},
        {"tenant": None, "opening_hours": "fremd"},
    ]
    hours = OpeningHoursRow(name="fremd", timezone="UTC", weekly=(), holiday_dates=((date(2026, 1, 1), "Neujahr"),))
    expected = decide(compile_table(rows, version=1), CALL, at)
    for scope in foreign:
        more = replace(
            rows,
            special_hours=(replace(stranger, **scope), *rows.special_hours),
            opening_hours=(hours, *rows.opening_hours),
        )
        assert decide(compile_table(more, version=1), CALL, at) == expected


@settings(max_examples=25, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(configurations(), st.randoms(use_true_random=False))
def test_the_order_of_rows_means_nothing(rows: Rows, chance: Any) -> None:
    shuffled = list(rows.special_hours)
    chance.shuffle(shuffled)
    one, other = (
        compile_table(item, version=1) for item in (rows, replace(rows, special_hours=tuple(reversed(shuffled))))
    )
    assert {key: line.schedule for key, line in one.lines.items()} == {
        key: line.schedule for key, line in other.lines.items()
    }
    for edge in [edge for row in rows.special_hours for edge in (row.valid_from, row.valid_to)]:
        for key, line in one.lines.items():
            at = edge.astimezone(ZoneInfo("UTC"))
            assert hours_at(line.schedule, at) == hours_at(other.lines[key].schedule, edge)


def _change(state: Open | Closed) -> datetime | None:
    return state.closes_at if isinstance(state, Open) else state.next_opening
