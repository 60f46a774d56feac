# SPDX-License-Identifier: EUPL-1.2
"""The whole product under one fault after the other: calls in, and what the database says became of them.

    async with system_scene() as scene:
        with scene.frozen("postgres"):
            calls = await scene.storm(8)
        verdict.add(await scene.judged(calls))

One product runs for all rows of a pytest process. Whatever a row breaks, it mends before it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from routing.core.compile import compile_table
from routing.store import Store, StoreError
from routing.store.records import StoredEvent
from tests.support import sipp
from tests.support.ami_oracle import Message
from tests.support.faults.following import Seen, Watch, decided
from tests.support.faults.storm import Dial, fictional_callers
from tests.support.faults.system_calls import Carrier, SipCall, carrier
from tests.support.faults.system_processes import settings_of
from tests.support.faults.system_rows import INFORMATION, TOWNS, number, with_towns
from tests.support.faults.system_versions import Versions
from tests.support.faults.verdict import Verdict
from tests.support.living import until
from tests.support.product import record_short_prompts
from tests.support.system import System, running_system
from tests.support.wait import until as until_true

ENDS_SECONDS = 60.0
REST_TRIES = 10
_ONCE = ("received", "routed", "rung", "answered", "ended")
_RECORDED = {"Kind": "destination_kind", "Tenant": "tenant", "Line": "service_line", "Queue": "queue"}


@dataclass(slots=True, kw_only=True)
class Placed:
    """A call that was made: what was dialled, and its SIP side."""

    dial: Dial
    sip: SipCall
    source: str
    asked_at: datetime


@dataclass(slots=True, kw_only=True)
class SystemScene(Versions):
    """``later``: calls of this row that are to be judged at its end."""

    trunk: Carrier
    later: list[Placed] = field(default_factory=list)
    _first_seq: int = 0
    _callers: Iterator[str] = field(default_factory=fictional_callers)

    def call(
        self,
        dialled: str,
        *,
        cancel_after: float | None = None,
        hang_up_after: float | None = None,
        rtp_port: int = 9,
    ) -> Placed:
        """One call from the carrier, now."""
        self.watching()
        dial = Dial(dialled=dialled, caller=next(self._callers))
        sip = self.trunk.call(
            dialled=dialled, caller=dial.caller, cancel_after=cancel_after, hang_up_after=hang_up_after,
            rtp_port=rtp_port,
        )  # fmt: skip
        return Placed(dial=dial, sip=sip, source=sipp.CARRIER, asked_at=datetime.now(UTC))

    def numbers(self, extension: str = INFORMATION) -> tuple[str, ...]:
        """This extension of every town."""
        return tuple(number(town, extension) for town in range(len(TOWNS)))

    async def storm(
        self,
        calls: int,
        *,
        rate: float = 10.0,
        extension: str = INFORMATION,
        hang_up_after: float | None = None,
        town: int | None = None,
    ) -> list[Placed]:
        """Calls to all towns in turn, or to one, ``rate`` a second, followed to their ends."""
        placed = []
        loop = asyncio.get_running_loop()
        begin = loop.time()
        numbers = self.numbers(extension) if town is None else (number(town, extension),)
        for place in range(calls):
            await asyncio.sleep(max(0.0, begin + place / rate - loop.time()))
            placed.append(self.call(numbers[place % len(numbers)], hang_up_after=hang_up_after))
        await self.over(placed)
        return placed

    @asynccontextmanager
    async def storming(self, calls: int, *, rate: float = 10.0) -> AsyncIterator[asyncio.Task[list[Placed]]]:
        """The same while the block runs; the task is awaited at its end."""
        going = asyncio.create_task(self.storm(calls, rate=rate), name="storm")
        try:
            yield going
            await going
        finally:
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)

    async def over(self, placed: Sequence[Placed]) -> None:
        """Waits for their ends as SIP tells them."""
        await asyncio.gather(*(call.sip.ended(ENDS_SECONDS) for call in placed))

    def levels(self, placed: Sequence[Placed]) -> set[str]:
        """By which levels these calls were decided."""
        watch = self.watching()
        watch.look()
        events = (watch.routed[watch.received[call.dial.caller][-1]][-1] for call in placed)
        return {event["Level"] for event in events}

    def decisions(self, unique_id: str) -> list[Message]:
        """All that the dialplan followed, in order."""
        watch = self.watching()
        watch.look()
        return watch.routed[unique_id]

    async def never_seen(self, placed: Sequence[Placed]) -> list[Placed]:
        """Those of which the dialplan never told, once Asterisk has no channel left."""
        await self.system.no_channels_left()
        await self.system.ami.action("Ping")  # behind it stands all that was told before
        watch = self.watching()
        watch.look()
        return [call for call in placed if call.dial.caller not in watch.received]

    async def unique_id(self, call: Placed) -> str:
        """The caller's channel, as soon as the dialplan has told of it."""

        def told() -> bool:
            watch = self.watching()
            watch.look()
            return call.dial.caller in watch.received

        await until(told, f"the dialplan tells of a call to {call.dial.dialled}")
        return self.watching().received[call.dial.caller][-1]

    async def events(self, unique_id: str) -> list[StoredEvent]:
        """All that is recorded about a call, in order."""
        return [event for event in await self.store_events() if event.unique_id == unique_id]

    async def store_events(self) -> list[StoredEvent]:
        """All that was recorded since the row began, in order."""
        found: list[StoredEvent] = []
        seq = self._first_seq
        while page := await self.system.store.events_after(seq, limit=10_000):
            found += page
            seq = page[-1].seq
        return found

    async def until_told(self, call: Placed, kind: str) -> None:
        """Waits until this is recorded of the call."""
        unique_id = await self.unique_id(call)

        async def told() -> bool:
            return kind in await self.kinds(unique_id)

        await until_true(told, deadline_seconds=20, what=f"{kind} is recorded of {unique_id}")

    async def kinds(self, unique_id: str) -> list[str]:
        """The same by name."""
        return [event.kind for event in await self.events(unique_id)]

    async def judged(
        self,
        placed: Sequence[Placed],
        *,
        code: int | None = 200,
        seconds: float = ENDS_SECONDS,
        killed: bool = False,
    ) -> tuple[Seen, ...]:
        """What became of each, from SIP, the dialplan's events and the database; waits until all is recorded.

        ``outcomes`` are the ends that were recorded, ``ends`` what Asterisk itself told (or, where it was killed, the
        database: ``killed``). ``code``: the final answer that is wanted.
        """
        names = {await self.unique_id(call): call for call in placed}
        events: dict[str, list[StoredEvent]] = {}

        async def recorded() -> bool:
            events.clear()
            try:
                stored = await self.store_events()
            except StoreError:  # a database that was killed looks through its log before it lets anybody in
                return False
            for event in stored:
                if event.unique_id in names:
                    events.setdefault(event.unique_id, []).append(event)
            return all(any(event.kind == "ended" for event in events.get(name, ())) for name in names)

        await until_true(recorded, deadline_seconds=seconds, what="every call's end is recorded")
        seen = tuple(self._seen(name, call, events[name], code) for name, call in names.items())
        return tuple(replace(one, ends=one.outcomes) for one in seen) if killed else seen

    def _seen(self, unique_id: str, call: Placed, events: Sequence[StoredEvent], code: int | None) -> Seen:
        watch = self.watching()
        watch.look()
        routed = watch.routed.get(unique_id, [])
        last = routed[-1] if routed else None
        table = self.tables[int(last["Version"])] if last and last["Version"] else self.tables[max(self.tables)]
        _, wanted = decided(table, call.dial, source=call.source, at=call.asked_at)
        kinds = [event.kind for event in events]
        ended = kinds.count("ended")
        told = next((event.payload for event in events if event.kind == "routed"), None)
        got = {name: last[name] for name in wanted} if last else wanted
        if told is not None and last is not None:  # the record says the same
            got |= {name: told[kind] or "" for name, kind in _RECORDED.items()}
        gave_up = call.sip.code == 487 and call.sip.hung_up_by_us
        return Seen(
            dial=call.dial, unique_id=unique_id, level=last["Level"] if last else ("caller" if gave_up else ""),
            wanted=wanted, got=got, code=call.sip.code, code_wanted=call.sip.code if gave_up else code,
            waited_ms=None if call.sip.first_at is None else call.sip.waited_ms,
            outcomes=ended if kinds.count("received") == 1 else 0, ends=watch.ended.get(unique_id, 0),
        )  # fmt: skip

    async def rest(self) -> None:
        """A few calls that end well: nothing of an earlier row is left, and every part has opened what it needs."""
        self.system.ami.messages.clear()
        for call in self.trunk.calls.values():  # a row that failed may have left some
            self.trunk.hang_up(call)
        self.trunk.calls.clear()
        self.watch = Watch.from_now(self.system.ami)
        self._first_seq = await self.system.store.last_seq()
        for _ in range(REST_TRIES):  # what an earlier row broke was started again a moment ago, on a busy machine
            seen = await self.judged(await self.storm(4, rate=20, hang_up_after=0.2))
            if all(call.level == "service" for call in seen):
                break
        assert all(call.level == "service" for call in seen), seen
        await self.system.no_channels_left()

    async def recorded_of(self, placed: Sequence[Placed]) -> list[Placed]:
        """Those of which anything is recorded."""
        known = {event.unique_id for event in await self.store_events()}
        return [call for call in placed if await self.unique_id(call) in known]

    async def unrecorded(self, placed: Sequence[Placed]) -> list[Placed]:
        """Those of which nothing is."""
        recorded = await self.recorded_of(placed)
        return [call for call in placed if call not in recorded]

    async def told_once(self, placed: Sequence[Placed]) -> None:
        """Nothing of these calls is recorded twice: no ring on the same channel, no answer, no end."""
        for call in placed:
            told = await self.events(await self.unique_id(call))
            once = [(event.kind, event.payload.get("agent_channel")) for event in told if event.kind in _ONCE]
            assert len(once) == len(set(once)), [event.kind for event in told]

    async def no_ghosts(self, placed: Sequence[Placed]) -> None:
        """No call is open any more, and no pop is up, when the database has heard everything."""
        node = self.system.started_with.node

        async def none_open() -> bool:
            return not await self.system.store.open_calls(node)

        await until_true(none_open, deadline_seconds=30, what="no call is open")
        for call in await self.recorded_of(placed):
            row = await self.system.store.call(node, await self.unique_id(call))
            assert row is not None
            assert row.ringing == (), row

    async def waiting_channel(self, call: Placed) -> str:
        """The name of the channel of a caller who waits."""
        start, unique_id = len(self.system.ami.messages), await self.unique_id(call)
        await self.system.ami.action("QueueStatus")
        entry = await self.system.ami.event(start=start, Event="QueueEntry", Uniqueid=unique_id)
        return entry["Channel"]

    async def begin(self, verdict: Verdict, *services: str) -> None:
        """The row starts here; these services must not grow until its end."""
        self.watch = Watch.from_now(self.system.ami)
        self._first_seq = await self.system.store.last_seq()
        self.logged = {service: len(self.log_of(service)) for service in ("fastagi", "ami", "asterisk")}
        self.later.clear()
        verdict.begin(self.system, **{name: self.system.pid(name) for name in services})


@asynccontextmanager
async def system_scene(*, prepare: Callable[[Path], tuple[str, ...]] | None = None) -> AsyncIterator[SystemScene]:
    """Started once; the towns are published, agents have no wrap-up. ``prepare``: of `running_system`."""
    async with running_system(short_prompts=True, prepare=prepare) as system:
        url = (system.state / "secrets" / "database-owner.url").read_text(encoding="ascii").strip()
        owner = await Store.connect(url)
        try:
            loaded = await owner.load_rows()
            assert loaded is not None
            rows = with_towns(loaded[0])
            record_short_prompts(system.state / "sounds" / "recorded", compile_table(rows, version=0))
            async with carrier(system, sipp.CARRIER) as trunk:
                environments = {service: settings_of(system.pid(service)) for service in ("fastagi", "ami")}
                scene = SystemScene(
                    system=system, trunk=trunk, owner=owner, owner_url=url, rows=rows, environments=environments
                )
                version = await scene.publish(rows)
                await scene.in_use(version)
                system.secrets = await owner.device_secrets()
                await _no_wrap_up(system)
                yield scene
        finally:
            await owner.close()


async def _no_wrap_up(system: System) -> None:
    """So that the next call finds every agent free."""
    path = system.directories.etc / "queues.conf"
    path.write_text(path.read_text(encoding="utf-8").replace("wrapuptime=10", "wrapuptime=0"), encoding="utf-8")
    await system.ami.command("queue reload parameters")
