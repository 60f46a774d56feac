# SPDX-License-Identifier: EUPL-1.2
"""What a request is answered with."""

from __future__ import annotations

from datetime import datetime

import pytest

from agi.fastagi.dialogue import Dialogue
from agi.fastagi.environment import Request
from agi.fastagi.handlers import Answer, Handlers, RefusedError
from agi.fastagi.protocol import Accepted, Cause, Failed
from routing.core.decision import Call
from tests.support.asterisk_agi import ACCEPTED, UNIQUE_ID, chosen, environment, route_script
from tests.support.tables import BERLIN, CLOSED_AT, OPEN_AT, SWITCHBOARD, example_table

TABLE = example_table()


def _answer(
    query: dict[str, str],
    *,
    caller: str | None = None,
    diversion: str | None = None,
    history_info: str | None = None,
    to: str | None = None,
    path: str = "/route",
    clock: datetime = OPEN_AT,
) -> Answer:
    handlers = Handlers(table=lambda: TABLE, clock=lambda: clock)
    request = Request(
        path=path,
        query=query,
        caller=caller,
        diversion=diversion,
        history_info=history_info,
        to=to,
        unique_id=UNIQUE_ID,
    )
    return handlers(request)


def _query(**changes: str) -> dict[str, str]:
    return {"dialled": SWITCHBOARD, "trunk": "carrier"} | changes


def _refused(query: dict[str, str], *, path: str = "/route") -> Cause:
    with pytest.raises(RefusedError) as caught:
        _answer(query, path=path)
    return caught.value.cause


def test_the_clock_decides() -> None:
    assert _answer(_query()).decision.kind == "enter_queue"
    assert _answer(_query(), clock=CLOSED_AT).decision.kind == "play_announcement"


def test_the_caller_decides_where_115_leads() -> None:
    answer = _answer(_query(dialled="115"))
    assert answer.call == Call(dialled="115", caller=None, trunk="carrier")
    assert answer.decision.tenant == "behoerdennummer-115"
    assert _answer(_query(dialled="115"), caller="+49537212345").decision.tenant == "samtgemeinde-meinersen"


def test_the_numbers_of_the_headers_are_the_calls() -> None:
    answer = _answer(_query(), diversion="+495372890", history_info="05372891", to="05372892")
    assert answer.call == Call(
        dialled=SWITCHBOARD,
        caller=None,
        trunk="carrier",
        diversion="+495372890",
        history_info="05372891",
        to="05372892",
    )


def test_only_a_demonstration_trunk_may_set_the_clock() -> None:
    at = "2026-11-22T10:00:00+01:00"
    assert _answer(_query(trunk="demonstration", at=at)).decision.kind == "play_announcement"
    assert _answer(_query(trunk="demonstration", at=at)).decision.at == CLOSED_AT
    for trunk in ("carrier", "", "not-configured"):
        assert _answer(_query(trunk=trunk, at=at)).decision.at == OPEN_AT
    assert _answer(_query(trunk="demonstration", at="")).decision.at == OPEN_AT


@pytest.mark.parametrize("at", ["yesterday", "2026-11-22T10:00:00", "2026-13-01T00:00:00Z", " "])
def test_an_unreadable_time_is_refused(at: str) -> None:
    assert _refused(_query(trunk="demonstration", at=at)) is Cause.BAD_REQUEST


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
def test_a_time_at_the_edge_of_the_calendar_is_decided(at: str) -> None:
    assert _answer(_query(trunk="demonstration", at=at)).decision.kind == "play_announcement"


def test_missing_and_unknown_parameters_are_refused() -> None:
    for name in ("dialled", "trunk"):
        query = _query()
        del query[name]
        assert _refused(query) is Cause.BAD_REQUEST
    assert _refused(_query(tenant="x")) is Cause.BAD_REQUEST
    assert _refused(_query(caller="")) is Cause.BAD_REQUEST  # it would be logged with the URL


def test_an_unknown_path_is_refused() -> None:
    assert _refused(_query(), path="/hangup") is Cause.UNKNOWN_PATH


def test_a_dialogue_without_a_table_sends_nothing() -> None:
    dialogue = Dialogue(Handlers(table=lambda: None, clock=lambda: OPEN_AT))
    assert dialogue.receive(environment()) == b""
    assert isinstance(dialogue.outcome, Failed)
    assert dialogue.outcome.cause is Cause.NO_TABLE


def test_a_broken_handler_sends_nothing_and_keeps_its_error() -> None:
    naive = datetime(2026, 11, 23, 10)  # noqa: DTZ001 - what a wrong clock would return
    dialogue = Dialogue(Handlers(table=lambda: TABLE, clock=lambda: naive))
    assert dialogue.receive(environment()) == b""
    assert isinstance(dialogue.error, TypeError)
    assert isinstance(dialogue.outcome, Failed)
    assert dialogue.outcome.cause is Cause.HANDLER_ERROR


def test_a_whole_dialogue() -> None:
    dialogue = Dialogue(Handlers(table=lambda: TABLE, clock=lambda: datetime(2026, 11, 23, 10, tzinfo=BERLIN)))
    line = dialogue.receive(environment(route_script("0537488-0")))
    assert chosen(line)["ROUTE_TENANT"] == "samtgemeinde-isenbuettel"
    assert dialogue.receive(b"HANGUP\n" + ACCEPTED) == b""
    assert dialogue.outcome == Accepted()
    assert dialogue.hung_up
