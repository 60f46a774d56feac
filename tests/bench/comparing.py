# SPDX-License-Identifier: EUPL-1.2
"""The exact comparison of two versions over a year: its cost is that of what changed, not of what is there."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from routing.core.changes import RowChange
from routing.core.comparison import compare
from routing.core.compile import change_table, compile_table
from routing.core.table import Table
from tests.bench.figures import Effort, Figure, Section, side_by_side, spread
from tests.bench.rows import OPEN, did, rows_of

_YEAR = timedelta(days=365)
_PLACE = 7


async def comparing(effort: Effort) -> Section:
    """One changed number and one changed line, in a small table and a large one."""
    works: dict[str, Callable[[], int]] = {}
    found: dict[str, int] = {}
    for size in dict.fromkeys((min(1_000, effort.large), effort.large)):
        rows = rows_of(size)
        table, line = compile_table(rows, version=1), rows.service_lines[3]
        number = RowChange(before=did(_PLACE), after=did(_PLACE, line="115"))
        longer = RowChange(before=line, after=replace(line, after_closing_minutes=30))
        for what, change in (("one number", number), ("one line", longer)):
            name = f"compare a year, {what} changed, {size:,} numbers"
            changed = change_table(table, [change], version=2)
            found[name] = sum(1 for _ in compare(table, changed, OPEN, OPEN + _YEAR))
            works[name] = _compared(table, changed)
    times = side_by_side(works, rounds=min(7, effort.rounds))
    return Section(
        title="Comparing two versions",
        text="Every difference of decisions over a year: of the number it is "
        + ", of the line ".join(f"{count:,}" for count in list(found.values())[-2:])
        + ".",
        figures=tuple(
            Figure(
                name=name,
                value=statistics.median(took) / 1_000,
                unit="ms",
                spread=spread([one / 1_000 for one in took]),
            )
            for name, took in times.items()
        ),
    )


def _compared(old: Table, new: Table) -> Callable[[], int]:
    def work() -> int:
        for _ in compare(old, new, OPEN, OPEN + _YEAR):
            pass
        return 1

    return work
