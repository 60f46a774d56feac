# SPDX-License-Identifier: EUPL-1.2
"""``python -m tests.replay.record [NAME…]``: makes recordings of a real Asterisk anew, all that are described here.

The account is the product's, with its filter; so what is recorded is what the observer would have heard. Callers have
a number that is kept free for fiction, addresses are those of loopback, so nothing has to be altered afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from signal import SIGKILL

from routing.core.compile import compile_table
from routing.core.rows import AgentGroupRow, AgentRow
from tests.replay.recordings import FOLDER
from tests.support import sipp
from tests.support.asterisk import PrivateAsterisk
from tests.support.fake_fastagi import Fails, FakeFastAgi
from tests.support.tables import OPEN_AT, example_rows

MASK = "call,agent,user,system"
QUEUE = {
    "KIND": "enter_queue",
    "TENANT": "samtgemeinde-isenbuettel",
    "LINE": "vermittlung",
    "QUEUE": "allgemein",
    "ANNOUNCEMENT": "samtgemeinde-isenbuettel--vermittlung--greeting",
    "DISPLAY": "Samtgemeinde%20Isenb%C3%BCttel%3A%20Vermittlung",
    "DIALLED": "%2B495374880",
    "VERSION": "7",
    "REASONS": "number.open",
}
DIALLED = "0537488-0"
_RINGALL = """
[alle]
strategy=ringall
ringinuse=no
timeout=20
joinempty=paused,unavailable,invalid,unknown
member=PJSIP/agent01,0,agent01,PJSIP/agent01
member=PJSIP/agent02,0,agent02,PJSIP/agent02
"""
#: What telephones do between calls.
_NOT_OF_A_CALL = (b"Event: DeviceStateChange\r\n", b"Event: PeerStatus\r\n", b"Event: ContactStatus\r\n")


@dataclass(slots=True, kw_only=True)
class Scene:
    """A private Asterisk, its service, and a telephone for each agent as a scenario wants it."""

    pbx: PrivateAsterisk
    agi: FakeFastAgi

    async def call(self, **wanted: object) -> None:
        await sipp.observed_call(self.pbx, **{"dialled": DIALLED, "expect": 200, **wanted})

    async def waits(self) -> str:
        """Returns the caller's channel when the next one stands in a queue."""
        return (await self.pbx.ami.event(start=len(self.pbx.ami.messages), Event="QueueCallerJoin"))["Uniqueid"]


class Tap:
    """What the AMI sends to the product's account, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.blocks: list[bytes] = []

    @classmethod
    @asynccontextmanager
    async def opened(cls, pbx: PrivateAsterisk) -> AsyncIterator[Tap]:
        reader, writer = await asyncio.open_connection("127.0.0.1", pbx.ami_port, limit=1 << 20)
        tap = cls(reader, writer)
        await reader.readline()
        await tap._until_answered(f"Login\r\nUsername: {pbx.ami_user}\r\nSecret: {pbx.ami_secret}\r\nEvents: off")
        await tap._until_answered(f"Events\r\nEventMask: {MASK}")
        tap.blocks.clear()
        try:
            yield tap
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def all_said(self) -> None:
        """Whatever was said until now is among the blocks."""
        await self._until_answered("Ping")

    async def _until_answered(self, action: str) -> None:
        self._writer.write(f"Action: {action}\r\n\r\n".encode())
        async with asyncio.timeout(20):
            while not (block := await self._reader.readuntil(b"\r\n\r\n")).startswith(b"Response: "):
                if not block.startswith(_NOT_OF_A_CALL):
                    self.blocks.append(block)
        assert block.startswith(b"Response: Success"), block


async def full(scene: Scene) -> None:
    """One caller may wait, and does; the next one is turned away."""
    scene.agi.behaviour = QUEUE | {"QUEUE": "eng"}
    async with sipp.telephone(scene.pbx, "agent03", answers_after=None):
        first = asyncio.create_task(sipp.call(scene.pbx, dialled=DIALLED, caller="03023125002", hang_up_after=6.0))
        await scene.waits()
        await sipp.call(scene.pbx, dialled=DIALLED, expect=200)
        await first


async def leave_empty(scene: Scene) -> None:
    """The only telephone goes while its agent is being rung."""
    calling = None
    async with sipp.telephone(scene.pbx, "agent01", answers_after=None):
        calling = asyncio.create_task(sipp.call(scene.pbx, dialled=DIALLED, expect=200))
        await scene.pbx.ami.event(Event="AgentCalled")
    await calling


async def withdrawn(scene: Scene) -> None:
    """Somebody takes the caller out of the queue."""
    async with sipp.telephone(scene.pbx, "agent01", answers_after=None):
        calling = asyncio.create_task(sipp.call(scene.pbx, dialled=DIALLED, expect=200))
        caller = await scene.pbx.ami.event(Event="AgentCalled")
        answer = await scene.pbx.ami.action("QueueWithdrawCaller", Queue="allgemein", Caller=caller["Channel"])
        assert answer["Response"] == "Success", answer
        await calling


async def both_answer(scene: Scene) -> None:
    """Two telephones ring and are picked up at the same moment."""
    scene.agi.behaviour = QUEUE | {"QUEUE": "alle"}
    async with (
        sipp.telephone(scene.pbx, "agent01", answers_after=0.3, hang_up_after=1.0),
        sipp.telephone(scene.pbx, "agent02", answers_after=0.3, hang_up_after=1.0),
    ):
        await scene.call()


async def reload_while_talking(scene: Scene) -> None:
    """Queues and dialplan are read again in the middle of a talk."""
    async with sipp.telephone(scene.pbx, "agent01", hang_up_after=1.5):
        calling = asyncio.create_task(scene.call())
        await scene.pbx.ami.event(Event="AgentConnect")
        for module in ("app_queue", "pbx_config"):
            answer = await scene.pbx.ami.action("Reload", Module=module)
            assert answer["Response"] == "Success", answer
        await calling


async def cancelled(scene: Scene) -> None:
    """The caller hangs up before anything was answered, while the service is still being asked."""
    scene.agi.behaviour = Fails.SAYS_NOTHING
    await scene.call(cancel=True, hang_up_after=0.3, expect=487)


async def greeting_abandoned(scene: Scene) -> None:
    """The caller hangs up in the greeting."""
    async with sipp.telephone(scene.pbx, "agent01", answers_after=None):
        await scene.call(hang_up_after=0.2)


async def phone_off(scene: Scene) -> None:
    """A telephone that was switched off without a word: Asterisk still takes it for reachable, and rings it in vain."""
    async with sipp.telephone(scene.pbx, "agent01", answers_after=None) as phone:
        phone.run.child.send(SIGKILL)
        await phone.run.child.wait()
        await scene.call(hang_up_after=23.0)


async def withheld(scene: Scene) -> None:
    """A caller who shows no number, and talks."""
    async with sipp.telephone(scene.pbx, "agent01", hang_up_after=0.3):
        await scene.call(caller=None)


async def rejected(scene: Scene) -> None:
    """A number that is none of ours."""
    scene.agi.behaviour = {"KIND": "reject", "CAUSE": "1", "DIALLED": "%2B493023125999", "VERSION": "7",
                           "REASONS": "unknown_number"}  # fmt: skip
    await scene.call(dialled="03023125999", expect=404)


async def astdb(scene: Scene) -> None:
    """The service closes at once: AstDB decides, and an agent answers."""
    scene.agi.behaviour = Fails.CLOSES_AT_ONCE
    async with sipp.telephone(scene.pbx, "agent01", hang_up_after=0.3):
        await scene.call(source=sipp.DEMONSTRATION, at=OPEN_AT.isoformat(), dialled="0537289-0")


async def last_resort(scene: Scene) -> None:
    """Neither the service nor AstDB can decide."""
    scene.agi.behaviour = Fails.CLOSES_AT_ONCE
    await scene.pbx.ami.action("DBDel", Family="amtsleitung", Key="current")
    await scene.call(expect=None)


#: In this order; the last one takes AstDB away.
SCENARIOS: Mapping[str, Callable[[Scene], Awaitable[None]]] = {
    scenario.__name__: scenario
    for scenario in (
        full, leave_empty, withdrawn, both_answer, reload_while_talking, cancelled, greeting_abandoned, phone_off,
        withheld, rejected, astdb, last_resort,
    )
}  # fmt: skip


async def record(names: list[str]) -> None:
    """Write the recordings of these names."""
    rows = example_rows()
    rows = example_rows(
        agent_groups=(*rows.agent_groups, AgentGroupRow(name="eng", title="Eng", maximum_waiting=1)),
        agents=(*rows.agents, AgentRow(name="agent03", device="agent03", agent_groups=("eng",))),
    )
    table = compile_table(rows, version=7)
    async with FakeFastAgi.start() as agi, PrivateAsterisk.start(table, fastagi=agi.address) as pbx:
        queues = pbx.directories.etc / "generated" / "queues.conf"
        queues.write_text(queues.read_text(encoding="utf-8") + _RINGALL, encoding="utf-8")
        await pbx.ami.action("Reload", Module="app_queue")
        for name in names:
            agi.behaviour = QUEUE
            pbx.ami.messages.clear()
            async with Tap.opened(pbx) as tap:
                await SCENARIOS[name](Scene(pbx=pbx, agi=agi))
                await pbx.no_channels_left()
                await tap.all_said()
            (FOLDER / f"{name}.ami").write_bytes(b"".join(tap.blocks))
            sys.stdout.write(f"{name}: {len(tap.blocks)} events\n")


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:] or list(SCENARIOS)))
