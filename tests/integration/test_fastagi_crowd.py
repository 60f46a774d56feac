# SPDX-License-Identifier: EUPL-1.2
"""Many connections that are no calls: a call among them is decided, or is closed for the dialplan to decide."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from agi.fastagi import FastAgiServer
from tests.support.asterisk_agi import ACCEPTED, chosen, environment
from tests.support.tables import OPEN_AT, example_table
from tests.support.wait import until

TABLE = example_table()
SECONDS = 20.0
PLACES = 20


@asynccontextmanager
async def _served(
    *, deadline_seconds: float = SECONDS, first_byte_seconds: float = SECONDS
) -> AsyncIterator[tuple[FastAgiServer, int]]:
    server = FastAgiServer(
        host="127.0.0.1",
        port=0,
        table=lambda: TABLE,
        clock=lambda: OPEN_AT,
        deadline_seconds=deadline_seconds,
        first_byte_seconds=first_byte_seconds,
        maximum_connections=PLACES,
    )
    _, port = await server.start()
    try:
        yield server, port
    finally:
        await server.stop(drain_seconds=SECONDS)


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), SECONDS)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await asyncio.wait_for(writer.wait_closed(), SECONDS)


async def _call(port: int) -> dict[str, str]:
    async with _connected(port) as (reader, writer), asyncio.timeout(SECONDS):
        writer.write(environment())
        line = await reader.readline()
        writer.write(ACCEPTED)
        assert await reader.read() == b""
    return chosen(line)


async def test_the_oldest_silent_connection_makes_room_for_a_call() -> None:
    async with _served() as (server, port), AsyncExitStack() as crowd:
        silent = [await crowd.enter_async_context(_connected(port)) for _ in range(PLACES)]
        await until(lambda: server.counters().open_connections == PLACES, what="the house is full")
        assert (await _call(port))["ROUTE_KIND"] == "enter_queue"
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(silent[0][0].read(), SECONDS) == b""
        await until(lambda: server.counters().decisions == {"enter_queue": 1}, what="the call is counted")
        assert server.counters().failures == {"too_many_connections": 1}
        assert server.counters().open_connections == PLACES - 1


async def test_calls_go_on_while_a_crowd_a_hundred_times_its_room_pushes_in() -> None:
    async with _served() as (server, port), AsyncExitStack() as crowd:
        for _ in range(10):
            for _ in range(10 * PLACES):
                await crowd.enter_async_context(_connected(port))
            assert (await _call(port))["ROUTE_KIND"] == "enter_queue"
        await until(lambda: server.counters().decisions == {"enter_queue": 10}, what="all calls are decided")
        assert server.counters().open_connections <= PLACES


async def test_who_talks_is_not_thrown_out() -> None:
    async with _served() as (server, port), AsyncExitStack() as crowd:
        talking = [await crowd.enter_async_context(_connected(port)) for _ in range(PLACES)]
        for _, writer in talking:
            writer.write(environment())
        lines = [await asyncio.wait_for(reader.readline(), SECONDS) for reader, _ in talking]
        async with _connected(port) as (late, writer):
            writer.write(environment())
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(late.read(), SECONDS) == b""
        for _, writer in talking:
            writer.write(ACCEPTED)
        await until(lambda: server.counters().decisions == {"enter_queue": PLACES}, what="all are decided")
        assert server.counters().failures == {"too_many_connections": 1}
        assert all(chosen(line)["ROUTE_KIND"] == "enter_queue" for line in lines)


async def test_who_is_silent_has_less_time_than_who_talks() -> None:
    async with _served(first_byte_seconds=0.02) as (server, port), _connected(port) as (talker, writer):
        writer.write(environment())
        line = await asyncio.wait_for(talker.readline(), SECONDS)
        for _ in range(3):
            async with _connected(port) as (silent, _):
                with contextlib.suppress(ConnectionError):
                    assert await asyncio.wait_for(silent.read(), SECONDS) == b""
        await until(lambda: server.counters().failures == {"deadline": 3}, what="the silent are gone")
        writer.write(ACCEPTED)
        assert await asyncio.wait_for(talker.read(), SECONDS) == b""
        assert chosen(line)["ROUTE_KIND"] == "enter_queue"
        await until(lambda: server.counters().decisions == {"enter_queue": 1}, what="the talker is decided")


async def test_one_byte_is_not_enough_to_stay() -> None:
    async with (
        _served(first_byte_seconds=0.02, deadline_seconds=0.1) as (server, port),
        _connected(port) as (reader, writer),
    ):
        writer.write(b"a")
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), SECONDS) == b""
        await until(lambda: server.counters().failures == {"deadline": 1}, what="its deadline ends it")
        assert server.counters().open_connections == 0
