# SPDX-License-Identifier: EUPL-1.2
"""Real calls through the whole running product: dialplan, services, database and API as a user starts them.

SIPp is the carrier, the agents' telephones and the town hall; AMI and Asterisk's console are the oracle. Each test
takes agents of its own, because an agent who has talked has ten seconds of wrap-up.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support import sipp
from tests.support.api_server import EventReader, Told, reading
from tests.support.system import CLOSED, HOLIDAY, ISENBUETTEL, MEINERSEN, OPEN, System

pytestmark = pytest.mark.system

TIMES = ("received_at", "queued_at", "rung_at", "answered_at", "ended_at")


async def place(
    system: System, dialled: str, *, at: str | None = OPEN, **wanted: Any
) -> tuple[sipp.Heard, dict[str, Any]]:
    """A call through the demonstration trunk, where the clock can be set, and its row when it has ended."""
    start = len(system.ami.messages)
    heard = await sipp.call(system, dialled=dialled, at=at, source=sipp.DEMONSTRATION, **wanted)
    received = system.ami.user_events("CallReceived", start=start)
    assert len(received) == 1, received
    return heard, await system.ended_call(received[0]["Uniqueid"])


def facts(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["tenant"], row["service_line"], row["kind"], row["level"], row["outcome"]


def rules(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row["reasons"])


async def pop(events: EventReader) -> Told:
    """The next ring told to the agent's page."""
    return (await events.until("rung"))[-1]


def answered_by(system: System, unique_id: str) -> list[str]:
    """Who, by AMI, has answered this call."""
    return [
        message["MemberName"]
        for message in system.ami.messages
        if message["Event"] == "AgentConnect" and message["Uniqueid"] == unique_id
    ]


async def test_open_queue_pop_before_the_answer_and_the_telephone_says_for_whom(system: System) -> None:
    caller = "03023125101"
    async with (
        reading(f"{system.api_url}/events?agent=agent01") as events,
        sipp.telephone(system, "agent01", answers_after=1.5, hang_up_after=0.5) as phone,
    ):
        calling = asyncio.create_task(place(system, ISENBUETTEL, caller=caller, expect=200))
        told = await pop(events)
        assert answered_by(system, told.data["unique_id"]) == []
        heard, row = await calling
        (invite,) = phone.invites
        later = await events.until("ended")
    card = told.data["call"]
    assert (card["tenant_name"], card["line_title"]) == ("Samtgemeinde Isenbüttel", "Vermittlung")
    assert card["agent_phrase"] == "Samtgemeinde Isenbüttel, Vermittlung, guten Tag."
    assert card["caller_number"] == caller
    assert [event.kind for event in later] == ["answered", "ended"]
    assert f'"Samtgemeinde Isenbüttel, Vermittlung, guten Tag." <sip:{caller}@' in invite
    assert f"X-Amtsleitung-Call: {row['unique_id']}\n" in invite
    assert facts(row) == ("samtgemeinde-isenbuettel", "vermittlung", "enter_queue", "service", "answered")
    assert rules(row) == ("number", "open")
    assert (row["agent"], row["queue"], row["ringing"]) == ("agent01", "allgemein", [])
    assert (row["received"], row["dialled_number"]) == ("05374 88-0", "+495374880")
    version = (await system.get("/health/ready"))["table_version"]
    assert (row["trunk"], row["table_version"]) == ("demonstration", version)
    assert row["announcement"] == "samtgemeinde-isenbuettel--vermittlung--greeting"
    times = [datetime.fromisoformat(row[name]) for name in TIMES]
    assert times == sorted(times)
    kept = datetime.fromisoformat(row["expires_at"]) - times[0]
    assert timedelta(days=29, hours=23) < kept <= timedelta(days=30)
    assert answered_by(system, row["unique_id"]) == ["agent01"]
    assert not heard.hung_up_by_us
    assert (heard.codec, bool(heard.ear.loud)) == (9, True)  # G.722


@pytest.mark.parametrize(("at", "rule"), [(CLOSED, "outside_hours"), (HOLIDAY, "holiday")])
async def test_closed_says_so(system: System, at: str, rule: str) -> None:
    heard, row = await place(system, MEINERSEN, at=at, expect=200)
    assert facts(row) == ("samtgemeinde-meinersen", "vermittlung", "play_announcement", "service", "announced")
    assert rules(row) == ("number", rule)
    assert row["announcement"] == "samtgemeinde-meinersen--vermittlung--closed"
    assert not heard.hung_up_by_us
    assert heard.ear.loud
    assert (row["queued_at"], row["rung_at"], row["answered_at"]) == (None, None, None)


async def test_an_unknown_number_is_said_to_be_unknown(system: System) -> None:
    heard, row = await place(system, "05372%20777777", expect=200)
    assert facts(row) == (None, None, "play_announcement", "service", "announced")
    assert (rules(row), row["announcement"]) == (("unknown_number",), "unknown-number")
    assert heard.ear.loud


async def test_an_unknown_number_goes_back_to_a_carrier_with_another_route(system: System) -> None:
    await sipp.call(system, dialled="%2B495372777777", source=sipp.CARRIER_B, expect=404)
    (received,) = system.ami.user_events("CallReceived")
    row = await system.ended_call(received["Uniqueid"])
    assert facts(row) == (None, None, "reject", "service", "rejected")
    assert (row["trunk"], row["cause"]) == ("carrier-b", 1)


@pytest.mark.parametrize(
    ("dialled", "caller", "tenant", "rule"),
    [
        ("115", "05372123456", "samtgemeinde-meinersen", "authority_area"),
        ("05374115", "03023125115", "samtgemeinde-isenbuettel", "authority_area"),
        ("115", "+43537212345", "behoerdennummer-115", "authority_neutral"),  # Kitzbühel, not Meinersen
        ("115", "+493023125115", "behoerdennummer-115", "authority_neutral"),
        ("115", None, "behoerdennummer-115", "authority_neutral"),
    ],
)
async def test_115_goes_to_the_callers_own_authority(
    system: System, dialled: str, caller: str | None, tenant: str, rule: str
) -> None:
    _, row = await place(system, dialled, caller=caller, expect=200, hang_up_after=0.2)
    assert facts(row)[:4] == (tenant, "115", "enter_queue", "service")
    assert rules(row) == (rule, "open")
    assert row["caller_withheld"] is (caller is None)


async def test_a_withheld_number_is_never_stored_and_the_telephone_still_says_for_whom(system: System) -> None:
    hidden = "03023125666"
    async with sipp.telephone(system, "agent02", hang_up_after=0.1) as phone:
        _, row = await place(
            system, MEINERSEN, from_header=f"<sip:{hidden}@127.0.0.3>", headers={"Privacy": "id"}, expect=200
        )
        (invite,) = phone.invites
    assert (row["caller_withheld"], row["caller_number"]) == (True, None)
    assert '"Samtgemeinde Meinersen, Vermittlung, guten Tag." <sip:anonymous@' in invite
    assert hidden.removeprefix("0") not in invite
    stored = [event for event in await system.store.events_after(0, limit=10_000) if hidden[1:] in str(event.payload)]
    assert stored == []
    for path in (system.state / "log").glob("*.log"):
        assert hidden.removeprefix("0") not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize(
    ("final", "code", "outcome", "cause"), [("200 OK", 200, "connected", 16), ("486 Busy Here", 486, "unserved", 17)]
)
async def test_a_desk_of_the_town_hall(system: System, final: str, code: int, outcome: str, cause: int) -> None:
    async with sipp.desk(5060, final=final, hang_up_after=0.3) as desk:
        _, row = await place(system, "05372%2089-123", at=CLOSED, expect=code)  # desks have no hours
        (invite,) = desk.invites
    assert "INVITE sip:+49537289123@127.0.0.4" in invite
    assert "<sip:03023125001@" in invite
    assert facts(row) == ("samtgemeinde-meinersen", None, "dial_extension", "service", outcome)
    assert (rules(row), row["target"], row["cause"]) == (("desk_extension",), "+49537289123", cause)


async def test_a_desk_that_cannot_be_reached_is_said_to_be_so(system: System) -> None:
    async with sipp.desk(5060, final="480 Temporarily Unavailable"):
        heard, row = await place(system, "05372%2089-123", expect=200)
    assert heard.ear.loud
    assert facts(row)[:4] == ("samtgemeinde-meinersen", None, "dial_extension", "service")
    assert row["outcome"] in {"announced", "unserved"}


async def test_a_caller_gives_up_and_the_pop_is_withdrawn(system: System) -> None:
    async with (
        reading(f"{system.api_url}/events?agent=agent03") as events,
        sipp.telephone(system, "agent03", answers_after=None) as phone,
    ):
        heard, row = await place(system, MEINERSEN, expect=200, hang_up_after=3)
        told = await pop(events)
        ended = (await events.until("ring_ended"))[-1]
        assert "\nCANCEL sip:" in phone.messages
    assert told.data["unique_id"] == ended.data["unique_id"] == row["unique_id"]
    assert ended.data["why"] == "abandoned"
    assert facts(row)[4] == "abandoned"
    assert row["rung_at"] is not None
    assert (row["answered_at"], row["ringing"]) == (None, [])
    assert heard.hung_up_by_us


async def test_nobody_is_there(system: System) -> None:
    heard, row = await place(system, MEINERSEN, expect=200)
    assert facts(row)[2:] == ("enter_queue", "service", "unserved")
    assert (row["rung_at"], row["answered_at"]) == (None, None)
    assert not heard.hung_up_by_us


async def test_one_agent_refuses_another_one_answers(system: System) -> None:
    async with (
        reading(f"{system.api_url}/events") as events,
        sipp.telephone(system, "agent04", final="486 Busy Here") as busy,
    ):
        calling = asyncio.create_task(place(system, MEINERSEN, expect=200))
        first = await pop(events)
        refused = (await events.until("ring_ended"))[-1]
        async with sipp.telephone(system, "agent05", hang_up_after=0.2):
            answered = (await events.until("answered"))[-1]
            _, row = await calling
        assert busy.invites
    assert (first.data["agent"], refused.data["agent"], refused.data["why"]) == ("agent04", "agent04", "no_answer")
    assert answered.data["agent"] == "agent05"
    assert facts(row)[4] == "answered"
    assert row["agent"] == "agent05"


async def test_two_calls_at_once_reach_two_agents_each_with_its_own_pop(system: System) -> None:
    callers = {"03023125201", "03023125202"}
    async with (
        reading(f"{system.api_url}/events") as events,
        sipp.telephone(system, "agent06", answers_after=1.0, hang_up_after=0.5) as one,
        sipp.telephone(system, "agent07", answers_after=1.0, hang_up_after=0.5) as other,
    ):
        calls = [
            asyncio.create_task(
                sipp.call(system, dialled=where, caller=who, at=OPEN, source=sipp.DEMONSTRATION, expect=200)
            )
            for who, where in zip(sorted(callers), (MEINERSEN, ISENBUETTEL), strict=True)
        ]
        pops = [await pop(events), await pop(events)]
        await asyncio.gather(*calls)
        invites = {"agent06": one.invites, "agent07": other.invites}
    assert {told.data["agent"] for told in pops} == {"agent06", "agent07"}
    for told in pops:
        (invite,) = invites[told.data["agent"]]
        card = told.data["call"]
        assert f"X-Amtsleitung-Call: {told.data['unique_id']}\n" in invite
        assert f'"{card["tenant_name"]}, Vermittlung, guten Tag."' in invite
        row = await system.ended_call(told.data["unique_id"])
        assert (row["agent"], row["outcome"]) == (told.data["agent"], "answered")
        assert row["caller_number"] == card["caller_number"]
    assert {told.data["call"]["caller_number"] for told in pops} == callers


@pytest.mark.parametrize(
    "dialled",
    ["0537289-0%0d%0aX", "0537289-0%00", "h", "%24%7BSHELL(id)%7D", "%3Cscript%3E", "0537289-0%2C0", "%C3%BC" * 40],
)
async def test_hostile_dialled_text_is_an_unknown_number(system: System, dialled: str) -> None:
    _, row = await place(system, dialled, expect=200, hang_up_after=0.2)
    assert (row["tenant"], row["kind"], row["level"]) == (None, "play_announcement", "service")
    assert "unknown_number" in rules(row)


async def test_a_hostile_caller_is_a_withheld_one(system: System) -> None:
    sender = '"=cmd|x!A1\\"; <b>" <sip:0302%0d%0aEvent%3a%20Hangup@127.0.0.3>'
    async with (
        reading(f"{system.api_url}/events?agent=agent08") as events,
        sipp.telephone(system, "agent08", hang_up_after=0.1) as phone,
    ):
        _, row = await place(system, MEINERSEN, from_header=sender, expect=200)
        told = await pop(events)
        (invite,) = phone.invites
    assert told.data["call"]["caller_number"] is None
    assert (row["caller_number"], row["outcome"]) == (None, "answered")
    assert "cmd" not in invite
