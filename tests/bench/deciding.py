# SPDX-License-Identifier: EUPL-1.2
"""How long a decision takes, and that it does not grow with the table."""

from __future__ import annotations

import statistics
from collections import defaultdict
from datetime import datetime
from time import perf_counter_ns

from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import Call
from routing.core.table import Table
from tests.bench.figures import Effort, Figure, Section, share, spread, steady
from tests.bench.rows import calls_to, rows_of

_MOST_RATIO = 1.5

Asked = tuple[Table, list[tuple[Call, datetime]]]


async def deciding(effort: Effort) -> Section:
    """The tables are asked in turn, call by call, so that whatever else the machine does hits all of them alike."""
    tables: dict[int, Asked] = {
        size: (compile_table(rows_of(size), version=1), list(calls_to(size, effort.calls))) for size in effort.sizes
    }
    first = _first_of_a_day(tables[effort.sizes[-1]])
    for table, calls in tables.values():
        for call, at in calls:
            decide(table, call, at)
    with steady():
        times = _times(tables, effort.rounds)
    medians = {size: [statistics.median(of_round) for of_round in rounds] for size, rounds in times.items()}
    every = {size: [time for of_round in rounds for time in of_round] for size, rounds in times.items()}
    small, big = effort.sizes[0], effort.sizes[-1]
    figures = [
        Figure(
            name=f"decide at {big:,} numbers", value=statistics.median(medians[big]), unit="µs",
            peer=f"decide at {small:,} numbers", peer_value=statistics.median(medians[small]),
            must=f"ratio <= {_MOST_RATIO}", spread=spread(medians[big]),
        )
    ]  # fmt: skip
    for size in effort.sizes:
        figures.append(
            Figure(
                name=f"decide at {size:,} numbers, median",
                value=statistics.median(medians[size]),
                unit="µs",
                spread=spread(medians[size]),
            )
        )
        figures.append(Figure(name=f"decide at {size:,} numbers, p99", value=share(every[size], 0.99), unit="µs"))
    figures.append(Figure(name="decide, a line's first call of a day", value=statistics.median(first), unit="µs"))
    return Section(
        title="Deciding",
        text="Of ten calls six go to lines (one of them closed), one to a desk, two to 115, one to a number of nobody; "
        "reading the number as it was dialled is part of it. The tables are asked in turn, call by call. A line's "
        "first call of a day lays out that day, which all later calls find. Orientation: p99 below 20 µs.",
        figures=tuple(figures),
        curve=tuple((size, statistics.median(medians[size])) for size in effort.sizes),
    )


def _times(tables: dict[int, Asked], rounds: int) -> dict[int, list[list[float]]]:
    """Microseconds of each call, by table and round."""
    found: defaultdict[int, list[list[float]]] = defaultdict(list)
    length = min(len(calls) for _, calls in tables.values())
    for _ in range(rounds):
        for size in tables:
            found[size].append([])
        for place in range(length):
            for size, (table, calls) in tables.items():
                call, at = calls[place]
                begin = perf_counter_ns()
                decide(table, call, at)
                found[size][-1].append((perf_counter_ns() - begin) / 1_000)
    return found


def _first_of_a_day(asked: Asked) -> list[float]:
    """With a table that has just been made, so that no line has laid out a day yet."""
    table, calls = asked
    found, met = [], set()
    for call, at in calls:
        begin = perf_counter_ns()
        decision = decide(table, call, at)
        took = (perf_counter_ns() - begin) / 1_000
        key = (decision.tenant, decision.service_line)
        if decision.service_line is not None and key not in met:
            found.append(took)
        met.add(key)
    return found
