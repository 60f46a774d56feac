# SPDX-License-Identifier: EUPL-1.2
"""Callers in the queue and agents' telephones, on a real Asterisk with the production dialplan."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import quote

import pytest

from routing.core.compile import compile_table
from routing.core.rows import AgentRow, TrunkRow
from tests.support import sipp
from tests.support.ami_oracle import Message
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.fake_fastagi import FakeFastAgi
from tests.support.tables import example_table

pytestmark = pytest.mark.system

DISPLAY = "Samtgemeinde Isenbüttel: Vermittlung"
GREETING = "samtgemeinde-isenbuettel--vermittlung--greeting"
QUEUE = {
    "KIND": "enter_queue",
    "TENANT": "samtgemeinde-isenbuettel",
    "LINE": "vermittlung",
    "QUEUE": "allgemein",
    "ANNOUNCEMENT": GREETING,
    "DISPLAY": quote(DISPLAY, safe=""),
    "DIALLED": "%2B495374880",
    "VERSION": "7",
    "REASONS": "number.open",
}
PACKETS_OF_GREETING = 25  # half a second, 20 ms each
NASTY_SECRET = 'a;b =>"x\\;--y#$'


@pytest.fixture(scope="module")
async def agi() -> AsyncIterator[FakeFastAgi]:
    async with FakeFastAgi.start() as fake:
        yield fake


@pytest.fixture(scope="module")
async def shared(agi: FakeFastAgi) -> AsyncIterator[PrivateAsterisk]:
    async with PrivateAsterisk.start(
        example_table(), fastagi=agi.address, device_secrets={"agent02": NASTY_SECRET}
    ) as pbx:
        yield pbx


@pytest.fixture
async def pbx(shared: PrivateAsterisk) -> AsyncIterator[PrivateAsterisk]:
    shared.ami.messages.clear()
    yield shared
    await shared.no_channels_left()


def routed(pbx: PrivateAsterisk) -> Message:
    """The one decision that was followed."""
    (event,) = pbx.ami.user_events("CallRouted")
    return event


async def test_queue_to_agent_with_display_id_and_wideband(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE
    async with sipp.telephone(pbx, "agent01", hang_up_after=0.5) as phone:
        heard = await sipp.observed_call(pbx, dialled="0537488-0", expect=200)
        (invite,) = phone.invites
    assert not heard.hung_up_by_us
    assert heard.codec == 9  # G.722
    assert heard.ear.loud
    received = pbx.ami.user_events("CallReceived")[0]
    assert (received["Trunk"], received["Received"], received["Caller"]) == ("carrier", "0537488-0", "03023125001")
    event = routed(pbx)
    assert (event["Level"], event["Kind"], event["Tenant"], event["Line"]) == (
        "service", "enter_queue", "samtgemeinde-isenbuettel", "vermittlung",
    )  # fmt: skip
    assert (event["Dialled"], event["Version"], event["Reasons"]) == ("%2B495374880", "7", "number.open")
    assert f'"{DISPLAY}" <sip:03023125001@' in invite
    assert f"X-Amtsleitung-Call: {received['Uniqueid']}\n" in invite
    wanted = ["CallReceived", "CallRouted", "QueueCallerJoin", "AgentCalled", "AgentConnect", "AgentComplete"]
    seen = [m["UserEvent"] or m["Event"] for m in pbx.ami.messages if m["Uniqueid"] == received["Uniqueid"]]
    assert [name for name in seen if name in wanted] == wanted


async def test_a_withheld_number_does_not_hide_the_tenant_from_the_agent(
    pbx: PrivateAsterisk, agi: FakeFastAgi
) -> None:
    agi.behaviour = QUEUE
    async with sipp.telephone(pbx, "agent01", hang_up_after=0.2) as phone:
        await sipp.observed_call(pbx, dialled="0537488-0", caller=None, expect=200)
        (invite,) = phone.invites
    assert pbx.ami.user_events("CallReceived")[0]["Caller"] == ""
    assert f'"{DISPLAY}" <sip:anonymous@' in invite


async def test_caller_gives_up_while_an_agent_is_rung(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE
    async with sipp.telephone(pbx, "agent01", answers_after=None) as phone:
        heard = await sipp.observed_call(pbx, dialled="0537488-0", expect=200, hang_up_after=2.5)
        await pbx.ami.event(Event="QueueCallerAbandon")
        await pbx.no_channels_left()
        assert "\nCANCEL sip:" in phone.messages
    assert heard.hung_up_by_us
    assert heard.ear.loud > PACKETS_OF_GREETING * 2  # the rest was music
    assert pbx.ami.user_events("QueueExit") == ()


async def test_an_agent_who_declines_is_followed_by_the_next(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE
    async with (
        sipp.telephone(pbx, "agent01", final="603 Decline"),
        sipp.telephone(pbx, "agent02", hang_up_after=0.1) as second,
    ):
        for _ in range(2):  # whoever was called longest ago is asked first
            await sipp.observed_call(pbx, dialled="0537488-0", expect=200)
        assert len(second.invites) == 2
    assert {m["MemberName"] for m in pbx.ami.messages if m["Event"] == "AgentCalled"} == {"agent01", "agent02"}
    assert {m["MemberName"] for m in pbx.ami.messages if m["Event"] == "AgentConnect"} == {"agent02"}


async def test_ordinary_calls_leave_no_complaint_in_the_log(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    before = len(pbx.logged("WARNING", "ERROR"))
    agi.behaviour = QUEUE
    async with sipp.telephone(pbx, "agent01", hang_up_after=0.1):
        await sipp.observed_call(pbx, dialled="0537488-0", expect=200)
    assert pbx.logged("WARNING", "ERROR")[before:] == []


async def test_nobody_there_is_said(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE
    heard = await sipp.observed_call(pbx, dialled="0537488-0", expect=200)
    (left,) = pbx.ami.user_events("QueueExit")
    assert (left["Queue"], left["Status"]) == ("allgemein", "JOINEMPTY")
    assert heard.ear.loud


async def test_a_queue_that_asterisk_does_not_know(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE | {"QUEUE": "no-such-queue"}
    heard = await sipp.observed_call(pbx, dialled="0537488-0", expect=200)
    assert pbx.ami.user_events("QueueExit")[0]["Status"] == "UNKNOWN"
    assert heard.ear.loud


@pytest.mark.parametrize(
    ("status", "sound"),
    [
        ("TIMEOUT", "queue-timeout"), ("FULL", "queue-full"), ("JOINEMPTY", "no-agent"), ("LEAVEEMPTY", "no-agent"),
        ("JOINUNAVAIL", "no-agent"), ("LEAVEUNAVAIL", "no-agent"), ("WITHDRAW", "queue-timeout"),
        ("UNKNOWN", "technical-fault"), ("CONTINUE", None),
    ],
)  # fmt: skip
async def test_every_queue_exit_says_why(pbx: PrivateAsterisk, status: str, sound: str | None) -> None:
    answer = await pbx.ami.action(
        "Originate", Channel=f"Local/{status}@queue-exit/n", Application="Wait", Data="3", Async="true"
    )
    assert answer["Response"] == "Success"
    end = await pbx.ami.event(Event="Newexten", Application="Hangup")
    played = [m["AppData"] for m in pbx.ami.messages if m["Event"] == "Newexten" and m["Application"] == "Playback"]
    assert played == ([f"{pbx.directories.sounds}/{sound}"] if sound else [])
    assert end["AppData"] == "16"


async def test_a_secret_full_of_special_characters_registers(pbx: PrivateAsterisk) -> None:
    await sipp.register(pbx, "agent02", NASTY_SECRET, port=free_port(socket.SOCK_DGRAM))


async def test_a_wrong_secret_does_not_register(pbx: PrivateAsterisk) -> None:
    with pytest.raises(AssertionError, match="could not register"):
        await sipp.register(pbx, "agent02", "wrong", port=free_port(socket.SOCK_DGRAM))


async def test_a_reload_makes_a_new_agent_and_a_new_trunk_known(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE
    table = example_table()
    new_trunk = TrunkRow(name="new-carrier", address="127.0.0.9", number_format="e164")
    new_agent = AgentRow(name="agent03", device="phone03", agent_groups=("allgemein",))
    rows = table.rows
    changed = compile_table(
        replace(rows, trunks=(*rows.trunks, new_trunk), agents=(*rows.agents, new_agent)), version=2
    )
    await sipp.observed_call(pbx, dialled="0537488-0", source="127.0.0.9", expect=401)
    await pbx.reload(changed, new_secrets={"phone03": "new;secret"})
    async with sipp.telephone(pbx, "phone03", hang_up_after=0.1) as phone:
        await sipp.observed_call(pbx, dialled="0537488-0", source="127.0.0.9", expect=200)
        assert len(phone.invites) == 1
    assert pbx.ami.user_events("CallReceived")[0]["Trunk"] == "new-carrier"
    await pbx.reload(table)
    await sipp.observed_call(pbx, dialled="0537488-0", source="127.0.0.9", expect=401)
