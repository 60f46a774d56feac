# SPDX-License-Identifier: EUPL-1.2
"""Rolling restarts of the call path under load: every dialogue gets its whole answer, and none hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from signal import Signals

from agi.fastagi import FastAgiServer
from amtsleitung.process import says_ready, service_argv
from amtsleitung.processes import free_port
from amtsleitung.service import RestartPolicy
from amtsleitung.supervisor import Service, Supervisor
from tests.support.asterisk_agi import ACCEPTED, UNIQUE_ID, environment
from tests.support.product import EXAMPLE
from tests.support.product import environment as settings
from tests.support.tables import OPEN_AT, example_table
from tests.support.wait import until

CLIENTS = 8
REPLACEMENTS = 5
PATIENCE_SECONDS = 10.0
ENOUGH = 100
TABLE = example_table()
ASKING = environment()
MARKER = f"ROUTE_OK=v1-{UNIQUE_ID}".encode()


async def dialogue(port: int) -> str:
    """``whole``, ``refused`` (nobody listens), ``closed`` (before the whole answer), or ``hung``."""
    await asyncio.sleep(0)  # a refusal is known at once: others must get their turn all the same
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await _dialogue(port)
    except TimeoutError:
        return "hung"


async def _dialogue(port: int) -> str:
    try:
        # Connected and asked in one go, as Asterisk does it: who is slow to speak is turned away.
        connection = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
    except OSError:
        return "refused"
    try:
        connection.sendall(ASKING)
    except OSError:
        connection.close()
        return "closed"
    reader, writer = await asyncio.open_connection(sock=connection)
    try:
        line = await reader.readline()
        if not (line.endswith(b"\n") and MARKER in line):
            return "closed"
        writer.write(ACCEPTED)
        return "whole" if await reader.read() == b"" else "closed"
    except OSError:
        return "closed"
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


class Load:
    """Clients that ask one call after the other, as fast as they are answered."""

    def __init__(self, port: int) -> None:
        self.seen: Counter[str] = Counter()
        self._port = port
        self._going_on = True

    async def _client(self) -> None:
        while self._going_on:
            self.seen[await dialogue(self._port)] += 1

    @classmethod
    @asynccontextmanager
    async def on(cls, port: int) -> AsyncIterator[Load]:
        load = cls(port)
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(load._client())
            try:
                yield load
            finally:
                load._going_on = False

    async def more(self) -> None:
        """Wait until some more calls were answered."""
        goal = self.seen["whole"] + ENOUGH
        await until(lambda: self.seen["whole"] >= goal, deadline_seconds=60, what="calls are answered")


def fastagi(folder: Path, port: int) -> Service:
    argv = service_argv("fastagi", "--config", str(EXAMPLE), "--ready-file", str(folder / "ready"))
    return Service(
        name="fastagi",
        argv=argv,
        env=settings(folder, FASTAGI_BIND=f"127.0.0.1:{port}"),
        ready=says_ready(folder / "ready"),
        ready_seconds=60,
        death_signal=Signals.SIGKILL,
        restart=RestartPolicy(first_seconds=0.05),
        successor_argv=(*argv, "--take-over"),
    )


async def test_five_replacements_under_load_lose_no_dialogue(tmp_path: Path) -> None:
    port = free_port()
    supervisor = Supervisor(log_directory=tmp_path / "log")
    try:
        pids = [await supervisor.start(fastagi(tmp_path, port))]
        async with Load.on(port) as load:
            for _ in range(REPLACEMENTS):
                await load.more()
                pids.append(await supervisor.replace("fastagi"))
            await load.more()
    finally:
        await supervisor.stop()
    assert len(set(pids)) == REPLACEMENTS + 1
    assert load.seen["whole"] >= ENOUGH * REPLACEMENTS
    assert load.seen == {"whole": load.seen["whole"]}, "nothing was refused, closed early or left hanging"


async def test_a_killed_one_costs_its_own_dialogues_and_none_hangs(tmp_path: Path) -> None:
    """Nothing can be handed over by kill -9: whoever is in between is told so at once, and the dialplan decides."""
    port = free_port()
    supervisor = Supervisor(log_directory=tmp_path / "log")
    try:
        pid = await supervisor.start(fastagi(tmp_path, port))
        async with Load.on(port) as load:
            await load.more()
            os.kill(pid, signal.SIGKILL)
            await until(lambda: load.seen["refused"], what="nobody listens")
            await until(lambda: supervisor.pids().get("fastagi", pid) != pid, deadline_seconds=60, what="it is back")
            await load.more()
    finally:
        await supervisor.stop()
    assert load.seen["hung"] == 0
    # A process that is killed closes its connections before its port: who comes again at once is cut off twice.
    assert load.seen["closed"] <= 2 * CLIENTS


async def test_a_second_one_is_refused_unless_it_takes_over() -> None:
    first = FastAgiServer(host="127.0.0.1", port=0, table=lambda: TABLE, clock=lambda: OPEN_AT)
    _, port = await first.start()
    second = FastAgiServer(host="127.0.0.1", port=port, table=lambda: TABLE, clock=lambda: OPEN_AT, take_over=True)
    try:
        assert await second.start() == ("127.0.0.1", port)
        await first.stop()
        assert [await dialogue(port) for _ in range(20)] == ["whole"] * 20
        assert sum(second.counters().decisions.values()) == 20, "all of them went to the one that listens"
    finally:
        await first.stop()
        await second.stop()


async def test_what_waited_to_be_accepted_is_answered() -> None:
    """The loop does not turn while these connect, so that none is accepted before the server is asked to stop."""
    server = FastAgiServer(host="127.0.0.1", port=0, table=lambda: TABLE, clock=lambda: OPEN_AT)
    _, port = await server.start()
    clients = [socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) for _ in range(50)]
    stopping = asyncio.create_task(server.stop(drain_seconds=PATIENCE_SECONDS))
    try:
        for client in clients:
            client.sendall(ASKING)
        await until(lambda: server.stopping, what="it listens no more")
        answers = [await asyncio.to_thread(client.recv, 4_096) for client in clients]
        assert all(MARKER in answer for answer in answers)
        for client in clients:
            client.sendall(ACCEPTED)
        await stopping
        assert sum(server.counters().decisions.values()) == 50
    finally:
        for client in clients:
            client.close()
