# SPDX-License-Identifier: EUPL-1.2
"""A real Asterisk with the production dialplan and the real service, and beside it other ways to look a call up.

Each way has a trunk of its own on the one Asterisk, so that the caller's address chooses the way. The calls are to a
number that is nobody's, on trunks with another route: they go through all of trunk.conf, service.conf and route.conf,
are refused with 404, and no media takes part.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from routing.core.compile import compile_table
from routing.core.rows import Rows, TrunkRow
from routing.store import RoleUrls, Store
from tests.bench.calls_dialplan import another_way, answered, set_at_once
from tests.bench.calls_load import Load, Meter, children_seconds
from tests.bench.calls_peers import BARE, CURL, ODBC, Peer, bare_peer, curl_peer, odbc_peer
from tests.bench.calls_probing import UNANSWERED, Probe, probing
from tests.bench.calls_sipp import Step, offer
from tests.bench.rows import OPEN, rows_of
from tests.support.asterisk import Directories, PrivateAsterisk, free_port
from tests.support.database import Template, server, template
from tests.support.product import Started, started, state_folder, using
from tests.support.wait import until

UNKNOWN, CALLER = "03023125999", "03023125001"  # of ranges that are set apart for fiction
SERVICE, SET = "carrier", "set"
ADDRESSES = {SERVICE: "127.0.0.2", SET: "127.0.0.12", ODBC: "127.0.0.13", CURL: "127.0.0.14", BARE: "127.0.0.15"}
LOOK_UPS = {ODBC: odbc_peer, CURL: curl_peer, BARE: bare_peer}
# Every call takes two, and too few of them would end a step before processors do.
_MANY_PORTS = "[general]\nrtpstart=10000\nrtpend=59999\n"
EVERY_LINE = ("",)  # who offers more than can be taken provokes errors of many kinds
_READY_SECONDS, _QUIET_SECONDS, _WORKS_SECONDS = 300.0, 60.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """``pids`` are the processes that take part, by what a report calls them."""

    pbx: PrivateAsterisk
    pids: Mapping[str, Sequence[int]]
    probe: Probe

    async def offered(self, way: str, rate: int, seconds: float) -> tuple[Step, Load]:
        """SIPp's calls at this rate, and what everybody used meanwhile; afterwards all of them are over."""
        meter = Meter(self.pids, sip_port=self.pbx.sip_port)
        before = children_seconds()
        step = await offer(rate, seconds, source=ADDRESSES[way], target=self._target, dialled=UNKNOWN, caller=CALLER)
        load = meter.load(SIPp=children_seconds() - before)
        await self.quiet()
        return step, load

    async def timed(self, way: str, rate: int, seconds: float) -> tuple[tuple[float, ...], Load]:
        """The probe's calls at this rate, in microseconds each, and what everybody used."""
        meter = Meter(self.pids, sip_port=self.pbx.sip_port)
        found = await self.probe.series(
            source=ADDRESSES[way], target=self._target, dialled=UNKNOWN, caller=CALLER, rate=rate, seconds=seconds
        )
        load = meter.load()
        await self.quiet()
        return found, load

    async def quiet(self) -> None:
        """Waits until Asterisk has no call left."""

        async def silent() -> bool:
            return "0 active channels" in await self.pbx.ami.command("core show channels count")

        await until(silent, deadline_seconds=_QUIET_SECONDS, what="every call is over")

    @property
    def processors(self) -> int:
        """That all of them share."""
        return len(os.sched_getaffinity(0))

    @property
    def _target(self) -> str:
        return f"127.0.0.1:{self.pbx.sip_port}"


class Scenes:
    """Scenes that several sections share: starting one takes longer than much of what is measured in it."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._kept: dict[int, Scene] = {}

    async def of(self, numbers: int) -> Scene:
        """The one with so many numbers and all the ways; it stays up to the end of the bench."""
        if numbers not in self._kept:
            self._kept[numbers] = await self._stack.enter_async_context(scene(numbers, ways=tuple(LOOK_UPS)))
        return self._kept[numbers]

    async def close(self) -> None:
        await self._stack.aclose()
        self._kept.clear()


SCENES = Scenes()


@asynccontextmanager
async def scene(numbers: int, *, ways: Sequence[str] = ()) -> AsyncIterator[Scene]:
    """All of it, ready for calls; beside the service and `SET` with these other ways."""
    rows = rows_with_ways(numbers)
    table = compile_table(rows, version=1)
    values = answered(table, dialled=UNKNOWN, caller=CALLER, trunk=SERVICE, at=OPEN)
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(server())
        databases = await stack.enter_async_context(template(postgres))
        service, port = await stack.enter_async_context(_serving(databases, rows))
        peers: dict[str, Peer] = {}
        for way in ways:
            peers[way] = await stack.enter_async_context(LOOK_UPS[way](postgres, UNKNOWN, values))
        dialplan = [another_way(SET, set_at_once(values)), *(another_way(it, peers[it].steps) for it in ways)]

        def prepare(directories: Directories) -> None:
            for peer in peers.values():
                peer.prepare(directories)
            _lead(directories, (SET, *ways))
            (directories.generated / "rtp.conf").write_text(_MANY_PORTS)

        pbx = await stack.enter_async_context(
            PrivateAsterisk.start(
                table, fastagi=("127.0.0.1", port), extra_dialplan="\n".join(dialplan), with_sounds=False,
                with_astdb=False, tells_steps=False, prepare=prepare,
                provoked=EVERY_LINE, program=next((peer.program for peer in peers.values() if peer.program), None),
            )
        )  # fmt: skip
        probe = await stack.enter_async_context(probing())
        pids = {"Asterisk": using(pbx.directories.root), "service": [service.process.pid], "probe": [probe.pid]}
        pids |= {name: list(peer.pids) for name, peer in peers.items() if peer.pids}
        found = Scene(pbx=pbx, pids=pids, probe=probe)
        await _each_way_works(found, (SERVICE, SET, *ways))
        await pbx.ami.action("Events", EventMask="off")  # nobody listens: no event is written, in any of the ways
        yield found


async def _each_way_works(found: Scene, ways: Sequence[str]) -> None:
    """A call each that is decided at the level of the service: no fallback is measured by mistake."""
    for way in ways:

        async def works(way: str = way) -> bool:  # on a busy machine the first may be too late
            start = len(found.pbx.ami.messages)
            times, _ = await found.timed(way, 1, 1)
            levels = [event["Level"] for event in found.pbx.ami.user_events("CallRouted", start=start)]
            return times != (UNANSWERED,) and levels == ["service"]

        await until(works, deadline_seconds=_WORKS_SECONDS, what=f"a call is decided by way of {way}")


def rows_with_ways(numbers: int) -> Rows:
    """A centre of this size, with a trunk for each way."""
    rows = rows_of(numbers)
    ways = tuple(
        TrunkRow(name=name, address=address, number_format="national", has_other_route=True)
        for name, address in ADDRESSES.items()
    )
    return replace(rows, trunks=(*(row for row in rows.trunks if row.name != "carrier"), *ways))


@asynccontextmanager
async def _serving(databases: Template, rows: Rows) -> AsyncIterator[tuple[Started, int]]:
    """``amtsleitung serve fastagi`` over a database, as ``run`` starts it."""
    async with databases.database() as urls, state_folder() as state:
        await _saved(urls, rows)
        state.mkdir()
        ready, port = state / "ready", free_port(socket.SOCK_STREAM)
        bind = f"127.0.0.1:{port}"
        async with started(
            "serve", "fastagi", "--ready-file", str(ready), state=state, FASTAGI_BIND=bind, DATABASE_URL=urls.router
        ) as service:
            await until(
                lambda: ready.exists() or service.process.returncode is not None,
                deadline_seconds=_READY_SECONDS, what="the service is ready",
            )  # fmt: skip
            assert ready.exists(), service.said
            yield service, port


async def _saved(urls: RoleUrls, rows: Rows) -> None:
    store = await Store.connect(urls.owner)
    try:
        await store.save_rows(rows, author="bench", comment="", at=datetime.now(UTC), base_version=None)
    finally:
        await store.close()


def _lead(directories: Directories, ways: Sequence[str]) -> None:
    """Each of the trunks to its own way: an endpoint's context is all that differs from production's."""
    path = directories.generated / "trunks.conf"
    text = path.read_text(encoding="utf-8")
    for way in ways:
        before = f"[{way}](trunk-endpoint)\ncontext = from-trunk\n"
        assert text.count(before) == 1, way
        text = text.replace(before, f"[{way}](trunk-endpoint)\ncontext = from-trunk-{way}\n")
    path.write_text(text, encoding="utf-8")
