# SPDX-License-Identifier: EUPL-1.2
"""What comes after a queue, a number or an announcement that gave the caller back, on a real Asterisk."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from routing.core.rows import AgentGroupRow, AgentRow, NoticeRow
from routing.core.table import Table
from tests.support import sipp
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.fake_fastagi import FakeFastAgi
from tests.support.tables import OPEN_AT, example_rows, example_table

pytestmark = pytest.mark.system

LINE = "samtgemeinde-isenbuettel--vermittlung"
GREETING, CLOSED = f"{LINE}--greeting", f"{LINE}--closed"
NOTICE = "notice--wahl"
QUEUE = {
    "KIND": "enter_queue",
    "TENANT": "samtgemeinde-isenbuettel",
    "LINE": "vermittlung",
    "QUEUE": "allgemein",
    "ANNOUNCEMENT": GREETING,
    "DIALLED": "%2B495374880",
    "WAIT": "600",
    "PRIORITY": "0",
}
TARGET = "%2B493023125100"
FORWARD = "493023125100~rathaus-meinersen~20"
DESK = "49537289123~rathaus-meinersen~20"
RING_FOR_EVER = None


@pytest.fixture(scope="module")
def desk_port() -> int:
    return free_port(socket.SOCK_DGRAM, address=sipp.TOWN_HALL)


@pytest.fixture(scope="module")
def table(desk_port: int) -> Table:
    rows = example_rows()
    trunks = tuple(
        replace(row, address=f"{row.address}:{desk_port}") if row.address == sipp.TOWN_HALL else row
        for row in rows.trunks
    )
    agents = (
        AgentRow(name="agent01", device="agent01", agent_groups=("allgemein", "klein", "gespraech")),
        AgentRow(name="agent02", device="agent02", agent_groups=("springer",)),
    )
    groups = (
        *rows.agent_groups,
        AgentGroupRow(name="springer", title="Springer"),
        AgentGroupRow(name="gespraech", title="Gespräch"),
        AgentGroupRow(name="klein", title="Klein", maximum_waiting=1),
    )
    notice = NoticeRow(
        name="wahl", title="Wahl", announcement_text="Wahlscheine bitte online.", tenant="stadt-wolfsburg",
        valid_from=OPEN_AT, valid_to=OPEN_AT.replace(year=2027),
    )  # fmt: skip
    return example_table(trunks=trunks, agents=agents, agent_groups=groups, notices=(notice,))


@pytest.fixture(scope="module")
async def agi() -> AsyncIterator[FakeFastAgi]:
    async with FakeFastAgi.start() as fake:
        yield fake


@pytest.fixture(scope="module")
async def shared(agi: FakeFastAgi, table: Table) -> AsyncIterator[PrivateAsterisk]:
    async with PrivateAsterisk.start(table, fastagi=agi.address, with_astdb=False) as pbx:
        yield pbx


@pytest.fixture
async def pbx(shared: PrivateAsterisk) -> AsyncIterator[PrivateAsterisk]:
    shared.ami.messages.clear()
    yield shared
    await shared.no_channels_left()


def exits(pbx: PrivateAsterisk) -> list[tuple[str, str]]:
    """Each queue that gave the caller back, and how."""
    return [(event["Queue"], event["Status"]) for event in pbx.ami.user_events("QueueExit")]


def entered(pbx: PrivateAsterisk) -> list[tuple[str, str, str, str]]:
    """The elements after the first: exit, number, kind, target."""
    events = pbx.ami.user_events("ChainStep")
    return [(event["Exit"], event["Step"], event["Kind"], event["Target"]) for event in events]


def played(pbx: PrivateAsterisk) -> list[str]:
    """The sounds that were begun, by their names."""
    steps = [m for m in pbx.ami.messages if m["Event"] == "Newexten" and m["Application"] == "Playback"]
    return [m["AppData"].rpartition("/")[2] for m in steps]


def last_cause(pbx: PrivateAsterisk) -> str:
    (end,) = [m for m in pbx.ami.messages if m["Event"] == "Newexten" and m["Application"] == "Hangup"]
    return end["AppData"]


async def dial(pbx: PrivateAsterisk, **wanted: object) -> sipp.Heard:
    return await sipp.observed_call(pbx, **{"dialled": "0537488-0", "expect": 200, **wanted})


async def test_nobody_in_the_first_queue_so_the_second_answers(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE | {"OVERFLOW": f"t~a~{CLOSED}.nu~q~springer~300~"}
    async with sipp.telephone(pbx, "agent02", hang_up_after=0.2) as phone:
        await dial(pbx)
        assert len(phone.invites) == 1
    assert exits(pbx) == [("allgemein", "JOINEMPTY")]
    assert entered(pbx) == [("no_agent", "3", "enter_queue", "springer")]
    assert played(pbx) == [GREETING]
    assert [m["Queue"] for m in pbx.ami.messages if m["Event"] == "AgentConnect"] == ["springer"]


async def test_a_decision_that_needs_several_commands(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE | {"OVERFLOW": ".".join([f"t~a~{CLOSED}"] * 7 + [f"n~a~{CLOSED}"])}
    agi.commands = 3
    try:
        await dial(pbx)
    finally:
        agi.commands = 1
    assert pbx.ami.user_events("CallRouted")[0]["Level"] == "service"
    assert entered(pbx) == [("no_agent", "9", "play_announcement", CLOSED)]


async def test_a_wait_ends_after_its_seconds(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE | {"WAIT": "2", "OVERFLOW": "t~q~springer~300~"}
    async with (
        sipp.telephone(pbx, "agent01", answers_after=RING_FOR_EVER),
        sipp.telephone(pbx, "agent02", hang_up_after=0.2),
    ):
        await dial(pbx)
    assert exits(pbx) == [("allgemein", "TIMEOUT")]
    assert entered(pbx) == [("timeout", "2", "enter_queue", "springer")]
    assert [m["MemberName"] for m in pbx.ami.messages if m["Event"] == "AgentConnect"] == ["agent02"]


async def test_every_queue_has_its_own_time(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE | {"WAIT": "1", "OVERFLOW": f"-~q~springer~1~.t~a~{CLOSED}"}
    async with (
        sipp.telephone(pbx, "agent01", answers_after=RING_FOR_EVER),
        sipp.telephone(pbx, "agent02", answers_after=RING_FOR_EVER),
    ):
        await dial(pbx)
    assert exits(pbx) == [("allgemein", "TIMEOUT"), ("springer", "TIMEOUT")]
    assert [kind for _, _, kind, _ in entered(pbx)] == ["enter_queue", "play_announcement"]
    assert played(pbx) == [GREETING, CLOSED]
    assert last_cause(pbx) == "16"


async def test_a_full_queue(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE | {"QUEUE": "klein", "OVERFLOW": f"n~q~springer~5~.u~a~{CLOSED}"}
    async with sipp.telephone(pbx, "agent01", answers_after=RING_FOR_EVER):
        first = asyncio.create_task(dial(pbx, hang_up_after=6))
        await pbx.ami.event(Event="QueueCallerJoin", Queue="klein")
        await sipp.call(pbx, dialled="0537488-0", expect=200)
        await first
    assert exits(pbx) == [("klein", "FULL")]
    assert entered(pbx) == [("full", "3", "play_announcement", CLOSED)]


async def test_the_standard_farewell_where_no_step_waits_for_the_exit(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE | {"OVERFLOW": f"t~a~{CLOSED}.x~f~{FORWARD}"}
    await dial(pbx)
    assert entered(pbx) == []
    assert played(pbx) == [GREETING, "no-agent"]


async def test_notices_are_heard_between_greeting_and_waiting(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE | {"NOTICES": f"{NOTICE}~{CLOSED}"}
    async with sipp.telephone(pbx, "agent01", hang_up_after=0.1):
        heard = await dial(pbx)
    assert played(pbx) == [GREETING, NOTICE, CLOSED]
    assert heard.ear.loud > 60  # three tones of half a second, 20 ms each
    order = [m["AppData"].rpartition("/")[2] or m["Event"] for m in pbx.ami.messages
             if m["Application"] == "Playback" or m["Event"] == "QueueCallerJoin"]  # fmt: skip
    assert order == [GREETING, NOTICE, CLOSED, "QueueCallerJoin"]


async def test_the_one_who_matters_more_is_before_those_who_came_earlier(
    pbx: PrivateAsterisk, agi: FakeFastAgi
) -> None:
    agi.behaviour = QUEUE | {"PRIORITY": "0"}
    async with sipp.telephone(pbx, "agent01", answers_after=RING_FOR_EVER):
        first = asyncio.create_task(dial(pbx, hang_up_after=9))
        await pbx.ami.event(Event="QueueCallerJoin", Position="1")
        agi.behaviour = QUEUE | {"PRIORITY": "5"}
        second = asyncio.create_task(sipp.call(pbx, dialled="0537488-0", expect=200, hang_up_after=3))
        await pbx.ami.event(Event="QueueCallerJoin", Count="2")
        await asyncio.gather(first, second)
    joined = [(m["Position"], m["Count"]) for m in pbx.ami.messages if m["Event"] == "QueueCallerJoin"]
    assert joined == [("1", "1"), ("1", "2")]


async def test_a_wait_that_would_be_too_long_is_not_begun(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    queue = QUEUE | {"QUEUE": "gespraech", "OVERFLOW": f"t~q~springer~5~.w~a~{CLOSED}"}
    agi.behaviour = queue
    async with sipp.telephone(pbx, "agent01", hang_up_after=5.0):
        await dial(pbx)  # the queue's first talk: 5 seconds, or 6 as Asterisk counts
    pbx.ami.messages.clear()
    async with sipp.telephone(pbx, "agent01", answers_after=RING_FOR_EVER):
        agi.behaviour = queue | {"EXPECTED": "0"}
        first = asyncio.create_task(dial(pbx, hang_up_after=9))  # an agent is free: no wait is expected
        await pbx.ami.event(Event="AgentCalled")
        agi.behaviour = queue | {"EXPECTED": "8"}
        await sipp.call(pbx, dialled="0537488-0", expect=200)  # two talks, one agent
        agi.behaviour = queue | {"EXPECTED": "13", "WAIT": "1", "OVERFLOW": f"w~a~{CLOSED}"}
        await sipp.call(pbx, dialled="0537488-0", expect=200)
        await first
    assert entered(pbx) == [("expected_wait", "3", "play_announcement", CLOSED)]
    assert exits(pbx) == [("gespraech", "EXPECTEDWAIT"), ("gespraech", "TIMEOUT")]


async def test_a_number_that_failed_is_followed_by_the_next(
    pbx: PrivateAsterisk, agi: FakeFastAgi, desk_port: int
) -> None:
    agi.behaviour = {"KIND": "forward", "TARGET": TARGET, "TRUNK": "rathaus-meinersen", "RING": "20",
                     "OVERFLOW": f"x~f~{FORWARD}.x~d~{DESK}.t~a~{CLOSED}.-~a~{CLOSED}"}  # fmt: skip
    async with sipp.desk(desk_port, final="486 Busy Here") as desk:
        await dial(pbx)
        numbers = [re.search(r"INVITE sip:\+?(\d+)@", invite) for invite in desk.invites]
    assert [found and found[1] for found in numbers] == ["493023125100", "493023125100", "49537289123"]
    assert entered(pbx) == [
        ("failed", "2", "forward", ""),
        ("failed", "3", "dial_extension", ""),
        ("failed", "5", "play_announcement", CLOSED),
    ]
    assert played(pbx) == [CLOSED]


async def test_a_forward_behind_a_queue_is_connected_with_the_callers_number_and_no_tenants_name(
    pbx: PrivateAsterisk, agi: FakeFastAgi, desk_port: int
) -> None:
    agi.behaviour = QUEUE | {"DISPLAY": "Isenb%C3%BCttel", "OVERFLOW": f"-~f~{FORWARD}"}
    async with sipp.desk(desk_port, hang_up_after=0.3) as desk:
        heard = await dial(pbx)
        await dial(pbx, caller=None)
        first, withheld = desk.invites
    assert not heard.hung_up_by_us
    assert "<sip:03023125001@" in first
    assert "Isenb" not in first
    assert "Privacy: id" not in first
    assert "anonymous" in withheld
    assert entered(pbx) == [("no_agent", "2", "forward", "")] * 2


@pytest.mark.parametrize(
    ("final", "sound"), [("486 Busy Here", "forward-unreachable"), ("404 Not Found", "forward-unreachable")]
)
async def test_a_forward_that_fails_behind_a_queue_is_said(
    pbx: PrivateAsterisk, agi: FakeFastAgi, desk_port: int, final: str, sound: str
) -> None:
    agi.behaviour = QUEUE | {"OVERFLOW": f"n~f~{FORWARD}"}
    async with sipp.desk(desk_port, final=final):
        heard = await dial(pbx)
    assert played(pbx) == [GREETING, sound]
    assert not heard.hung_up_by_us


async def test_a_number_rings_for_its_own_seconds(pbx: PrivateAsterisk, agi: FakeFastAgi, desk_port: int) -> None:
    agi.behaviour = {"KIND": "dial_extension", "TARGET": "%2B49537289123", "TRUNK": "rathaus-meinersen", "RING": "1",
                     "OVERFLOW": f"tnu~a~{CLOSED}"}  # fmt: skip
    async with sipp.desk(desk_port, answers_after=30):
        await dial(pbx)
    assert played(pbx) == ["desk-unreachable"]


async def test_an_announcement_is_followed_only_by_a_step_for_every_exit(
    pbx: PrivateAsterisk, agi: FakeFastAgi, desk_port: int
) -> None:
    agi.behaviour = {
        "KIND": "play_announcement",
        "ANNOUNCEMENT": CLOSED,
        "OVERFLOW": f"tnuwx~a~{GREETING}.-~f~{FORWARD}",
    }
    async with sipp.desk(desk_port, hang_up_after=0.1):
        await dial(pbx)
    assert played(pbx) == [CLOSED]
    assert entered(pbx) == [("played", "3", "forward", "")]


async def test_an_announcement_that_is_missing_does_not_end_the_chain(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = {"KIND": "play_announcement", "ANNOUNCEMENT": "no-such", "OVERFLOW": f"-~a~{CLOSED}"}
    await dial(pbx)
    assert played(pbx) == ["no-such", "no-such", CLOSED]


async def test_an_announcement_that_is_still_being_spoken_is_waited_for(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = {"KIND": "play_announcement", "ANNOUNCEMENT": "override--just-now"}
    sounds = pbx.directories.sounds
    calling = asyncio.create_task(dial(pbx))
    await pbx.ami.event(Event="Newexten", Application="Wait")
    (sounds / "override--just-now.wav16").write_bytes((sounds / f"{CLOSED}.wav16").read_bytes())
    heard = await calling
    assert heard.ear.loud
    assert played(pbx) == ["override--just-now"] * 2


async def test_closing_time_takes_a_waiting_caller_out(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE | {"CLOSING": "3", "TOLD": GREETING, "CLOSED": f"t~a~{CLOSED}.-~a~{NOTICE}",
                             "OVERFLOW": f"-~a~{NOTICE}"}  # fmt: skip
    async with sipp.telephone(pbx, "agent01", answers_after=RING_FOR_EVER):
        await dial(pbx)
    assert exits(pbx) == [("allgemein", "CLOSINGTIME")]
    assert entered(pbx) == [
        ("closing", "2", "play_announcement", CLOSED),
        ("played", "3", "play_announcement", NOTICE),
    ]
    assert played(pbx) == [GREETING, GREETING, CLOSED, NOTICE]
    assert last_cause(pbx) == "16"


async def test_closing_time_comes_in_the_second_queue_too(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE | {"CLOSING": "4", "TOLD": GREETING, "CLOSED": f"-~a~{CLOSED}", "WAIT": "1",
                             "OVERFLOW": f"t~q~springer~300~.t~a~{NOTICE}"}  # fmt: skip
    async with (
        sipp.telephone(pbx, "agent01", answers_after=RING_FOR_EVER),
        sipp.telephone(pbx, "agent02", answers_after=RING_FOR_EVER),
    ):
        await dial(pbx)
    assert exits(pbx) == [("allgemein", "TIMEOUT"), ("springer", "CLOSINGTIME")]
    assert [(why, target) for why, _, _, target in entered(pbx)] == [("timeout", "springer"), ("closing", CLOSED)]


async def test_after_closing_time_no_queue_of_the_chain_is_entered(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE | {"CLOSING": "0", "TOLD": GREETING, "CLOSED": ""}
    async with sipp.telephone(pbx, "agent01") as phone:
        await dial(pbx)
        assert phone.invites == ()
    assert exits(pbx) == [("allgemein", "CLOSINGTIME")]
    assert played(pbx) == [GREETING, GREETING]


async def test_a_chain_that_makes_no_sense_ends(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = QUEUE | {"OVERFLOW": "..~.-.-~z~x.n~.~~~~.-~q.-~f.-~a" + ".-~z~x" * 60}
    await dial(pbx)
    steps = [kind for _, _, kind, _ in entered(pbx)]
    assert steps == ["enter_queue", "forward", "play_announcement"]


async def test_no_event_of_the_chain_holds_a_number(pbx: PrivateAsterisk, agi: FakeFastAgi, desk_port: int) -> None:
    agi.behaviour = QUEUE | {"OVERFLOW": f"-~f~{FORWARD}"}
    async with sipp.desk(desk_port, hang_up_after=0.1):
        await dial(pbx)
    (step,) = pbx.ami.user_events("ChainStep")
    own = {name: step[name] for name in ("Exit", "Step", "Kind", "Target")}
    assert own == {"Exit": "no_agent", "Step": "2", "Kind": "forward", "Target": ""}
