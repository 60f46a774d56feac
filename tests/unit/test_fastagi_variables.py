# SPDX-License-Identifier: EUPL-1.2
"""A decision as one command line."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import unquote

import pytest

from agi.fastagi.environment import MAXIMUM_UNIQUE_ID_CHARACTERS
from agi.fastagi.variables import NAMES, UnwritableError, commands, encoded
from routing.core.chain import MAXIMUM_CHAIN_CHARACTERS, chain_text
from routing.core.decide import decide
from routing.core.decision import (
    CONDITIONS,
    Call,
    Closing,
    EnterQueue,
    Forward,
    PlayAnnouncement,
    Reason,
    Reject,
    Step,
)
from routing.core.table import Table
from tests.support.asterisk_agi import UNIQUE_ID, chosen
from tests.support.tables import CLOSED_AT, DESK, HOLIDAY_AT, OPEN_AT, SWITCHBOARD, example_rows, example_table

TABLE = example_table(version=7)


def _set(dialled: str, at: datetime, *, trunk: str = "carrier", caller: str | None = None) -> dict[str, str]:
    decision = decide(TABLE, Call(dialled=dialled, caller=caller, trunk=trunk), at)
    (line,) = commands(decision, TABLE, unique_id=UNIQUE_ID)
    values = chosen(line)
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
        "display": "Samtgemeinde%20Meinersen%2C%20Vermittlung%2C%20guten%20Tag.",
        "dialled": "%2B495372890",
        "version": "7",
        "reasons": "number.open",
        "priority": "0",
        "wait": "600",
        "ok": f"v1-{UNIQUE_ID}",
    }


def test_an_umlaut_is_encoded() -> None:
    assert unquote(_set("0537488-0", OPEN_AT)["display"]) == "Samtgemeinde Isenbüttel, Vermittlung, guten Tag."


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


NAME = "a" * 40
SOUND = f"{NAME}--{NAME}--overflow-1"
NUMBER = "+" + "4" * 15
RULES = ("not_valid", "diverted", "special_opening", "notice", "nobody_on_call")
CALL = Call(dialled="0536128-0", caller=None, trunk="carrier")


def _longest_table() -> Table:
    """A line all of whose names are as long as names may be."""
    rows = example_rows()
    long = replace(
        rows,
        tenants=(*rows.tenants, replace(rows.tenants[0], slug=NAME, name="Ü" * 80)),
        agent_groups=(*rows.agent_groups, replace(rows.agent_groups[0], name=NAME)),
        service_lines=(*rows.service_lines, replace(rows.service_lines[0], tenant=NAME, name=NAME, agent_group=NAME)),
        dids=(replace(rows.dids[0], tenant=NAME, service_line=NAME), *rows.dids[1:]),
    )
    fields = ("tenants", "agent_groups", "service_lines", "dids")
    return example_table(**{field: getattr(long, field) for field in fields}, version=10**9)


def test_long_names_fit_in_one_line_with_a_shortened_display() -> None:
    table = _longest_table()
    (line,) = commands(decide(table, CALL, OPEN_AT), table, unique_id="9" * 130)
    assert len(line) <= 1_000
    display = unquote(chosen(line)["ROUTE_DISPLAY"], errors="strict")
    assert display.startswith("ÜÜÜ")
    assert display.endswith("…")
    assert chosen(line)["ROUTE_OK"] == "v1-" + "9" * 130


def _chains(characters: int) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Two chains of exactly as many characters together, made of the longest names there are."""
    queue = Step(when=CONDITIONS, destination=EnterQueue(queue=NAME, announcement=None, wait_seconds=86_400,
                                                         expected_wait_seconds=86_400))  # fmt: skip
    forward = Step(when=(), destination=Forward(number=NUMBER, trunk=NAME, ring_seconds=600))
    announcement = Step(when=("timeout",), destination=PlayAnnouncement(announcement=SOUND))
    overflow, closed = (queue, forward, announcement), (announcement,)
    rest = characters - len(chain_text(overflow)) - len(chain_text(closed)) - len(".-~a~")
    filler = Step(when=(), destination=PlayAnnouncement(announcement="f" * rest))
    return overflow, (*closed, filler)


@pytest.mark.parametrize("unique_id", ["node1-1795314100.12345", "9" * MAXIMUM_UNIQUE_ID_CHARACTERS])
@pytest.mark.parametrize("notices", [0, 1, 10])
def test_the_longest_decision_is_written_whole(notices: int, unique_id: str) -> None:
    table = _longest_table()
    overflow, closed = _chains(MAXIMUM_CHAIN_CHARACTERS)
    assert len(chain_text(overflow) + chain_text(closed)) == MAXIMUM_CHAIN_CHARACTERS
    decision = replace(
        decide(table, CALL, OPEN_AT),
        destination=EnterQueue(queue=NAME, announcement=SOUND, notices=(f"notice--{NAME}",) * notices, priority=999,
                               wait_seconds=86_400, expected_wait_seconds=86_400),
        overflow=overflow,
        closing=Closing(until=OPEN_AT + timedelta(hours=20), announcement=SOUND, steps=closed),
        redirecting_number=NUMBER,
        dialled_number=NUMBER,
        reasons=tuple(Reason(rule=rule) for rule in RULES),
    )  # fmt: skip
    lines = commands(decision, table, unique_id=unique_id)
    assert all(len(line) <= 1_000 for line in lines)
    assert len(lines) <= 3
    values = {name: value for line in lines for name, value in chosen(line).items()}
    assert tuple(values) == NAMES
    assert "ROUTE_OK" in chosen(lines[-1])
    assert values["ROUTE_OVERFLOW"] == chain_text(overflow)
    assert values["ROUTE_CLOSED"] == chain_text(closed)
    assert values["ROUTE_NOTICES"].count(NAME) == notices
    assert unquote(values["ROUTE_DISPLAY"], errors="strict").startswith("ÜÜÜ")


def test_a_decision_with_ordinary_names_and_chains_is_one_line() -> None:
    duty = Forward(number="+4915112345678", trunk="carrier")
    decision = replace(
        decide(TABLE, Call(dialled=SWITCHBOARD, caller=None, trunk="carrier"), OPEN_AT),
        overflow=(
            Step(when=("timeout", "no_agent"), destination=EnterQueue(queue="springer", announcement=None)),
            Step(when=(), destination=duty),
        ),
        closing=Closing(until=OPEN_AT, announcement="samtgemeinde-meinersen--vermittlung--closing",
                        steps=(Step(when=(), destination=duty),) * 3),
    )  # fmt: skip
    (line,) = commands(decision, TABLE, unique_id=UNIQUE_ID)
    assert unquote(chosen(line)["ROUTE_DISPLAY"]) == "Samtgemeinde Meinersen, Vermittlung, guten Tag."


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        (OPEN_AT + timedelta(minutes=15), "900"),
        (OPEN_AT + timedelta(milliseconds=1_001), "2"),
        (OPEN_AT + timedelta(microseconds=1), "1"),
        (OPEN_AT, "0"),
        (OPEN_AT - timedelta(hours=1), "0"),
    ],
)
def test_seconds_until_closing_time_are_rounded_up(until: datetime, seconds: str) -> None:
    decision = replace(
        decide(TABLE, Call(dialled=SWITCHBOARD, caller=None, trunk="carrier"), OPEN_AT),
        closing=Closing(until=until, announcement="told", steps=()),
    )
    (line,) = commands(decision, TABLE, unique_id="1")
    values = chosen(line)
    assert (values["ROUTE_CLOSING"], values["ROUTE_TOLD"], values["ROUTE_CLOSED"]) == (seconds, "told", "")


def test_a_queue_behind_a_number_has_its_display_and_an_announcement_alone_has_none() -> None:
    decision = decide(TABLE, Call(dialled=SWITCHBOARD, caller=None, trunk="carrier"), CLOSED_AT)
    (line,) = commands(decision, TABLE, unique_id="1")
    assert chosen(line)["ROUTE_DISPLAY"] == ""
    step = Step(when=(), destination=EnterQueue(queue="allgemein", announcement=None))
    (line,) = commands(replace(decision, overflow=(step,)), TABLE, unique_id="1")
    assert unquote(chosen(line)["ROUTE_DISPLAY"]) == "Samtgemeinde Meinersen, Vermittlung, guten Tag."


def test_what_cannot_be_written_safely_is_not_written() -> None:
    decision = decide(TABLE, Call(dialled=SWITCHBOARD, caller=None, trunk="carrier"), OPEN_AT)
    with pytest.raises(UnwritableError, match="ROUTE_QUEUE"):
        commands(replace(decision, destination=EnterQueue(queue="a b", announcement="x")), TABLE, unique_id="1")
    step = Step(when=(), destination=PlayAnnouncement(announcement="a,ROUTE_OK=x"))
    with pytest.raises(UnwritableError, match="ROUTE_OVERFLOW"):
        commands(replace(decision, overflow=(step,)), TABLE, unique_id="1")
    with pytest.raises(UnwritableError, match="ROUTE_OK"):
        commands(replace(decision, destination=Reject(cause=1)), TABLE, unique_id="1,A=b")
    with pytest.raises(UnwritableError, match="commands of 1000 bytes"):
        commands(replace(decision, tenant="a" * 1_000), TABLE, unique_id="1")
