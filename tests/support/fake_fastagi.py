# SPDX-License-Identifier: EUPL-1.2
"""A FastAGI server that behaves as a test tells it: it answers, or fails in one of the ways services fail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto

DEADLINE_SECONDS = 3.0  # longer than the dialplan waits; a partial line holds Asterisk until the server closes
NAMES = ("KIND", "TENANT", "LINE", "QUEUE", "ANNOUNCEMENT", "TARGET", "TRUNK", "RING", "CAUSE", "DISPLAY", "DIALLED",
         "REDIRECTING", "VERSION", "REASONS", "PRIORITY", "WAIT", "EXPECTED", "NOTICES", "OVERFLOW", "CLOSING", "TOLD",
         "CLOSED")  # fmt: skip


class Fails(Enum):
    """What goes wrong instead of an answer."""

    CLOSES_AT_ONCE = auto()
    CLOSES_AFTER_ENVIRONMENT = auto()
    SAYS_NOTHING = auto()
    HALF_A_LINE = auto()
    HALF_A_LINE_THEN_CLOSES = auto()
    NO_MARKER = auto()
    MARKER_OF_ANOTHER_CALL = auto()
    FAILURE_LINE = auto()


@dataclass(slots=True)
class FakeFastAgi:
    """``behaviour``: a failure, or the values to set (without ``ROUTE_``). ``environments``: what each call sent.

    ``commands``: in how many commands the values are set, each sent when the one before was carried out.
    """

    behaviour: Fails | Mapping[str, str] = Fails.CLOSES_AT_ONCE
    commands: int = 1
    address: tuple[str, int] = ("127.0.0.1", 0)
    environments: list[Mapping[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator[FakeFastAgi]:
        """Listens on a free port of loopback until the end of the block."""
        fake = cls()
        server = await asyncio.start_server(fake._serve, "127.0.0.1", 0)
        fake.address = server.sockets[0].getsockname()[:2]
        try:
            yield fake
        finally:
            server.close()
            for task in fake._tasks:
                task.cancel()
            await asyncio.gather(*fake._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                async with asyncio.timeout(DEADLINE_SECONDS):
                    await self._dialogue(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _dialogue(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behaviour = self.behaviour
        if behaviour is Fails.CLOSES_AT_ONCE:
            return
        raw = await reader.readuntil(b"\n\n")
        self.raw.append(raw)
        pairs = [line.partition(": ") for line in raw.decode("utf-8", "backslashreplace").strip().split("\n")]
        environment = {key: value for key, _, value in pairs}
        self.environments.append(environment)
        line = _line(behaviour, environment["agi_uniqueid"])
        if line is None:
            return
        for command in _pieces(line, self.commands)[:-1]:
            writer.write(command)
            assert await reader.readline() == b"200 result=0\n"
        writer.write(_pieces(line, self.commands)[-1])
        await writer.drain()
        if behaviour is not Fails.HALF_A_LINE_THEN_CLOSES:
            await reader.readline()  # the reply, or the end when Asterisk gives up


def _line(behaviour: Fails | Mapping[str, str], unique_id: str) -> bytes | None:
    queue = {"KIND": "enter_queue", "QUEUE": "allgemein"}
    match behaviour:
        case Fails.CLOSES_AT_ONCE | Fails.CLOSES_AFTER_ENVIRONMENT:
            return None
        case Fails.SAYS_NOTHING:
            return b""
        case Fails.HALF_A_LINE:
            return msets(queue, unique_id)[:40]
        case Fails.HALF_A_LINE_THEN_CLOSES:
            return msets(queue, unique_id)[:-8]
        case Fails.NO_MARKER:
            return b'EXEC MSet "ROUTE_KIND=enter_queue,ROUTE_QUEUE=allgemein"\n'
        case Fails.MARKER_OF_ANOTHER_CALL:
            return msets(queue, "node1-1.1")
        case Fails.FAILURE_LINE:
            return b"failure\n"
        case _:
            return msets(behaviour, unique_id)


def _pieces(line: bytes, count: int) -> list[bytes]:
    """The command, or as many that set its variables one after the other."""
    if count == 1:
        return [line]
    pairs = line.decode().removeprefix('EXEC MSet "').removesuffix('"\n').split(",")
    size = -(-len(pairs) // count)
    return [f'EXEC MSet "{",".join(pairs[at : at + size])}"\n'.encode() for at in range(0, len(pairs), size)]


def msets(values: Mapping[str, str], unique_id: str) -> bytes:
    """The one command of the contract: all variables in order, the marker last."""
    pairs = [f"ROUTE_{name}={values.get(name, '')}" for name in NAMES]
    return f'EXEC MSet "{",".join([*pairs, f"ROUTE_OK=v1-{unique_id}"])}"\n'.encode()
