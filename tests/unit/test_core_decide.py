# SPDX-License-Identifier: EUPL-1.2
"""Rules of ``decide`` that the shipped example does not show: forwards, formats of trunks, dated and nested numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import Call, Decision, DialExtension, EnterQueue, Forward, PlayAnnouncement, Reject
from routing.core.rows import DidRow, NumberBlockRow, Rows, TrunkRow
from routing.core.table import Table
from tests.support.tables import BERLIN, CLOSED_AT, HOLIDAY_AT, OPEN_AT, example_rows, example_table

SWITCH = datetime(2027, 1, 1, tzinfo=BERLIN)


def ask(
    table: Table, dialled: str, *, caller: str | None = None, trunk: str | None = "carrier", at: datetime = OPEN_AT
) -> Decision:
    return decide(table, Call(dialled=dialled, caller=caller, trunk=trunk), at)


@pytest.mark.parametrize("at", [CLOSED_AT, HOLIDAY_AT])
def test_a_line_may_forward_outside_its_hours(at: datetime) -> None:
    table = example_table()
    assert ask(table, "0537488-0", at=at).destination == Forward(number="+493023125100", trunk="carrier")
    assert ask(table, "0537488-0").destination == EnterQueue(
        queue="allgemein", announcement="samtgemeinde-isenbuettel--vermittlung--greeting"
    )
    assert ask(table, "0536128-0", at=at).destination == PlayAnnouncement(
        announcement="stadt-wolfsburg--vermittlung--closed"
    )


def test_the_callers_number_is_read_in_the_trunks_format_too() -> None:
    trunks = tuple(
        TrunkRow(name=name, address="192.0.2.1", number_format=name)
        for name in ("national", "e164", "international", "significant")
    )
    table = example_table(trunks=(*example_rows().trunks, *trunks))
    spellings = {"national": "0537212345", "e164": "+49537212345", "international": "49537212345"}
    for trunk, caller in (spellings | {"significant": "537212345"}).items():
        assert ask(table, "115", caller=caller, trunk=trunk).tenant == "samtgemeinde-meinersen"
    for trunk, caller in (("national", "537212345"), ("e164", "49537212345"), ("significant", "49537212345")):
        assert ask(table, "115", caller=caller, trunk=trunk).tenant == "behoerdennummer-115"
    cuban = ask(table, "115", caller="537212345", trunk="international")
    assert cuban.reasons[0].parameters["why"] == "foreign"
    assert ask(table, "5372890", trunk="significant").service_line == "vermittlung"
    assert ask(table, "5372890", trunk="national").tenant is None
    assert ask(table, "495372890", trunk="international").service_line == "vermittlung"


def test_dated_meanings_of_one_number_follow_each_other() -> None:
    rows = example_rows()
    head, tenant = "+49536128", "stadt-wolfsburg"
    dids = tuple(did for did in rows.dids if did.head_number != head)
    first = DidRow(head_number=head, extension="0", tenant=tenant, service_line="vermittlung", valid_to=SWITCH)
    then = DidRow(head_number=head, extension="0", tenant=tenant, service_line="115", valid_from=SWITCH)
    table = example_table(dids=(*dids, first, then))
    before = ask(table, "0536128-0", at=SWITCH.replace(year=2026, month=12, day=31))
    after = ask(table, "0536128-0", at=SWITCH)
    assert (before.service_line, after.service_line) == ("vermittlung", "115")
    assert [reason.rule for reason in after.reasons] == ["not_valid", "number", "outside_hours"]


def test_an_extension_of_a_block_may_belong_to_another_tenant() -> None:
    company = DidRow(head_number="+49537289", extension="700", tenant="stadt-wolfsburg", service_line="vermittlung")
    table = example_table(dids=(*example_rows().dids, company))
    assert ask(table, "0537289-700").tenant == "stadt-wolfsburg"
    assert ask(table, "0537289-701").tenant == "samtgemeinde-meinersen"


def test_the_longest_head_takes_the_desk() -> None:
    blocks = (
        *example_rows().number_blocks,
        NumberBlockRow(head_number="+495372891", tenant="stadt-wolfsburg", desk_digits=(2,), desk_trunk="carrier-b"),
    )
    table = example_table(number_blocks=blocks)
    nested = DialExtension(extension="23", number="+49537289123", trunk="carrier-b")
    assert ask(table, "0537289-123").destination == nested
    assert ask(table, "0537289-223").destination == DialExtension(
        extension="223", number="+49537289223", trunk="rathaus-meinersen"
    )
    assert ask(table, "0537289-23").tenant is None


def test_without_a_section_for_115_it_is_unknown() -> None:
    table = example_table(authority_numbers=())
    decision = ask(table, "05372115")
    assert decision.destination == PlayAnnouncement(announcement="unknown-number")
    assert [reason.rule for reason in decision.reasons] == ["not_served", "unknown_number"]
    assert ask(table, "115", trunk="carrier-b").destination == Reject(cause=1)


def test_115_goes_neutral_when_the_areas_line_has_ended() -> None:
    lines = tuple(
        replace(line, valid_to=OPEN_AT) if (line.tenant, line.name) == ("samtgemeinde-meinersen", "115") else line
        for line in example_rows().service_lines
    )
    table = example_table(service_lines=lines)
    assert ask(table, "05372115", at=OPEN_AT.replace(hour=9)).tenant == "samtgemeinde-meinersen"
    assert ask(table, "05372115", at=OPEN_AT).tenant == "behoerdennummer-115"


def test_an_empty_table_knows_nothing_and_rejects_nothing_but_emergencies() -> None:
    table = compile_table(Rows(), version=1)
    for dialled in ("0537289-0", "115", "05372115", "", "x", "0537289123"):
        assert ask(table, dialled).destination == PlayAnnouncement(announcement="unknown-number")
    assert ask(table, "112").destination == Reject(cause=42)
