# SPDX-License-Identifier: EUPL-1.2
"""``python -m tests.bench.fastagi_servers NAME LOOP CORE``: one FastAGI server in a process of its own, on one core.

Its port is its first line; for each line on standard input it says, as one line of JSON, its processor's time, what it
had to wait for a processor that the machine gave to others, its memory (PSS) and its open descriptors.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from amtsleitung.logs import configure_logs
from amtsleitung.serve_fastagi import call_server
from amtsleitung.settings import read_settings
from routing.config.journal_writer import JournalWriter
from routing.core.table import Table
from tests.bench.fastagi_calls import answer, answered, environments, headers_of, scripts, table
from tests.bench.rows import OPEN

Start = Callable[[Table, Callable[[], datetime]], Awaitable[int]]
_kept: list[object] = []  # what must live as long as the process


async def ours(table: Table, clock: Callable[[], datetime]) -> int:
    """As in production: deciding, journal, log line, counters and deadlines."""
    configure_logs()
    journal = JournalWriter(Path(os.environ["BENCH_FOLDER"]) / "journal", say=_say)
    journal.start()
    server, _ = call_server(read_settings({}), lambda: table, journal, clock)
    _, port = await server.start()
    return port


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


async def bare(table: Table, clock: Callable[[], datetime]) -> int:
    """The least that a protocol can do: a fixed line for whatever comes first, and an end for whatever comes then."""
    line = answer(table, headers_of(environments()[0]), clock())

    class Fixed(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport: Any = transport
            self.answered = False

        def data_received(self, data: bytes) -> None:
            if self.answered:
                self.transport.close()
            else:
                self.answered = True
                self.transport.write(line)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Fixed, "127.0.0.1", 0, backlog=1_024)
    _kept.append(server)
    return int(server.sockets[0].getsockname()[1])


async def panoramisk(table: Table, clock: Callable[[], datetime]) -> int:
    from panoramisk.fast_agi import Application

    async def route(request: Any) -> None:
        await request.send_command(answer(table, request.headers, clock()).decode().rstrip("\n"))

    application = Application(loop=asyncio.get_running_loop())
    for script in scripts():  # it knows no patterns
        application.add_route(script, route)
    server = await asyncio.start_server(application.handler, "127.0.0.1", 0, backlog=1_024)
    _kept.append(server)
    return int(server.sockets[0].getsockname()[1])


async def aioagi(table: Table, clock: Callable[[], datetime]) -> int:
    from aioagi.app import AGIApplication
    from aioagi.commands import AGICommand
    from aioagi.runner import AGISite
    from aiohttp.web_runner import AppRunner

    async def route(request: Any) -> None:
        query = dict(request.rel_url.query)
        arguments = [request.headers[f"agi_arg_{place}"] for place in range(1, 5)]
        command = answered(table, query, request.headers, arguments, clock())
        await request.agi.run_command(AGICommand.EXEC, command.decode().removeprefix("EXEC ").rstrip("\n"))

    application = AGIApplication()
    application.router.add_route("PJSIP", "/route", route)
    runner = AppRunner(application, access_log=None)
    await runner.setup()
    port = _free_port()
    await AGISite(runner, "127.0.0.1", port, backlog=1_024).start()
    return port


async def asterkit(table: Table, clock: Callable[[], datetime]) -> int:
    """It sends a command and closes, without waiting for what becomes of it."""
    from asterkit.agi.server import Server

    async def route(params: Mapping[str, str]) -> bytes:
        return answer(table, params, clock()).rstrip(b"\n")

    port = _free_port()
    server = Server(host="127.0.0.1", port=port)
    server.handlers = dict.fromkeys(scripts(), route)
    _kept.append(asyncio.create_task(server.run()))
    await _listens(port)
    return port


async def pystrix(table: Table, clock: Callable[[], datetime]) -> int:
    """A thread for each connection."""
    from pystrix.agi import FastAGIServer
    from pystrix.agi.agi_core import _Action

    def route(agi: Any, arguments: Any, query: Mapping[str, list[str]], _match: object, _path: str) -> None:
        asked = {key: values[0] for key, values in query.items()}
        command = answered(table, asked, agi.get_environment(), arguments, clock())
        agi.execute(_Action(command.decode().rstrip("\n")))

    server = FastAGIServer(interface="127.0.0.1", port=0, daemon_threads=True)
    server.register_script_handler("^route$", route)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def _listens(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return


SERVERS: dict[str, Start] = {
    "ours": ours, "bare": bare, "panoramisk": panoramisk, "aioagi": aioagi, "asterkit": asterkit, "pystrix": pystrix,
}  # fmt: skip


def _state() -> dict[str, float]:
    waited = sum(int(path.read_text().split()[1]) for path in Path("/proc/self/task").glob("*/schedstat"))
    memory = [line for line in Path("/proc/self/smaps_rollup").read_text().splitlines() if line.startswith("Pss:")]
    return {
        "at": time.perf_counter(),
        "processor": time.process_time(),
        "waited": waited / 1e9,
        "kibibytes": int(memory[0].split()[1]),
        "descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
    }


async def _serve(start: Start) -> None:
    offset: timedelta = OPEN - datetime.now(UTC)
    decided_by = table()
    port = await start(decided_by, lambda: datetime.now(UTC) + offset)
    gc.collect()
    gc.freeze()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        sys.stdout.write(json.dumps(_state()) + "\n")
        sys.stdout.flush()


def _main(name: str, loop: str, core: int) -> None:
    os.sched_setaffinity(0, {core})
    logging.disable(logging.CRITICAL)
    new_loop = None
    if loop == "uvloop":
        import uvloop

        new_loop = uvloop.new_event_loop
    with tempfile.TemporaryDirectory(prefix="amtsleitung-bench-") as folder:
        os.environ["BENCH_FOLDER"] = folder
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(_serve(SERVERS[name]))
        os._exit(0)  # threads of others do not end by themselves


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
