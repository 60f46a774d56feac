# SPDX-License-Identifier: EUPL-1.2
"""How a line is recognised: by the dialled number, a diversion's headers, or the ingress number, in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from routing.core.decide import decide
from routing.core.decision import Call, Decision, DialExtension, PlayAnnouncement, Reject
from routing.core.rows import CentreRow, IngressNumberRow, NumberBlockRow, TrunkRow
from routing.core.table import Table
from tests.support.tables import OPEN_AT, example_rows, example_table

WAYS = ("dialled", "diversion", "history_info", "to", "ingress_number")
INGRESS, BARE_INGRESS = "+4953613003", "+4953613004"
# Each way leads to a line of its own.
LEADS: dict[str, tuple[str, str]] = {
    "diversion": ("samtgemeinde-meinersen", "vermittlung"),
    "history_info": ("samtgemeinde-meinersen", "einwohnermeldewesen"),
    "to": ("samtgemeinde-isenbuettel", "vermittlung"),
    "dialled": ("stadt-wolfsburg", "vermittlung"),
    "ingress_number": ("behoerdennummer-115", "115"),
}
HEADERS = {"diversion": "05372 89-0", "history_info": "0537289500", "to": "0537488-0"}


def table_with(*recognise_by: str, trusts: bool = True, other_route: bool = False, **changes: Any) -> Table:
    trunk = TrunkRow(
        name="amt", address="127.0.0.9", number_format="national", trusts_diversion=trusts,
        recognise_by=recognise_by or WAYS, has_other_route=other_route,
    )  # fmt: skip
    tenant, line = LEADS["ingress_number"]
    numbers = (
        IngressNumberRow(number=INGRESS, tenant=tenant, service_line=line),
        IngressNumberRow(number=BARE_INGRESS),
    )
    rows = example_rows()
    return example_table(**({"trunks": (*rows.trunks, trunk), "ingress_numbers": numbers} | changes))


def ask(table: Table, dialled: str, **headers: str) -> Decision:
    return decide(table, Call(dialled=dialled, caller=None, trunk="amt", **headers), OPEN_AT)


def line_of(decision: Decision) -> tuple[str | None, str | None]:
    return decision.tenant, decision.service_line


def rules(decision: Decision) -> list[str]:
    return [reason.rule for reason in decision.reasons]


@pytest.mark.parametrize("order", list(permutations(WAYS)), ids=lambda order: "-".join(word[:3] for word in order))
def test_the_first_way_in_the_trunks_order_decides(order: tuple[str, ...]) -> None:
    """On a trusted trunk, of a call that could be recognised in four ways; each way is then taken out of the call."""
    table = table_with(*order)
    for dialled, way in (("05361 28-0", "dialled"), (INGRESS, "ingress_number")):
        ways = [item for item in order if item in HEADERS or item == way]
        for place, first in enumerate(ways):
            left = {name: HEADERS[name] for name in ways[place:] if name in HEADERS}
            if way not in ways[place:]:
                break
            found = ask(table, dialled, **left)
            assert line_of(found) == LEADS[first]
            assert found.redirecting_number == (None if first == way else _e164(HEADERS[first]))
            rule = {"dialled": "number", "ingress_number": "ingress_number"}.get(first, "diverted")
            assert rules(found) == [rule, "open"]
            if rule == "diverted":
                assert found.reasons[0].parameters["header"] == first


def _e164(text: str) -> str:
    return "+49" + text.replace(" ", "").replace("-", "").removeprefix("0")


@pytest.mark.parametrize("header", HEADERS)
def test_what_an_untrusted_trunk_says_of_diversions_does_not_count(header: str) -> None:
    table = table_with(trusts=False)
    found = ask(table, INGRESS, **{header: HEADERS[header]})
    assert line_of(found) == LEADS["ingress_number"]
    assert rules(found) == ["diversion_not_trusted", "ingress_number", "open"]
    all_three = ask(table, BARE_INGRESS, **HEADERS)
    assert rules(all_three) == ["diversion_not_trusted", "unknown_number"]  # said once
    assert all_three.redirecting_number is None
    assert all_three.reasons[0].parameters == {"trunk": "amt"}


def test_a_call_without_a_known_trunk_is_recognised_without_its_headers() -> None:
    table = table_with()
    for trunk in (None, "fehlt"):
        found = decide(table, Call(dialled=INGRESS, caller=None, trunk=trunk, **HEADERS), OPEN_AT)
        assert (line_of(found), rules(found)) == (LEADS["ingress_number"], ["ingress_number", "open"])


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    "text",
    [
        "0537289123",
        BARE_INGRESS,
        INGRESS,
        "+493023125100",
        "115",
        "112",
        "05361115",
        "anonymous",
        "\ud800",
        " ",
        "-",
        "1" * 99,
    ],
)
def test_a_header_that_leads_to_no_line_is_passed_over(header: str, text: str) -> None:
    """Above all one that names a desk: the town hall would get its diverted call back, for ever."""
    found = ask(table_with(), INGRESS, **{header: text})
    assert (line_of(found), rules(found)) == (LEADS["ingress_number"], ["ingress_number", "open"])
    assert found.redirecting_number is None
    nowhere = ask(table_with(), BARE_INGRESS, **{header: text})
    assert rules(nowhere) == ["unknown_number"]


def test_an_empty_header_says_nothing() -> None:
    found = ask(table_with(trusts=False), INGRESS, diversion="", to="")
    assert rules(found) == ["ingress_number", "open"]


def test_a_header_may_name_any_other_extension_of_a_block() -> None:
    rows = example_rows()
    blocks = tuple(
        replace(block, other_service_line="vermittlung") if block.tenant == "samtgemeinde-isenbuettel" else block
        for block in rows.number_blocks
    )
    found = ask(table_with(number_blocks=blocks), BARE_INGRESS, diversion="05374 88-4711")
    assert (line_of(found), found.redirecting_number) == (LEADS["to"], "+495374884711")
    dialled = ask(table_with(number_blocks=blocks), "05374 88-4711")
    assert (line_of(dialled), rules(dialled)) == (LEADS["to"], ["other_extension", "open"])
    assert dialled.reasons[0].parameters["extension"] == "4711"


def test_a_header_of_a_line_that_has_ended_is_passed_over() -> None:
    lines = tuple(
        replace(line, valid_to=OPEN_AT) if (line.tenant, line.name) == LEADS["diversion"] else line
        for line in example_rows().service_lines
    )
    table = table_with(service_lines=lines)
    assert line_of(ask(table, INGRESS, diversion=HEADERS["diversion"])) == LEADS["ingress_number"]
    dids = tuple(replace(did, valid_to=OPEN_AT) for did in example_rows().dids)
    assert line_of(ask(table_with(dids=dids), INGRESS, to=HEADERS["to"])) == LEADS["ingress_number"]


def test_a_desk_is_a_way_of_the_dialled_number() -> None:
    """Whatever the headers say, if the dialled number comes first."""
    found = ask(table_with(), "0537289123", **HEADERS)
    assert found.destination == DialExtension(extension="123", number="+49537289123", trunk="rathaus-meinersen")
    diverted = ask(table_with("diversion", "dialled"), "0537289123", diversion=HEADERS["to"])
    assert line_of(diverted) == LEADS["to"]


def test_an_ingress_number_counts_only_where_the_trunk_says_so() -> None:
    assert rules(ask(table_with("dialled", "to"), INGRESS)) == ["unknown_number"]
    assert line_of(ask(table_with("ingress_number"), INGRESS)) == LEADS["ingress_number"]
    assert rules(ask(table_with("ingress_number"), "05361 28-0")) == ["unknown_number"]


def test_an_unreadable_dialled_text_may_still_be_diverted() -> None:
    found = ask(table_with(), "s", diversion=HEADERS["diversion"])
    assert (line_of(found), found.dialled_number) == (LEADS["diversion"], "s")
    assert rules(found) == ["unreadable_number", "diverted", "open"]


@pytest.mark.parametrize(("dialled", "rule"), [("115", "authority_neutral"), ("112", "emergency_number")])
def test_short_codes_come_before_all_recognition(dialled: str, rule: str) -> None:
    found = ask(table_with("diversion"), dialled, **HEADERS)
    assert (rules(found)[0], found.redirecting_number) == (rule, None)


def centre(**changes: Any) -> tuple[CentreRow]:
    return (CentreRow(**changes),)


UNKNOWN_LINE = {"unknown_number_tenant": "stadt-wolfsburg", "unknown_number_service_line": "vermittlung"}


@pytest.mark.parametrize("dialled", ["+493023125100", "sip:x", BARE_INGRESS])
def test_unknown_numbers_lead_where_the_centre_says(dialled: str) -> None:
    led = ask(table_with(centre=centre(**UNKNOWN_LINE)), dialled)
    assert line_of(led) == LEADS["dialled"]
    assert rules(led)[-3:] == ["unknown_number", "unknown_number_line", "open"]
    told = table_with(centre=centre(unknown_number_text="Diese Nummer gibt es nicht."))
    assert ask(told, dialled).destination == PlayAnnouncement(announcement="unknown-number")
    assert told.announcements["unknown-number"] == "Diese Nummer gibt es nicht."
    assert "nicht vergeben" in table_with().announcements["unknown-number"]


def test_the_trunks_other_route_comes_before_the_line_for_unknown_numbers() -> None:
    table = table_with(other_route=True, centre=centre(**UNKNOWN_LINE))
    found = ask(table, "+493023125100")
    assert (found.destination, found.tenant) == (Reject(cause=1), None)
    assert found.reasons[-1].parameters == {"received": "+493023125100", "other_route": "amt"}


def test_a_line_for_unknown_numbers_that_is_not_served_leads_nobody() -> None:
    lines = tuple(
        replace(line, valid_to=OPEN_AT) if (line.tenant, line.name) == LEADS["dialled"] else line
        for line in example_rows().service_lines
    )
    found = ask(table_with(centre=centre(**UNKNOWN_LINE), service_lines=lines), "x")
    assert found.destination == PlayAnnouncement(announcement="unknown-number")
    assert rules(found) == ["unreadable_number", "unknown_number"]


def test_a_desk_of_a_tenant_that_is_not_served_is_an_unknown_number() -> None:
    tenants = tuple(replace(tenant, valid_to=OPEN_AT) for tenant in example_rows().tenants)
    found = ask(table_with(tenants=tenants), "0537289123")
    assert rules(found) == ["not_valid", "unknown_number"]
    said_before = ask(table_with("to", "dialled", trusts=False, tenants=tenants), "0537289123", to="0")
    assert rules(said_before) == ["diversion_not_trusted", "not_valid", "unknown_number"]


def test_a_desk_that_does_not_hold_is_told_once() -> None:
    """Of two blocks with desks, one within the other, of tenants that are both not served."""
    inner = NumberBlockRow(head_number="+495372891", tenant="stadt-wolfsburg", desk_digits=(2,), desk_trunk="carrier-b")
    rows = example_rows()
    tenants = tuple(replace(tenant, valid_to=OPEN_AT) for tenant in rows.tenants)
    table = table_with(tenants=tenants, number_blocks=(*rows.number_blocks, inner))
    assert rules(ask(table, "0537289123")) == ["not_valid", "unknown_number"]


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_beyond_the_calendar_every_line_is_unknown(at: datetime) -> None:
    """Even the line for unknown numbers: no rule of a line holds there."""
    tenants = tuple(replace(tenant, valid_from=None) for tenant in example_rows().tenants)
    table = table_with(tenants=tenants, centre=centre(**UNKNOWN_LINE))
    found = decide(table, Call(dialled="05361 28-0", caller=None, trunk="amt"), at)
    assert found.destination == PlayAnnouncement(announcement="unknown-number")
    assert rules(found) == ["number", "unknown_number"]
