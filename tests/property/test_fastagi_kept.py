# SPDX-License-Identifier: EUPL-1.2
"""A kept answer is what would have been decided and written anew, whoever calls, whenever, and by whichever table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from types import MappingProxyType

import pytest

from agi.fastagi.environment import Request
from agi.fastagi.handlers import Answer, Handlers, call_of
from agi.fastagi.kept import MAXIMUM_KEPT
from agi.fastagi.variables import commands
from routing.core.decide import decide
from routing.core.table import Table
from tests.property.small_tables import HEADS, INSTANTS, TRUNKS, changed_rows, small_rows, small_table

TEXTS = (*(f"{head}{rest}" for head in HEADS for rest in ("", "0", "1", "55", "123")), "115", "+4930123456", "x")
CALLERS = (None, "+4953721234", "+491701234567")
IDS = ("node1-1795314100.1", "1.1", "n" * 140 + "-1795314100.12")


class Clock:
    """What the handlers take for the time, and the table in use."""

    def __init__(self, table: Table) -> None:
        self.at = datetime(2026, 3, 27, tzinfo=UTC)
        self.table = table
        self.handlers = Handlers(table=lambda: self.table, clock=lambda: self.at)

    def asked(self, chance: Random, *, header: bool) -> tuple[Request, Answer]:
        self.at = chance.choice(INSTANTS) + timedelta(microseconds=chance.randrange(10**6))
        query = MappingProxyType({"dialled": chance.choice(TEXTS), "trunk": chance.choice(TRUNKS)})
        diverted = f"{HEADS[0]}0" if header else None
        request = Request("/route", query, chance.choice(CALLERS), diverted, None, None, chance.choice(IDS))
        return request, self.handlers(request)


@pytest.mark.parametrize("part", range(3))
def test_it_is_what_would_be_decided_and_written(part: int) -> None:
    assert sum(_compared(Random(seed)) for seed in range(part, 30, 3))


def _compared(chance: Random) -> int:
    """How many of the answers were kept ones."""
    rows = small_rows(chance)
    clock = Clock(small_table(rows))
    kept = 0
    for turn in range(300):
        if turn % 100 == 99:  # another version
            rows = changed_rows(rows, chance)
            clock.table = small_table(rows)
        request, answer = clock.asked(chance, header=turn % 10 == 0)
        kept += answer.decided.at != clock.at
        decision = decide(clock.table, call_of(request), clock.at)
        assert answer.decision == decision
        assert answer.call == call_of(request)
        assert answer.commands == commands(decision, clock.table, unique_id=request.unique_id)
    return kept


def test_what_is_kept_is_bounded() -> None:
    clock = Clock(replace(small_table(small_rows(Random(3)))))
    for number in range(MAXIMUM_KEPT + 500):
        query = MappingProxyType({"dialled": f"+4930{number:07}", "trunk": "t1"})
        clock.handlers(Request("/route", query, None, None, None, None, IDS[0]))
    assert len(clock.handlers.kept._kept) <= MAXIMUM_KEPT
