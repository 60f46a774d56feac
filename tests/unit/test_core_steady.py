# SPDX-License-Identifier: EUPL-1.2
"""Within the span that is given for a decision, ``decide`` says the same of every such call, whoever and whenever."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from routing.core.decide import decide
from routing.core.decision import Call
from routing.core.steady import steady_span
from tests.property.small_tables import AREAS, HEADS, INSTANTS, TRUNKS, small_rows, small_table

TEXTS = (
    *(f"{head}{rest}" for head in HEADS for rest in ("", "0", "1", "9", "10", "55", "123")),
    "+49536190", "+49536191", "+4953728112", "+4930123456", "nonsense", "112", "115",
    *(f"0{area}115" for area in AREAS),
)  # fmt: skip
CALLERS = (None, "+4953721234", "+491701234567")
TABLES = 120


def looked_at(at: datetime, span: tuple[datetime, datetime]) -> list[datetime]:
    """Instants all over the span, and its first and last."""
    start, end = span
    near = [other for other in INSTANTS if start <= other < end]
    edges = [start, end - timedelta(microseconds=1)] if start >= INSTANTS[0] and end <= INSTANTS[-1] else []
    return [at, *near, *edges]


@pytest.mark.parametrize("part", range(4))
def test_a_decision_holds_all_over_its_span_for_whoever_calls(part: int) -> None:
    found: Counter[str] = Counter()
    for seed in range(part, TABLES, 4):
        chance = Random(seed)
        table = small_table(small_rows(chance))
        for text in TEXTS:
            call = Call(dialled=text, caller=chance.choice(CALLERS), trunk=chance.choice(TRUNKS))
            at = chance.choice(INSTANTS)
            decision = decide(table, call, at)
            span = steady_span(table, call, decision)
            found[decision.reasons[0].rule if span is not None else "none"] += 1
            if span is None:
                continue
            assert span[0] <= at < span[1]
            for other in looked_at(at, span):
                for caller in CALLERS:
                    assert decide(table, replace(call, caller=caller), other) == replace(decision, at=other)
    assert found.keys() >= {"number", "desk_extension", "unknown_number", "none"}


def test_nothing_is_said_of_a_call_with_a_number_in_a_header() -> None:
    table = small_table(small_rows(Random(1)))
    for header in ("diversion", "history_info", "to"):
        call = replace(Call(dialled=f"{HEADS[0]}0", caller=None, trunk="t1"), **{header: "+4953728115"})
        assert steady_span(table, call, decide(table, call, INSTANTS[0])) is None


def test_nothing_is_said_beyond_the_calendars_ends() -> None:
    at = datetime(9999, 6, 1, tzinfo=UTC)
    found = 0
    for table in (small_table(small_rows(Random(seed))) for seed in range(20)):
        for digits in filter(str.isdecimal, table.numbers):
            call = Call(dialled=f"+{digits}", caller=None, trunk="t1")
            decision = decide(table, call, at)
            if decision.reasons[0].rule in {"number", "other_extension"}:
                found += 1
                assert steady_span(table, call, decision) is None
    assert found
