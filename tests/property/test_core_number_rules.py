# SPDX-License-Identifier: EUPL-1.2
"""Whose a number is, against brute force: every number of a tiny dial space, before, between and after all dates."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from routing.core.compile import compile_table
from routing.core.decide import decide, meanings_of
from routing.core.decision import Call, Decision, DialExtension
from routing.core.rows import CompileError, Rows
from routing.core.table import Table
from tests.property.number_oracle import Claim, ambiguous, claims, holds
from tests.property.number_rows_tiny import INSTANTS, NUMBERS, crowded
from tests.property.row_values import PHASES, SLOW

TICK = timedelta(microseconds=1)
WHEN = [INSTANTS[0] - TICK, *INSTANTS]
RULES = {"line": "number", "other": "other_extension", "ingress": "ingress_number", "desk": "desk_extension"}
SLOWLY = settings(max_examples=200, deadline=None, phases=PHASES, suppress_health_check=SLOW)


def compiled(rows: Rows) -> Table | None:
    """The table; ``None`` if the rows do not compile, which must be if they are ambiguous and only then."""
    if not ambiguous(rows):
        return compile_table(rows, version=1)
    with pytest.raises(CompileError):
        compile_table(rows, version=1)
    event("ambiguous")
    return None


@SLOWLY
@given(crowded(), st.sampled_from(WHEN))
def test_every_number_is_whose_the_rules_say(rows: Rows, at: datetime) -> None:
    table = compiled(rows)
    if table is None:
        return
    for digits in NUMBERS:
        found = claims(rows, digits)
        meant = [(meaning.kind, meaning.tenant, meaning.line) for meaning in meanings_of(table, digits)]
        assert meant == [(claim.kind, claim.tenant, claim.line) for claim in found]
        dialled = [claim for claim in found if claim.kind != "ingress"]
        ingress = [claim for claim in found if claim.kind == "ingress"]
        winner = next((claim for claim in (*dialled, *ingress) if holds(rows, claim, at)), None)
        decision = decide(table, Call(dialled=f"+{digits}", caller=None), at)
        assert_leads(decision, winner)
        passed = [claim for claim in (*dialled, *ingress) if claim.tenant is not None]
        passed = passed[: passed.index(winner)] if winner is not None else passed
        assert ("not_valid" in [reason.rule for reason in decision.reasons]) is bool(passed)


def assert_leads(decision: Decision, claim: Claim | None) -> None:
    """The decision is what this row says; without one the number is unknown."""
    rules = [reason.rule for reason in decision.reasons if reason.rule != "not_valid"]
    if claim is None:
        assert (decision.tenant, decision.service_line, rules) == (None, None, ["unknown_number"])
        return
    assert rules[0] == RULES[claim.kind]
    assert (decision.tenant, decision.service_line) == (claim.tenant, claim.line)
    if claim.kind == "desk":
        extension = decision.dialled_number.removeprefix(claim.row.head_number)
        assert decision.destination == DialExtension(
            extension=extension, number=decision.dialled_number, trunk=claim.row.desk_trunk
        )
    if claim.kind in {"desk", "other"}:
        found = next(reason for reason in decision.reasons if reason.rule == RULES[claim.kind])
        extension = decision.dialled_number.removeprefix(claim.row.head_number)
        assert (found.parameters["head_number"], found.parameters["extension"]) == (claim.row.head_number, extension)
