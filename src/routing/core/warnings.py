# SPDX-License-Identifier: EUPL-1.2
"""What is doubtful about a table: it compiles, and yet something in it is hardly meant.

Each warning names its row and says what to do. What has its reason as often as not, such as a former edition behind
which a later one stands, is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from routing.core.check_trunks import check_trunk
from routing.core.rows import Problem
from routing.core.table import Table
from routing.core.timeline import EARLIEST, LATEST
from routing.core.warn_chains import chain_warnings
from routing.core.warn_dates import date_warnings
from routing.core.warn_effects import effect_warnings
from routing.core.warn_lines import line_warnings
from routing.core.warn_numbers import number_warnings


def warnings_of(table: Table, at: datetime) -> tuple[Problem, ...]:
    """All warnings about the time from ``at`` (aware) on, in the order of their places. Every one is a ``warning``."""
    if at.tzinfo is None:
        raise ValueError("at needs an offset from UTC")
    at = min(max(at, EARLIEST), LATEST).astimezone(UTC)
    found = {Problem(place=place, sentence=sentence, warning=True): None for place, sentence in _all(table, at)}
    for row in table.rows.trunks:
        found |= {problem: None for problem in check_trunk(row) if problem.warning}
    return tuple(sorted(found, key=lambda problem: (problem.place, problem.sentence)))


def _all(table: Table, at: datetime) -> Iterator[tuple[str, str]]:
    yield from line_warnings(table, at)
    yield from chain_warnings(table.rows)
    yield from date_warnings(table, at)
    yield from effect_warnings(table, at)
    yield from number_warnings(table, at)
