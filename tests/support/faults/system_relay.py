# SPDX-License-Identifier: EUPL-1.2
"""What stands between the observer and Asterisk's manager, and can be as unkind as any network.

async with relay(system.ami_port) as between:
    async with product.by_hand("ami", AMI_URL=between.url(secret)): …
        between.cut()             the connection is reset
        between.swallowing = True half open: nothing passes, and nobody is told
        between.edit = Doubled()  events pass through a function of whole messages; replies never do
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from amtsleitung.asterisk_home import MANAGER_USER
from tests.support.product import Started

Edit = Callable[[bytes], Iterator[bytes]]
_PIECE = 65_536
_END = b"\r\n\r\n"


def unedited(message: bytes) -> Iterator[bytes]:
    """As it is."""
    yield message


class Doubled:
    """Each event comes twice. ``count``: how many did."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, message: bytes) -> Iterator[bytes]:
        self.count += 1
        yield message
        yield message


class Dropped:
    """Every ``every``-th event is lost. ``count``: how many were."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._seen = 0
        self.count = 0

    def __call__(self, message: bytes) -> Iterator[bytes]:
        self._seen += 1
        if self._seen % self._every == 0:
            self.count += 1
            return
        yield message


class Reordered:
    """Pairs of events change places; a last one that waits for its partner comes when `rest` is asked for."""

    def __init__(self) -> None:
        self._held: bytes | None = None
        self.count = 0

    def __call__(self, message: bytes) -> Iterator[bytes]:
        if self._held is None:
            self._held = message
            return
        held, self._held = self._held, None
        self.count += 1
        yield message
        yield held


@dataclass(slots=True)
class Relay:
    """``port`` is the observer's way to Asterisk at ``target``. ``connections`` counts how often it came.

    ``observer`` is its process.
    """

    target: int
    port: int = 0
    edit: Edit = unedited
    swallowing: bool = False
    connections: int = 0
    observer: Started | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def url(self, secret: str) -> str:
        """The observer's setting."""
        return f"ami://{MANAGER_USER}:{secret}@127.0.0.1:{self.port}"

    def looks(self) -> int:
        """How often the observer has looked at Asterisk as a whole."""
        assert self.observer is not None
        return self.observer.said.count("looked at Asterisk")

    def cut(self) -> None:
        """Both sides are reset."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the observer's."""
        self.connections += 1
        try:
            from_asterisk, to_asterisk = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, to_asterisk}
        ways = [self._carry(reader, to_asterisk), self._carry_messages(from_asterisk, writer)]
        tasks = {asyncio.create_task(way) for way in ways}
        self._tasks |= tasks
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for end in (writer, to_asterisk):
                end.transport.abort()
            self._writers -= {writer, to_asterisk}
            self._tasks -= tasks

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(_PIECE):
                if not self.swallowing:
                    writer.write(piece)
                    await writer.drain()

    async def _carry_messages(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            writer.write(await reader.readline())  # the banner
            while True:
                message = await reader.readuntil(_END)
                for out in self.edit(message) if _is_event(message) else (message,):
                    if not self.swallowing:
                        writer.write(out)
                await writer.drain()


def _is_event(message: bytes) -> bool:
    """One that nobody asked for: no reply, and no item of a list."""
    return message.startswith(b"Event: ") and b"\r\nActionID: " not in message


@asynccontextmanager
async def relay(target: int) -> AsyncIterator[Relay]:
    """Listening; every connection ends with it."""
    made = Relay(target)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, limit=1 << 20)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()
        while made._writers:  # noqa: ASYNC110 - its own connections end within an instant
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)
