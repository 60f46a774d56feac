# SPDX-License-Identifier: EUPL-1.2
"""FastAGI: dialogues per second and the processor's time for each, beside every other server that runs here."""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version

from tests.bench.fastagi_calls import answer, compared, environments, headers_of, table
from tests.bench.figures import Effort, Figure, Section, spread
from tests.bench.rows import OPEN
from tests.support.asterisk_agi import ACCEPTED

IN_FLIGHT = 32
SERVER_CORE, CLIENT_CORE = 0, 1
_SECONDS = 60.0
_MOST_ADDED_MICROSECONDS = 20
_MEMORY_DIALOGUES = 100_000
_COMPARED = 100
_MOST_CUT = 0.01
_SLOW = 4  # the others get a fraction of the dialogues: they need as long for those
NAMES = {
    ("ours", "uvloop"): "ours",
    ("ours", "asyncio"): "ours on asyncio",
    ("bare", "uvloop"): "a bare protocol on uvloop",
    ("bare", "asyncio"): "a bare protocol on asyncio",
    ("panoramisk", "asyncio"): "panoramisk {}",
    ("panoramisk", "uvloop"): "panoramisk {} on uvloop",
    ("aioagi", "asyncio"): "aioagi-ik {}",
    ("asterkit", "asyncio"): "asterkit {}",
    ("pystrix", "asyncio"): "pystrix {}, threads",
}
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One server in one round: its microseconds for a dialogue, and its share of the time at work.

    ``rate``: dialogues for each second of its core's time, which is one of the clock's while the server is never idle.
    """

    rate: float
    microseconds: float
    busy: float


class _Server:
    """A server's process, and what it says about itself."""

    def __init__(self, process: asyncio.subprocess.Process, *, cuts: bool) -> None:
        self._process = process
        self.port = 0
        self.cuts = cuts

    async def ready(self) -> None:
        self.port = int(await _line(self._process))

    async def state(self) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return {str(key): float(value) for key, value in json.loads(await _line(self._process)).items()}

    async def talk(self, asked: bytes, dialogues: int) -> _Round:
        """So many dialogues, as fast as it goes."""
        words = (str(self.port), str(dialogues), str(IN_FLIGHT), str(CLIENT_CORE))
        before = await self.state()
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.fastagi_load", *words,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(client.communicate(asked), _SECONDS)
        assert client.returncode == 0, "what was wrong is on standard error"
        after = await self.state()
        seconds, cut = (json.loads(said)[key] for key in ("seconds", "cut"))
        # On a machine that does too much else a deadline may end a dialogue; it is no dialogue then.
        assert self.cuts or cut <= dialogues * _MOST_CUT, f"{cut} connections were cut instead of closed"
        processor, waited = (after[key] - before[key] for key in ("processor", "waited"))
        return _Round(
            rate=dialogues / processor,
            microseconds=processor / dialogues * 1e6,
            busy=(processor + waited) / seconds,
        )


async def fastagi(effort: Effort) -> Section:
    """The servers take turns within each round; one line that all but the bare ones had to write alike."""
    asked = [(one, b'"\n') for one in environments()]
    sent = (json.dumps([[one.decode(), end.decode()] for one, end in asked]) + "\n").encode()
    found: defaultdict[Key, list[_Round]] = defaultdict(list)
    async with AsyncExitStack() as house:
        servers = {key: await house.enter_async_context(_running(*key)) for key in NAMES}
        for (name, _), server in servers.items():
            await server.ready()
            if name != "bare":
                await asyncio.to_thread(_compare, server.port, [one for one, _ in asked[:_COMPARED]])
        for turn in range(effort.rounds + 1):
            for key, server in servers.items():
                dialogues = effort.calls * 2 if key[0] in {"ours", "bare"} else effort.calls * 2 // _SLOW
                result = await server.talk(sent, dialogues)
                if turn:  # the first warms up
                    found[key].append(result)
        memory = await _memory(servers["ours", "uvloop"], sent, min(_MEMORY_DIALOGUES, effort.calls * 50))
    return Section(
        title="FastAGI",
        text=f"Each server in a process of its own on one core, the clients on the other with {IN_FLIGHT} dialogues in "
        "flight; one table of 1,000 numbers, 2,000 different calls, the same environments and (compared before) the "
        "same variables set. Ours with all it does in production: deciding, journal, log line, counters, deadlines; "
        "the others decide and write the command with our functions and do nothing else. The processor's time is the "
        "server's own, system calls and threads included. A second is one of the core's that the server used: one of "
        "the clock's, as long as it is never idle; at work is who runs or waits for the core. asterkit closes without "
        "waiting for what becomes of its command. Not here: pyst2 0.5.1 (its server is for Python 2), obelus 0.1 "
        "(source alone, for a tornado of 2013).",
        figures=(*_rates(found), *_added(found), *memory),
    )


def _rates(found: dict[Key, list[_Round]]) -> Iterator[Figure]:
    ours = [one.rate for one in found["ours", "uvloop"]]
    for key, rounds in found.items():
        if key[0] == "ours":
            continue
        yield Figure(
            name=f"dialogues per second, beside {_named(key)}",
            value=statistics.median(ours),
            unit="1/s",
            spread=spread(ours),
            peer=_named(key),
            peer_value=statistics.median(one.rate for one in rounds),
            must=_must(key),
        )
    busy = [one.busy for one in found["ours", "uvloop"]]
    yield Figure(
        name="ours, share of the time at work",
        value=statistics.median(busy),
        unit="",
        spread=spread(busy),
        must="value >= 0.95",
    )


def _must(key: Key) -> str | None:
    if key[0] == "panoramisk":  # as it ships; on another loop it is shown beside that
        return "ratio >= 3" if key[1] == "asyncio" else None
    return None if key[0] == "bare" else "ratio >= 2"


def _added(found: dict[Key, list[_Round]]) -> Iterator[Figure]:
    for key, rounds in found.items():
        its = [one.microseconds for one in rounds]
        name = f"processor per dialogue, {_named(key)}"
        yield Figure(name=name, value=statistics.median(its), unit="µs", spread=spread(its))
    for loop in ("uvloop", "asyncio"):
        pairs = zip(found["ours", loop], found["bare", loop], strict=True)
        added = [ours.microseconds - bare.microseconds for ours, bare in pairs]
        yield Figure(
            name=f"processor per dialogue, added to a bare protocol on {loop}",
            value=statistics.median(added),
            unit="µs",
            spread=spread(added),
            must=f"value <= {_MOST_ADDED_MICROSECONDS}",
        )


async def _memory(server: _Server, sent: bytes, dialogues: int) -> list[Figure]:
    """It is warm by now."""
    before = await server.state()
    for _ in range(10):
        await server.talk(sent, dialogues // 10)
    after = await server.state()
    return [
        Figure(
            name=f"ours, memory after {dialogues:,} more dialogues",
            value=after["kibibytes"] / 1_024,
            unit="MiB",
            peer="before",
            peer_value=before["kibibytes"] / 1_024,
            must="ratio <= 1.05",
        ),
        Figure(
            name=f"ours, open descriptors more after {dialogues:,} more dialogues",
            value=after["descriptors"] - before["descriptors"],
            unit="",
            must="value <= 0",
        ),
    ]


def _named(key: Key) -> str:
    package = {"aioagi": "aioagi-ik"}.get(key[0], key[0])
    return NAMES[key].format(version(package) if "{}" in NAMES[key] else "")


def _compare(port: int, asked: list[bytes]) -> None:
    """Every server sets the same variables to the same values."""
    decided_by = table()
    for one in asked:
        with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as peer:
            peer.sendall(one)
            with peer.makefile("rb") as lines:
                command = lines.readline()
                with suppress(ConnectionError):
                    peer.sendall(ACCEPTED)
                    lines.read()
        wanted = answer(decided_by, headers_of(one), OPEN)
        assert compared(command) == compared(wanted), (command, wanted)


@asynccontextmanager
async def _running(name: str, loop: str) -> AsyncIterator[_Server]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.fastagi_servers", name, loop, str(SERVER_CORE),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield _Server(process, cuts=name == "asterkit")
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    return await asyncio.wait_for(process.stdout.readline(), _SECONDS)
