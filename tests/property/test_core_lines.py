# SPDX-License-Identifier: EUPL-1.2
"""A line through a hard time against a slow oracle, at every boundary and minute by minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from routing.core.compile import compile_table
from routing.core.decision import (
    Destination,
    DialExtension,
    EnterQueue,
    Forward,
    PlayAnnouncement,
    Step,
)
from routing.core.line import Stretch
from routing.core.rows import Rows
from routing.core.table import Table
from routing.core.timeline import line_at, next_opening, stretches
from tests.property.line_oracle import Answer, Chain, LineOracle
from tests.property.line_rows_hard import DAYS, LINE, TENANT, hard_lines, offsets
from tests.property.row_values import PHASES, SLOW

SECOND, TICK = timedelta(seconds=1), timedelta(microseconds=1)
HORIZON = timedelta(days=DAYS + 2)
SLOWLY = settings(max_examples=100, deadline=None, phases=PHASES, suppress_health_check=SLOW)


def oracle_of(rows: Rows) -> LineOracle:
    return LineOracle(rows=rows, tenant=TENANT, line=LINE)


def said(table: Table, stretch: Stretch) -> Answer:
    """What the core says, in the oracle's words."""
    if stretch.edition is None:
        assert (stretch.destination, stretch.overflow, stretch.closing, stretch.reasons) == (None, (), None, ())
        return Answer(stretch.rule)
    assert stretch.destination is not None
    parameters = stretch.reasons[0].parameters
    name = parameters.get("window") or parameters.get("name", "")
    chain = ((), _target(table, stretch.destination)), *_steps(table, stretch.overflow)
    closing = stretch.closing and (
        stretch.closing.until,
        table.announcements[stretch.closing.announcement],
        _steps(table, stretch.closing.steps),
    )
    return Answer(stretch.rule, name, chain, tuple(reason.rule for reason in stretch.reasons), closing or None)


def _steps(table: Table, steps: tuple[Step, ...]) -> Chain:
    return tuple((step.when, _target(table, step.destination)) for step in steps)


def _target(table: Table, destination: Destination) -> Any:
    match destination:
        case EnterQueue():
            greeting = None if destination.announcement is None else table.announcements[destination.announcement]
            notices = tuple(table.announcements[name] for name in destination.notices)
            bounds = (destination.priority, destination.wait_seconds, destination.expected_wait_seconds)
            return ("queue", destination.queue, greeting, notices, *bounds)
        case PlayAnnouncement(announcement=announcement):
            return ("say", table.announcements[announcement])
        case Forward(number=number, trunk=trunk, ring_seconds=ring):
            return ("dial", number, trunk, ring)
        case DialExtension(number=number, trunk=trunk, ring_seconds=ring):
            return ("dial", number, trunk, ring)
        case _:
            raise AssertionError(destination)


def assert_as_said(table: Table, oracle: LineOracle, at: datetime) -> Stretch:
    """Everything about this instant, as far as the oracle looks ahead."""
    found, until = line_at(table.lines[TENANT, LINE], at), at + HORIZON
    assert found.start <= at < found.end
    assert found.open is oracle.is_open(at)
    changes = oracle.first(at, until, opened=not found.open) if found.edition is not None else None
    if changes is None:
        assert found.until is None or found.until > until
        changes = found.until  # beyond what the oracle has seen
    assert found.until == changes
    assert (found.edition and found.edition.validity.valid_from) == ((row := oracle.edition(at)) and row.valid_from)
    assert said(table, found) == oracle.answer(at, changes)
    opening = oracle.first(at, until, opened=True) if not found.open else None
    if found.open and changes is not None and changes <= until:
        opening = oracle.first(changes, until, opened=True)
    theirs = next_opening(table.lines[TENANT, LINE], at)
    assert opening == theirs if opening else theirs is None or theirs > until
    return found


@SLOWLY
@given(hard_lines(), st.lists(offsets, min_size=4, max_size=4))
def test_a_line_is_what_its_rows_say(found: tuple[Rows, datetime], drawn: list[timedelta]) -> None:
    """At drawn instants, and a second and a microsecond before, at, and a second after every boundary."""
    rows, start = found
    table, oracle = compile_table(rows, version=1), oracle_of(rows)
    line = table.lines[TENANT, LINE]
    edges = {stretch.start for stretch in stretches(line, start, start + timedelta(days=DAYS))}
    edges |= {edge for edge in oracle.edges() if start <= edge <= start + timedelta(days=DAYS)}
    instants = {edge + shift for edge in edges for shift in (-SECOND, -TICK, timedelta(0), SECOND)}
    for at in sorted(instants | {start + offset for offset in drawn}):
        event(assert_as_said(table, oracle, at).rule)


@SLOWLY
@given(hard_lines(), st.data())
def test_stretches_tile_the_time_and_hold_throughout(found: tuple[Rows, datetime], data: st.DataObject) -> None:
    """Each is what ``line_at`` says anywhere within, and every minute is open as the oracle says."""
    rows, start = found
    table, oracle = compile_table(rows, version=1), oracle_of(rows)
    line = table.lines[TENANT, LINE]
    first, last = (start + offset for offset in sorted((data.draw(offsets), data.draw(offsets))))
    tiles = list(stretches(line, first, last))
    ends = [first, *(tile.end for tile in tiles)]
    assert [tile.start for tile in tiles] == ends[:-1]
    assert ends[-1] == (last if tiles else first)
    assert bool(tiles) is (first < last)
    for tile in tiles:
        assert tile.start < tile.end
        whole, hour = (tile.end - tile.start) // TICK, timedelta(hours=1) // TICK
        within = [whole - 1, data.draw(st.integers(0, whole - 1)), *range(0, whole, hour)]
        for at in (tile.start + ticks * TICK for ticks in within):
            there = line_at(line, at)
            assert tile.start <= there.start <= at < there.end <= tile.end or tile in (tiles[0], tiles[-1])
            assert replace(there, start=tile.start, end=tile.end) == tile
        for minute in oracle.instants(tile.start, tile.end - TICK):
            assert oracle.is_open(minute) is tile.open
