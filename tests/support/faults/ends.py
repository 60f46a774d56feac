# SPDX-License-Identifier: EUPL-1.2
"""Ends that the dialplan may be asking instead of the service: some misbehave by themselves, some carry to a real one.

    async with end(closes) as address: await scene.asks_at(address)
    async with relay(address_of(service), truncates) as address: ...

They keep no deadline of their own, so that nothing but Asterisk, or the service behind them, ends a dialogue. Leaving
the block closes every connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Carry = Callable[[bytes, bytes, asyncio.StreamWriter], Awaitable[None]]
"""Given the environment and the service's answer: sends Asterisk what it likes."""
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, no time
_BACKLOG = 1_024


@asynccontextmanager
async def end(behaviour: Behaviour) -> AsyncIterator[tuple[str, int]]:
    """Listens on a free port; what ``behaviour`` returns from is closed."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await behaviour(reader, writer)
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=_BACKLOG)
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield host, port
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def relay(service: tuple[str, int], carry: Carry, *, holds: bool = False) -> AsyncIterator[tuple[str, int]]:
    """Carries each question to the service as it is, and its first line to ``carry``; then closes both.

    With ``holds`` it closes when the service does, as if the two were one.
    """

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\n\n")
        there = await asyncio.open_connection(*service)
        try:
            there[1].write(asked)
            if line := await there[0].readline():
                await carry(asked, line, writer)
                while holds and await there[0].read(65_536):
                    pass
        finally:
            there[1].close()

    async with end(between) as address:
        yield address


async def closes(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Accepts, and closes before anything was read."""


async def resets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts, and resets."""
    found: socket.socket = writer.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


async def reads_and_closes(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Hears the whole environment, and closes."""
    await reader.readuntil(b"\n\n")


async def is_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Hears everything, says nothing, and closes only when Asterisk does."""
    while await reader.read(65_536):
        pass


async def talks_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Whole lines that mean nothing, commands among them that nobody sent, and then silence."""
    await reader.readuntil(b"\n\n")
    writer.write(b"\xff\xfe\x80\n\n\n200 result=0\nHTTP/1.1 400 Bad Request\nEXEC\nEXEC MSet\nGET VARIABLE ROUTE_OK\n")
    await is_silent(reader, writer)


def unique_id(asked: bytes) -> str:
    """The channel that an environment is about."""
    (line,) = [line for line in asked.decode("utf-8", "replace").split("\n") if line.startswith("agi_uniqueid: ")]
    return line.removeprefix("agi_uniqueid: ")


@asynccontextmanager
async def full_queue() -> AsyncIterator[tuple[str, int]]:
    """A listening socket that nobody accepts from, with its queue full: the kernel drops every SYN."""
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address: tuple[str, int] = listening.getsockname()
        while True:
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            try:
                await asyncio.wait_for(loop.sock_connect(waiting, address), 0.5)
            except TimeoutError:  # this one is not answered, and no other will be
                break
        assert waiting.connect_ex(address) in {errno.EALREADY, errno.EINPROGRESS}
        yield address
