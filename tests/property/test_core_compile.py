# SPDX-License-Identifier: EUPL-1.2
"""Broken rows never break the compiler: it compiles or lists what is wrong."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from routing.core.compile import compile_table
from routing.core.rows import (
    CompileError,
    NoticeRow,
    OnCallDutyRow,
    OverrideRow,
    Problem,
    Rows,
    SpecialHoursRow,
    StepRow,
)
from tests.property.rows import PHASES, SLOW, configurations

DATED = (SpecialHoursRow, OverrideRow, NoticeRow, OnCallDutyRow)
"""Both of their ends are known."""
INSTANTS = [None, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), datetime(2026, 1, 1)]  # noqa: DTZ001
INSTANTS += [datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))]  # before the calendar in UTC
WORDS = ["", " ", "0", "00", "115", "+49", "+", "+495361", "+49536120", "+49110", "-1", "x" * 700, "9" * 70, "Ä", "a-b"]
WORDS += [
    "Europe/Berlin",
    "Europe",
    "../etc",
    "/",
    "a\0b",
    "\ud800",
    "\u202e",
    "٣",
    "a\nb",
    "a;b[c]",
    "127.0.0.1",
    "e164",
]
NUMBERS = [-1, 0, 1, 100, 10**9]
CHAINS = [
    (),
    (StepRow(kind=""),),
    (StepRow(kind="callback"),),
    (StepRow(kind="agent_group", agent_group="x", when=("timeout", "x", "x")),),
    (StepRow(kind="announcement", text="\ud800"), StepRow(kind="announcement", text="")),
    (StepRow(kind="forward", number="\ud800", trunk="x", ring_seconds=-1),),
    (StepRow(kind="desk", number="+495361200", trunk="x", after_seconds=10**9),),
    (StepRow(kind="on_call", rota="x", tries=10**9, when=("expected_wait",), over_seconds=0),),
    (StepRow(kind="announcement", text="Zu."),) * 9,
]
HOSTILE: dict[str, list[Any]] = {
    "weekly": [
        (),
        ((7, 0, 1),),
        ((-1, 0, 1),),
        ((0, 9, 9),),
        ((0, 0, 1441),),
        ((6, 1439, 2878), (0, 5, 6)),
        ((0, -9, 1500), (0, 0, 10), (0, 5, 6)),
    ],
    "holiday_dates": [()],
    "holiday_additions": [(), (("12-24", ""),), (("", "a\nb"),), (("12-24", "\ud800"),)],
    "holiday_removals": [(), ("",), ("\ud800",)],
    "opens": [True, False],
    "agent_groups": [(), ("",), ("x", "x"), ("\ud800",)],
    "desk_digits": [(), (-1,), (0,), (1,), (6, 6), (7,), (3, 10**9)],
    "overflow": CHAINS,
    "closed": CHAINS,
    **dict.fromkeys(("priority", "maximum_wait_seconds", "maximum_waiting", "rank"), NUMBERS),
    "after_closing_minutes": [None, *NUMBERS],
    "codecs": [(), ("",), ("\ud800",)],
    "recognise_by": [(), ("dialled",), ("x",), ("dialled", "dialled")],
    "trusts_diversion": [True, False],
    "valid_from": INSTANTS,
    "valid_to": INSTANTS,
    "has_other_route": [True, False],
    "demonstration": [True, False],
}


@settings(max_examples=100, deadline=None, phases=PHASES, suppress_health_check=SLOW)
@given(configurations(), st.integers(1, 5), st.integers(0, 2**32))
def test_broken_rows_compile_or_are_listed(rows: Rows, faults: int, seed: int) -> None:
    chance = Random(seed)
    for _ in range(faults):
        rows = _broken(rows, chance)
    found: tuple[Problem, ...] = ()
    try:
        compile_table(rows, version=1)
    except CompileError as error:
        found = error.problems
        event("does not compile")
    assert all(problem.place and problem.sentence and str(problem).isprintable() for problem in found)


def _broken(rows: Rows, chance: Random) -> Rows:
    """The rows with one row dropped, doubled or spoilt."""
    name = chance.choice([item.name for item in fields(rows) if getattr(rows, item.name)] or ["tenants"])
    section = list(getattr(rows, name))
    chance.shuffle(section)
    match chance.choice(["drop", "double", "spoil", "spoil", "spoil"]):
        case "drop":
            section = section[1:]
        case "double":
            section *= 2
        case _ if section:
            field = chance.choice([item.name for item in fields(section[0])])
            values = HOSTILE.get(field, WORDS)
            if values is INSTANTS and isinstance(section[0], DATED):
                values = [value for value in INSTANTS if value is not None]
            section[0] = replace(section[0], **{field: chance.choice(values)})
    return replace(rows, **{name: tuple(section)})
