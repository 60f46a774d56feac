# SPDX-License-Identifier: EUPL-1.2
"""A cable between a page and its server, that can be pulled (bytes vanish, nobody is told) or cut (both are told)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_CHUNK_BYTES = 65536


class Cable:
    """Forwards connections to ``port``."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._plugged = asyncio.Event()
        self._plugged.set()
        self._whole = True
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    def pull(self) -> None:
        self._plugged.clear()

    def plug(self) -> None:
        self._whole = True
        self._plugged.set()

    def cut(self) -> None:
        """Every connection is reset, and new ones are until it is plugged in again."""
        self._whole = False
        for writer in self._writers:
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, inner_writer}
        async with asyncio.TaskGroup() as group:
            group.create_task(self._carry(reader, inner_writer))
            group.create_task(self._carry(inner_reader, writer))
        self._writers -= {writer, inner_writer}

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(_CHUNK_BYTES):
                await self._plugged.wait()
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            return
        finally:
            sink.close()


@asynccontextmanager
async def cable_to(port: int) -> AsyncIterator[Cable]:
    """A cable that is plugged in; ``port`` of it is where to connect."""
    cable = Cable(port)
    listener = await asyncio.start_server(cable._connect, "127.0.0.1", 0)
    cable.port = listener.sockets[0].getsockname()[1]
    try:
        yield cable
    finally:
        cable.plug()
        cable.cut()
        listener.close()
