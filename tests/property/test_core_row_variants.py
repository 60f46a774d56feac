# SPDX-License-Identifier: EUPL-1.2
"""The same as for every single change, of many changes at once and of one change after another."""

from __future__ import annotations

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from routing.core.changes import difference
from routing.core.compile import change_table, compile_table
from routing.core.rows import CompileError, Rows
from routing.core.table import Table
from tests.property.row_values import PHASES, SLOW
from tests.property.row_variants import PLAIN, Choice, choices, rows_of
from tests.property.table_parts import known

SLOWLY = settings(max_examples=200, deadline=None, phases=PHASES, suppress_health_check=SLOW)


def compiled(choice: Choice) -> Table | None:
    try:
        return compile_table(rows_of(choice), version=2)
    except CompileError:
        return None


def assert_same_change(before: Choice, after: Choice) -> bool:
    """``change_table`` gives what ``compile_table`` gives, or neither gives a table. Says whether it was given."""
    table, expected = compile_table(rows_of(before), version=1), compiled(after)
    changes = difference(rows_of(before), rows_of(after))
    if expected is None:
        with pytest.raises(CompileError):
            change_table(table, changes, version=2)
    else:
        changed = change_table(table, changes, version=2)
        assert changed.version == 2
        assert known(changed) == known(expected)
    assert known(table) == known(compile_table(rows_of(before), version=1))
    return expected is not None


@SLOWLY
@given(choices(), st.data())
def test_random_changes(before: Choice, data: st.DataObject) -> None:
    if compiled(before) is None:
        before = PLAIN
    after = data.draw(choices(before))
    event("made" if assert_same_change(before, after) else "refused")


@SLOWLY
@given(st.lists(choices(maximum=3), min_size=2, max_size=5))
def test_one_change_after_another(walk: list[Choice]) -> None:
    """Tables are changed again and again for weeks: nothing may pile up."""
    rows: Rows = rows_of(PLAIN)
    table = compile_table(rows, version=1)
    for choice in walk:
        try:
            table = change_table(table, difference(rows, rows_of(choice)), version=2)
            rows = rows_of(choice)
        except CompileError:
            event("refused")
    assert known(table) == known(compile_table(rows, version=2))
