# SPDX-License-Identifier: EUPL-1.2
"""115: areas of members, shared areas and areas that take no part, classes of callers, and what is not served."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import Call, Decision, Forward, PlayAnnouncement
from routing.core.rows import AuthorityNumberRow, CompileError
from routing.core.table import Table
from tests.support.tables import OPEN_AT, example_rows, example_table

TICK = timedelta(microseconds=1)
NEUTRAL = AuthorityNumberRow(origin="neutral", tenant="behoerdennummer-115", service_line="115")
CITY = AuthorityNumberRow(origin="5361", tenant="stadt-wolfsburg", service_line="115")
OUTSIDE = "+494066969115"
SHARED = AuthorityNumberRow(origin="5375", standing="shared", announcement_text="Welche Gemeinde?")
AWAY = AuthorityNumberRow(origin="531", standing="non_member", forward_number=OUTSIDE, forward_trunk="carrier")
CALLERS = {
    "withheld": None,
    "unreadable": "anonymous",
    "foreign": "+43537212345",
    "mobile": "015112345678",
    "other_area": "03023125123",
}


def table_of(*rows: AuthorityNumberRow, **changes: Any) -> Table:
    return example_table(authority_numbers=(NEUTRAL, CITY, *rows), **changes)


def ask(table: Table, caller: str | None, dialled: str = "115", at: Any = OPEN_AT) -> Decision:
    return decide(table, Call(dialled=dialled, caller=caller, trunk="carrier"), at)


def first(decision: Decision) -> tuple[str, dict[str, str]]:
    return decision.reasons[0].rule, dict(decision.reasons[0].parameters)


@pytest.mark.parametrize(("dialled", "caller"), [("05375115", None), ("115", "0537512345")])
def test_a_shared_area_has_a_treatment_of_its_own(dialled: str, caller: str | None) -> None:
    origin = "caller" if caller else "dialled"
    told = ask(table_of(SHARED), caller, dialled)
    assert told.destination == PlayAnnouncement(announcement="authority--5375")
    assert (told.tenant, told.service_line) == (None, None)
    assert first(told) == ("authority_shared", {"area_code": "5375", "origin": origin})
    answered = replace(SHARED, announcement_text=None, tenant="samtgemeinde-meinersen", service_line="115")
    led = ask(table_of(answered), caller, dialled)
    assert (led.tenant, led.service_line, led.kind) == ("samtgemeinde-meinersen", "115", "enter_queue")
    assert first(led)[0] == "authority_shared"
    assert first(led)[1]["tenant_name"] == "Samtgemeinde Meinersen"


@pytest.mark.parametrize(("dialled", "caller"), [("0531115", None), ("115", "053112345")])
def test_an_area_that_takes_no_part_may_be_forwarded(dialled: str, caller: str | None) -> None:
    found = ask(table_of(AWAY), caller, dialled)
    assert found.destination == Forward(number=OUTSIDE, trunk="carrier")
    assert first(found)[0] == "authority_non_member"
    assert table_of(SHARED).announcements["authority--5375"] == "Welche Gemeinde?"


@pytest.mark.parametrize("why", CALLERS)
def test_a_class_of_callers_without_a_rule_is_answered_neutrally(why: str) -> None:
    found = ask(table_of(), CALLERS[why])
    assert found.tenant == "behoerdennummer-115"
    assert first(found)[0] == "authority_neutral"
    assert first(found)[1]["why"] == why


@pytest.mark.parametrize("why", CALLERS)
def test_a_class_of_callers_may_have_a_rule(why: str) -> None:
    """It holds for that class alone."""
    row = AuthorityNumberRow(origin=why, tenant="stadt-wolfsburg", service_line="115")
    for other, caller in CALLERS.items():
        found = ask(table_of(row), caller)
        assert found.tenant == ("stadt-wolfsburg" if other == why else "behoerdennummer-115")
        assert first(found)[0] == ("authority_caller" if other == why else "authority_neutral")
    told = replace(row, tenant=None, service_line=None, announcement_text="Nur aus dem Festnetz.")
    found = ask(table_of(told), CALLERS[why])
    assert found.destination == PlayAnnouncement(announcement=f"authority--{why.replace('_', '-')}")
    away = replace(row, tenant=None, service_line=None, forward_number=OUTSIDE, forward_trunk="carrier")
    assert ask(table_of(away), CALLERS[why]).destination == Forward(number=OUTSIDE, trunk="carrier")


def test_a_known_area_comes_before_every_class() -> None:
    rows = [AuthorityNumberRow(origin=why, announcement_text="x") for why in CALLERS]
    assert ask(table_of(*rows), "0536112345").tenant == "stadt-wolfsburg"
    assert ask(table_of(*rows), None, "05361115").tenant == "stadt-wolfsburg"


def test_a_dialled_area_without_a_rule_is_another_area_whoever_calls() -> None:
    row = AuthorityNumberRow(origin="other_area", announcement_text="Nicht hier.")
    found = ask(table_of(row), "0536112345", "0511115")
    assert first(found) == ("authority_caller", {"why": "other_area"})
    assert first(ask(table_of(), "0536112345", "0511115"))[1] == {
        "why": "other_area",
        "origin": "dialled",
        "area_code": "511",
    }


def test_the_longest_area_code_that_the_callers_number_begins_with_counts() -> None:
    longer = AuthorityNumberRow(origin="33051", tenant="samtgemeinde-meinersen", service_line="115")
    shorter = replace(longer, origin="3305", tenant="stadt-wolfsburg")
    table = table_of(longer, shorter)
    assert ask(table, "0330511234").tenant == "samtgemeinde-meinersen"
    assert ask(table, "033059123").tenant == "stadt-wolfsburg"
    assert first(ask(table, "033051"))[0] == "authority_area"  # an area code is no number: 3305 and a 1
    assert ask(table, "033051").tenant == "stadt-wolfsburg"


def test_an_areas_editions_follow_each_other() -> None:
    now = replace(CITY, valid_to=OPEN_AT)
    later = replace(CITY, tenant="samtgemeinde-meinersen", valid_from=OPEN_AT)
    table = example_table(authority_numbers=(NEUTRAL, later, now))
    assert ask(table, "0536112345", at=OPEN_AT - TICK).tenant == "stadt-wolfsburg"
    assert ask(table, "0536112345").tenant == "samtgemeinde-meinersen"


@pytest.mark.parametrize("class_rule", [False, True])
def test_an_area_that_does_not_hold_now_is_another_area(class_rule: bool) -> None:
    rows = (AuthorityNumberRow(origin="other_area", announcement_text="Nicht hier."),) if class_rule else ()
    table = example_table(authority_numbers=(NEUTRAL, replace(CITY, valid_from=OPEN_AT), *rows))
    for dialled, caller in (("05361115", None), ("115", "0536112345")):
        found = ask(table, caller, dialled, OPEN_AT - TICK)
        assert first(found)[0] == ("authority_caller" if class_rule else "authority_neutral")
        assert first(found)[1]["why"] == "not_valid"
        assert ask(table, caller, dialled).tenant == "stadt-wolfsburg"


def test_115_is_not_served_while_its_neutral_line_is_not() -> None:
    table = example_table(authority_numbers=(replace(NEUTRAL, valid_to=OPEN_AT), CITY))
    assert ask(table, "0536112345", at=OPEN_AT - TICK).tenant == "stadt-wolfsburg"
    found = ask(table, "0536112345")
    assert [reason.rule for reason in found.reasons] == ["not_served", "unknown_number"]
    assert found.destination == PlayAnnouncement(announcement="unknown-number")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (replace(CITY, origin="05361"), "is no area code"),
        (replace(CITY, origin="53 61"), "is no area code"),
        (replace(CITY, origin="Mobile"), "is no area code"),
        (replace(CITY, origin="531", standing="guest"), "the standing 'guest' is none of member, shared, non_member"),
        (replace(CITY, origin="mobile", standing="shared"), "only an area code has the standing shared"),
        (replace(CITY, origin="531", service_line=None), "a line is named by both its tenant and its service_line"),
        (replace(CITY, origin="531", service_line="x"), "there is no service line stadt-wolfsburg/x"),
        (replace(CITY, origin="531", announcement_text="x"), "exactly one of them"),
        (AuthorityNumberRow(origin="531"), "exactly one of them"),
        (replace(AWAY, forward_trunk=None), "a forward needs both a number and a trunk"),
        (replace(AWAY, forward_trunk="fehlt"), "there is no trunk 'fehlt'"),
        (replace(AWAY, forward_number="112"), "'112' is no number to forward to"),
        (replace(AWAY, forward_number="+495361280"), "is a number of ours: the forward would come back"),
        (replace(CITY, origin="531", valid_from=OPEN_AT, valid_to=OPEN_AT), "valid_to must lie after valid_from"),
        (replace(CITY, valid_from=OPEN_AT), "is claimed twice at the same time"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_wrong_row_is_named(row: AuthorityNumberRow, sentence: str) -> None:
    with pytest.raises(CompileError) as caught:
        table_of(row)
    assert f"authority_numbers[{row.origin}" in str(caught.value)
    assert sentence in str(caught.value)


def test_the_neutral_treatment_is_a_line() -> None:
    with pytest.raises(CompileError, match="somebody has to answer"):
        compile_table(
            example_rows(authority_numbers=(AuthorityNumberRow(origin="neutral", announcement_text="x"),)), version=1
        )
