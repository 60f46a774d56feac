# SPDX-License-Identifier: EUPL-1.2
"""A decision as one command line."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from urllib.parse import unquote

import pytest

from agi.fastagi.variables import NAMES, UnwritableError, command, encoded
from routing.core.decide import decide
from routing.core.decision import Call, EnterQueue, Reject
from tests.support.asterisk_agi import UNIQUE_ID, chosen
from tests.support.tables import CLOSED_AT, DESK, HOLIDAY_AT, OPEN_AT, SWITCHBOARD, example_rows, example_table

TABLE = example_table(version=7)


def _set(dialled: str, at: datetime, *, trunk: str = "carrier", caller: str | None = None) -> dict[str, str]:
    decision = decide(TABLE, Call(dialled=dialled, caller=caller, trunk=trunk), at)
    values = chosen(command(decision, TABLE, unique_id=UNIQUE_ID))
    assert tuple(values) == NAMES
    assert values["ROUTE_OK"] == f"v1-{UNIQUE_ID}"
    assert values["ROUTE_VERSION"] == "7"
    return {name.removeprefix("ROUTE_").lower(): value for name, value in values.items() if value}


def test_enter_queue() -> None:
    assert _set(SWITCHBOARD, OPEN_AT) == {
        "kind": "enter_queue",
        "tenant": "samtgemeinde-meinersen",
        "line": "vermittlung",
        "queue": "allgemein",
        "announcement": "samtgemeinde-meinersen--vermittlung--greeting",
        "display": "Samtgemeinde%20Meinersen%3A%20Vermittlung",
        "dialled": "%2B495372890",
        "version": "7",
        "reasons": "number.open",
        "ok": f"v1-{UNIQUE_ID}",
    }


def test_an_umlaut_is_encoded() -> None:
    assert unquote(_set("0537488-0", OPEN_AT)["display"]) == "Samtgemeinde Isenbüttel: Vermittlung"


def test_play_announcement() -> None:
    values = _set(SWITCHBOARD, HOLIDAY_AT)
    assert values["kind"] == "play_announcement"
    assert values["announcement"] == "samtgemeinde-meinersen--vermittlung--closed"
    assert values["reasons"] == "number.holiday"
    assert not values.keys() & {"queue", "display", "target", "trunk", "cause"}


def test_dial_extension() -> None:
    values = _set(DESK, OPEN_AT)
    assert (values["kind"], values["target"], values["trunk"]) == (
        "dial_extension",
        "%2B49537289123",
        "rathaus-meinersen",
    )


def test_forward() -> None:
    values = _set("0537488-0", CLOSED_AT)
    assert (values["kind"], values["target"], values["trunk"]) == ("forward", "%2B493023125100", "carrier")


def test_reject() -> None:
    values = _set("+4930231259", OPEN_AT, trunk="carrier-b")
    assert (values["kind"], values["cause"], values["reasons"]) == ("reject", "1", "unknown_number")


def test_a_dialled_text_with_commands_in_it_stays_a_text() -> None:
    hostile = '0537289",ROUTE_OK=x\nEXEC System "id'
    assert unquote(_set(hostile, OPEN_AT)["dialled"]) == hostile


def test_a_long_dialled_text_never_looks_like_a_shorter_number() -> None:
    text = unquote(_set("05372890" + " " * 4_000, OPEN_AT)["dialled"])
    assert text.startswith("05372890 ")
    assert text.endswith("…")


@pytest.mark.parametrize(
    ("text", "maximum", "expected"),
    [
        ("Büro", 10, "B%C3%BCro"),
        ("Büro", 9, "B%C3%BCro"),
        ("BüroBüro", 12, "B%E2%80%A6"),
        ("BüroBüro", 16, "B%C3%BC%E2%80%A6"),
        ("BüroBüro", 9, "%E2%80%A6"),
        ("BüroBüro", 8, ""),
        ("", 0, ""),
        ("\ud800", 9, "%3F"),
    ],
)
def test_shortening_ends_at_a_character(text: str, maximum: int, expected: str) -> None:
    assert encoded(text, maximum_bytes=maximum) == expected


def test_the_longest_configuration_fits_with_a_shortened_display() -> None:
    rows = example_rows()
    name = "a" * 40
    rows = replace(
        rows,
        tenants=(*rows.tenants, replace(rows.tenants[0], slug=name, name="Ü" * 80)),
        agent_groups=(*rows.agent_groups, replace(rows.agent_groups[0], name=name)),
        service_lines=(*rows.service_lines, replace(rows.service_lines[0], tenant=name, name=name, agent_group=name)),
        dids=(replace(rows.dids[0], tenant=name, service_line=name), *rows.dids[1:]),
    )
    table = example_table(**{field: getattr(rows, field) for field in ("tenants", "agent_groups", "dids")},
                          service_lines=rows.service_lines, version=10**9)  # fmt: skip
    decision = decide(table, Call(dialled="0536128-0", caller=None, trunk="carrier"), OPEN_AT)
    assert isinstance(decision.destination, EnterQueue)
    line = command(decision, table, unique_id="9" * 149)
    assert len(line) <= 1_000
    display = unquote(chosen(line)["ROUTE_DISPLAY"], errors="strict")
    assert display.startswith("ÜÜÜ")
    assert display.endswith("…")
    assert chosen(line)["ROUTE_OK"] == "v1-" + "9" * 149


def test_what_cannot_be_written_safely_is_not_written() -> None:
    decision = decide(TABLE, Call(dialled=SWITCHBOARD, caller=None, trunk="carrier"), OPEN_AT)
    with pytest.raises(UnwritableError, match="ROUTE_QUEUE"):
        command(replace(decision, destination=EnterQueue(queue="a b", announcement="x")), TABLE, unique_id="1")
    with pytest.raises(UnwritableError, match="ROUTE_OK"):
        command(replace(decision, destination=Reject(cause=1)), TABLE, unique_id="1,A=b")
    with pytest.raises(UnwritableError, match="bytes"):
        command(replace(decision, tenant="a" * 900), TABLE, unique_id="1")
