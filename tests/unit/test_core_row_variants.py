# SPDX-License-Identifier: EUPL-1.2
"""Every single change of a small configuration of every type of row: the changed table, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from routing.core.changes import RowChange, difference
from routing.core.comparison import compare
from routing.core.compile import change_table, compile_table, take_steps
from routing.core.compile_numbers import NumberRow
from routing.core.rows import CompileError, DidRow, IngressNumberRow, NumberBlockRow, TenantRow
from routing.core.steps import finish
from routing.core.table import Table
from tests.property.row_variants import JULY, JUNE, PLACES, PLAIN, TRUSTING, Choice, rows_of
from tests.property.table_parts import known

START, END = JUNE - timedelta(days=2), JULY + timedelta(days=2)


@cache
def compiled(choice: Choice) -> Table | None:
    try:
        return compile_table(rows_of(choice), version=1)
    except CompileError:
        return None


def single_changes(base: Choice = PLAIN) -> Iterator[tuple[Choice, Choice]]:
    """Each place, from each of its variants that compile to each other one."""
    for place, variants in enumerate(PLACES):
        found = [(*base[:place], number, *base[place + 1 :]) for number in range(len(variants))]
        for before in found:
            if compiled(before) is not None:
                yield from ((before, after) for after in found if after != before)


def test_a_changed_table_is_the_table_of_the_changed_rows_or_neither_is_made() -> None:
    made = refused = 0
    untouched: dict[Choice, dict[str, Any]] = {}
    for before, after in single_changes():
        table, expected = compiled(before), compiled(after)
        assert table is not None
        if before not in untouched:
            untouched[before] = known(table)
        changes = difference(rows_of(before), rows_of(after))
        if expected is None:
            with pytest.raises(CompileError):
                change_table(table, changes, version=2)
            refused += 1
        else:
            changed = change_table(table, changes, version=2)
            assert (changed.version, known(changed)) == (2, known(expected))
            made += 1
    for before, parts in untouched.items():
        assert known(compile_table(rows_of(before), version=1)) == parts
        table = compiled(before)
        assert table is not None
        assert known(table) == parts
    assert (made > 100, refused > 10) == (True, True)


@pytest.mark.parametrize("base", [PLAIN, TRUSTING], ids=["plain", "trusting"])
def test_what_is_said_of_a_change_is_said_of_its_reverse_the_other_way_round(base: Choice) -> None:
    for before, after in single_changes(base):
        old, new = compiled(before), compiled(after)
        if old is None or new is None:
            continue
        there, back = list(compare(old, new, START, END)), list(compare(new, old, START, END))
        turned = [(item.numbers, item.callers, item.start, item.end, item.after, item.before) for item in back]
        for item in there:
            assert (item.numbers, item.callers, item.start, item.end, item.before, item.after) in turned
        assert len(there) == len(back)
        assert list(compare(old, old, START, END)) == []


def test_a_table_may_be_made_of_numbers_that_are_drawn_one_by_one() -> None:
    rows = rows_of(PLAIN)
    numbers: list[NumberRow] = [*rows.number_blocks, *rows.dids, *rows.ingress_numbers]
    rest = replace(rows, number_blocks=(), dids=(), ingress_numbers=())
    made = finish(take_steps(rest, iter(numbers), version=1))
    assert known(made) == known(compile_table(rows, version=1))


@pytest.mark.parametrize(
    "row",
    [
        TenantRow(slug="fehlt", name="Fehlt"),
        NumberBlockRow(head_number="+49536199", tenant="stadt"),
        DidRow(head_number="+49536120", extension="77", tenant="stadt", service_line="a"),
        IngressNumberRow(number="+49536199", tenant="stadt", service_line="a"),
    ],
    ids=lambda row: type(row).__name__,
)
def test_a_row_that_is_not_there_cannot_be_taken_away(row: TenantRow | NumberBlockRow | DidRow) -> None:
    table = compiled(PLAIN)
    assert table is not None
    with pytest.raises(ValueError, match=r"is not there|could be taken away|taken away leads"):
        change_table(table, [RowChange(before=row, after=None)], version=2)
