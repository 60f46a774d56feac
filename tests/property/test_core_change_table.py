# SPDX-License-Identifier: EUPL-1.2
"""A changed table is the table of the changed rows, however small the change; what it has to say against them too."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from routing.core.changes import apply, difference, in_utc, reverse
from routing.core.compile import change_table, compile_table
from routing.core.line import Latest, ServiceLine
from routing.core.rows import CompileError, Rows
from routing.core.table import Table
from routing.core.timeline import line_at
from tests.property.rows import PHASES, SLOW, configurations


# As the store gives them; the table of a router is never made of others.
def as_stored(rows: Rows) -> Rows:
    collections: dict[str, Any] = {name: tuple(map(in_utc, getattr(rows, name))) for name in Rows.__slots__}
    return Rows(**collections)


stored = configurations().map(as_stored)
few = settings(
    max_examples=20, deadline=None, phases=PHASES, suppress_health_check=[*SLOW, HealthCheck.filter_too_much]
)


def seen(table: Table) -> dict[str, Any]:
    """Everything of a table that a decision can depend on, comparable."""
    index = table.index
    return {
        "meanings": dict(index.meanings.items()),
        "wildcards": (dict(index.wildcards), table.wildcards),
        "blocks": dict(index.blocks.items()),
        "ranges": {bucket: set(ranges) for bucket, ranges in index.ranges.items()},
        "counts": (dict(index.dids_of_block.items()), dict(index.uses_of_line)),
        "rows": {name: set(getattr(table.rows, name)) for name in Rows.__slots__},
        "lines": {key: parts(line) for key, line in table.lines.items()},
        "buildings": {key: parts(line) for key, line in table.buildings.items()},
        "rest": (
            dict(table.tenants),
            dict(table.trunks),
            dict(table.origins),
            table.unknown_line,
            dict(table.announcements),
            {number: set(places) for number, places in table.frame.forwards.items()},
        ),
    }


def compiled(rows: Rows) -> Table | None:
    try:
        return compile_table(rows, version=1)
    except CompileError:
        return None


def parts(line: ServiceLine) -> dict[str, Any]:
    return {item.name: getattr(line, item.name) for item in fields(line) if item.name not in {"memo", "latest"}}


@few
@given(stored, stored)
def test_a_changed_table_equals_the_table_of_the_changed_rows(before: Rows, after: Rows) -> None:
    changes = difference(before, after)
    table, expected = compiled(before), compiled(after)
    assume(table is not None and expected is not None)
    assert table is not None
    assert expected is not None
    assert seen(change_table(table, changes, version=2)) == seen(expected)
    assert seen(table) == seen(compile_table(before, version=1)), "the table before stays as it was"


@settings(few, max_examples=6)
@given(stored, stored)
def test_change_by_change_it_compiles_exactly_when_the_rows_do(before: Rows, after: Rows) -> None:
    table, rows = compiled(before), before
    assume(table is not None)
    assert table is not None
    for change in difference(before, after):
        changed = apply(rows, [change])
        expected = compiled(changed)
        try:
            made = change_table(table, [change], version=1)
        except CompileError:
            assert expected is None, change.place
            continue
        assert expected is not None, change.place
        assert seen(made) == seen(expected)
        table, rows = made, changed


@few
@given(stored, st.lists(st.integers(-40_000, 40_000), min_size=2, max_size=12))
def test_what_a_line_was_asked_before_changes_nothing(rows: Rows, minutes: list[int]) -> None:
    table = compiled(rows)
    assume(table is not None)
    assert table is not None
    for minute in minutes:
        at = datetime(2000, 6, 1, tzinfo=UTC) + timedelta(minutes=minute)
        for line in table.lines.values():
            found = line_at(line, at)
            assert found == line_at(replace(line, memo={}, latest=Latest()), at)
            assert found.start <= at < found.end
            assert line_at(line, found.start) == found


@few
@given(stored, stored)
def test_a_change_made_and_undone_changes_nothing(before: Rows, after: Rows) -> None:
    changes = difference(before, after)
    table = compiled(before)
    assume(table is not None and compiled(after) is not None)
    assert table is not None
    again = change_table(change_table(table, changes, version=2), reverse(changes), version=3)
    assert seen(again) == seen(table)
