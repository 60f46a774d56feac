# SPDX-License-Identifier: EUPL-1.2
"""Readers that take nothing off their connections, beside one that does."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from routing.store import Store
from tests.support.api_server import ApiServer, reading, serving
from tests.support.faults.verdict import Verdict, usage, write_line
from tests.support.stories import Story
from tests.support.tables import example_rows
from tests.support.wait import until

SLOW = 20
CALLS_AT_ONCE = 200
MORE_DESCRIPTORS = 5  # connections to the database
MORE_BYTES = 64 << 20
ESTABLISHED = 1  # of TCP's states, as the kernel counts them
WINDOW_BYTES = 4096  # of a slow reader's socket: the rest must wait in the api


async def test_row(owner_store: Store, web_store: Store, store: Store, verdict: Verdict) -> None:
    await owner_store.save_rows(example_rows(), author="test", comment="test", at=datetime.now(UTC), base_version=None)
    async with (
        serving(web_store) as api,
        reading(f"{api.url}/events", after=0) as good,
        AsyncExitStack() as stack,
    ):
        await good.until("feed")
        before = usage(os.getpid())
        slow = [await stack.enter_async_context(_slow(api)) for _ in range(SLOW)]
        for reader in slow:
            await asyncio.get_running_loop().sock_recv(reader, 1)  # its stream has begun
        heard: list[int] = []
        turn = 0
        # Until each of them has been cut off; how much the kernel takes for a connection before is its own affair.
        while not all(_is_cut_off(reader) for reader in slow):
            turn += 1
            assert turn < 50, "a reader that does not read is still connected"
            stories = [Story(unique_id=f"{turn}.{number}") for number in range(CALLS_AT_ONCE)]
            last = await store.record([event for story in stories for event in story.queued()])
            while not heard or heard[-1] != last:
                told = await good.next()
                assert told is not None
                heard += [told.seq] if told.seq is not None and told.kind not in ("feed", "beat") else []
        assert heard == list(range(1, last + 1))
        async with reading(f"{api.url}/events", after=7) as back:
            again = [told.seq for told in (await back.until("feed"))[:-1]]
        assert again == list(range(8, last + 1))
        await stack.aclose()
        await until(
            lambda: usage(os.getpid()).descriptors <= before.descriptors + MORE_DESCRIPTORS, what="all is closed"
        )
        after = usage(os.getpid())
    assert after.memory <= before.memory + MORE_BYTES
    held = {"descriptors": [before.descriptors, after.descriptors]}
    held["memory_mib"] = [before.memory >> 20, after.memory >> 20]
    write_line(
        verdict.figures,
        {"row": verdict.row.name, "passed": True, "calls": turn * CALLS_AT_ONCE, "lost": 0, "processes": {"api": held}},
    )


@asynccontextmanager
async def _slow(api: ApiServer) -> AsyncIterator[socket.socket]:
    """Asks for the stream; what comes stays in the socket."""
    loop = asyncio.get_running_loop()
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
        reader.setblocking(False)
        await loop.sock_connect(reader, ("127.0.0.1", api.port))
        await loop.sock_sendall(reader, f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\n\r\n".encode())
        yield reader


def _is_cut_off(reader: socket.socket) -> bool:
    """The other end is closed, or was reset: TCP knows without anybody reading."""
    state: int = reader.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != ESTABLISHED
