# SPDX-License-Identifier: EUPL-1.2
"""What the fallback cannot hold is told at each row, with its code and what callers get."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from routing.core.compile import compile_table
from routing.core.rows import (
    NoticeRow,
    OnCallDutyRow,
    OnCallRotaRow,
    OverrideRow,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    StepRow,
)
from routing.core.warn_fallback import INCLUDE_DAYS, NOTICE_CHARACTERS, fallback_warnings
from tests.support.tables import OPEN_AT, example_rows

DAY = timedelta(days=1)
LINE = ServiceLineRow(
    tenant="stadt-wolfsburg", name="bauhof", title="Bauhof", opening_hours="service", agent_group="allgemein"
)


def codes(rows: Rows) -> dict[str, set[str]]:
    """By place."""
    found: dict[str, set[str]] = {}
    for problem in fallback_warnings(compile_table(rows, version=1), OPEN_AT):
        assert problem.warning
        code, _, sentence = problem.sentence.partition(": ")
        assert sentence
        found.setdefault(problem.place, set()).add(code)
    return found


def with_line(line: ServiceLineRow) -> Rows:
    rows = example_rows()
    duty = OnCallDutyRow(
        rota="bauhof", number="+4930231251", trunk="carrier", valid_from=OPEN_AT, valid_to=OPEN_AT + DAY
    )
    return replace(
        rows,
        service_lines=(*rows.service_lines, line),
        on_call_rotas=(OnCallRotaRow(name="bauhof", title="Bauhof"),),
        on_call_duties=(duty,),
    )


def test_rules_that_every_level_holds_are_not_told() -> None:
    assert codes(example_rows()) == {}


def test_what_is_dated() -> None:
    coming: dict[str, Any] = {"valid_from": OPEN_AT, "valid_to": OPEN_AT + DAY}
    past: dict[str, Any] = {"valid_from": OPEN_AT - DAY, "valid_to": OPEN_AT}
    long: dict[str, Any] = {"valid_from": OPEN_AT, "valid_to": OPEN_AT + INCLUDE_DAYS * DAY + DAY}
    rows = replace(
        example_rows(),
        special_hours=(
            SpecialHoursRow(name="s", title="S", opens=False, opening_hours="service", **coming),
            SpecialHoursRow(name="past", title="S", opens=False, opening_hours="service", **past),
        ),
        overrides=(
            OverrideRow(name="short", opens=False, reason="r", author="a", **coming),
            OverrideRow(name="long", opens=False, reason="r", author="a", **long),
        ),
        notices=(
            NoticeRow(name="n", title="N", announcement_text="Hinweis.", **coming),
            NoticeRow(name="past", title="N", announcement_text="Hinweis.", **past),
        ),
    )
    assert codes(rows) == {
        "special_hours[s]": {"include_special_hours"},
        "overrides[long]": {"include_override"},
        "notices[n]": {"include_notice"},
    }


@pytest.mark.parametrize("chain", ["overflow", "closed"])
def test_a_chain_with_people_on_call(chain: str) -> None:
    step = StepRow(kind="on_call", when=("failed",) if chain == "overflow" else (), rota="bauhof")
    steps: dict[str, Any] = {chain: (step, StepRow(kind="announcement", text="Niemand da."))}
    line = replace(LINE, **steps)
    assert codes(with_line(line)) == {"service_lines[stadt-wolfsburg/bauhof]": {"include_on_call"}}


def test_a_line_at_closing_time() -> None:
    place = "service_lines[stadt-wolfsburg/bauhof]"
    assert codes(with_line(replace(LINE, after_closing_minutes=0))) == {place: {"include_closing_time"}}
    ended = replace(LINE, after_closing_minutes=0, valid_to=OPEN_AT)
    assert codes(with_line(ended)) == {}
    dated = replace(LINE, after_closing_minutes=0, valid_to=OPEN_AT + DAY)
    assert codes(with_line(dated)) == {place: {"include_closing_time"}}


def test_more_notices_than_astdb_holds() -> None:
    name = "n" * 30
    count = NOTICE_CHARACTERS // len(f"notice--{name}-00 ") + 1
    notices = tuple(
        NoticeRow(name=f"{name}-{number:02}", title="N", announcement_text="Hinweis.", tenant=LINE.tenant,
                  service_line=LINE.name, valid_from=OPEN_AT, valid_to=OPEN_AT + DAY)
        for number in range(count)
    )  # fmt: skip
    place = "service_lines[stadt-wolfsburg/bauhof]"
    assert codes(replace(with_line(LINE), notices=notices))[place] == {"astdb_notices"}
    assert place not in codes(replace(with_line(LINE), notices=notices[1:]))
