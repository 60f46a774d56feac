# SPDX-License-Identifier: EUPL-1.2
"""The service over real TCP: every chunking, and peers that behave badly. No test here waits by the clock."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from agi.fastagi import FastAgiError, FastAgiServer
from routing.core.table import Table
from tests.support.asterisk_agi import ACCEPTED, UNIQUE_ID, caller_argument, chosen, environment, route_script
from tests.support.tables import FICTIONAL_CALLER, OPEN_AT, example_table
from tests.support.wait import until

TABLE = example_table()
PATIENCE_SECONDS = 20.0


@asynccontextmanager
async def _served(
    *,
    table: Callable[[], Table | None] = lambda: TABLE,
    clock: Callable[[], datetime] = lambda: OPEN_AT,
    deadline_seconds: float = PATIENCE_SECONDS,
    maximum_connections: int = 1_000,
) -> AsyncIterator[tuple[FastAgiServer, int]]:
    server = FastAgiServer(
        host="127.0.0.1",
        port=0,
        table=table,
        clock=clock,
        deadline_seconds=deadline_seconds,
        maximum_connections=maximum_connections,
    )
    _, port = await server.start()
    try:
        yield server, port
    finally:
        await server.stop(drain_seconds=PATIENCE_SECONDS)


class _Peer:
    """Asterisk's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        with contextlib.suppress(ConnectionError):  # the service may have closed already: the counters tell
            await asyncio.wait_for(self.writer.drain(), PATIENCE_SECONDS)

    async def line(self) -> bytes:
        return await asyncio.wait_for(self.reader.readline(), PATIENCE_SECONDS)

    async def until_closed(self) -> bytes:
        """What still comes until the service closes or resets."""
        with contextlib.suppress(ConnectionResetError):
            return await asyncio.wait_for(self.reader.read(), PATIENCE_SECONDS)
        return b""

    async def call(self) -> bytes:
        command = await self.line()
        await self.send(ACCEPTED)
        assert await self.until_closed() == b""
        return command


@asynccontextmanager
async def _peer(port: int) -> AsyncIterator[_Peer]:
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), PATIENCE_SECONDS)
    try:
        yield _Peer(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await asyncio.wait_for(writer.wait_closed(), PATIENCE_SECONDS)


async def _ended(server: FastAgiServer, dialogues: int) -> tuple[dict[str, int], dict[str, int]]:
    """Decisions and failures once that many dialogues have ended."""

    def enough() -> bool:
        counters = server.counters()
        return sum(counters.decisions.values()) + sum(counters.failures.values()) >= dialogues

    await until(enough, what=f"{dialogues} dialogues ended")
    counters = server.counters()
    return dict(counters.decisions), dict(counters.failures)


async def _refuses(port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), PATIENCE_SECONDS)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


def _chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


async def test_one_call() -> None:
    async with _served() as (server, port), _peer(port) as peer:
        await peer.send(environment())
        values = chosen(await peer.call())
        assert values["ROUTE_TENANT"] == "samtgemeinde-meinersen"
        assert list(values)[-1] == "ROUTE_OK"
        assert await _ended(server, 1) == ({"enter_queue": 1}, {})
        assert server.counters().open_connections == 0


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 511, 5_000])
async def test_every_chunking(size: int) -> None:
    async with _served() as (server, port), _peer(port) as peer:
        peer.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for chunk in _chunks(environment(), size):
            await peer.send(chunk)
            await asyncio.sleep(0)  # lets the service's side of this loop read what has come
        whole = await peer.line()
        for chunk in _chunks(b"HANGUP\n" + ACCEPTED, size):
            await peer.send(chunk)
        assert await peer.until_closed() == b""
        assert chosen(whole)["ROUTE_KIND"] == "enter_queue"
        assert await _ended(server, 1) == ({"enter_queue": 1}, {})


async def test_a_silent_peer_meets_the_deadline() -> None:
    async with _served(deadline_seconds=0.02) as (server, port), _peer(port) as silent, _peer(port) as partial:
        await partial.send(environment()[:-1])
        assert await silent.until_closed() == b""
        assert await partial.until_closed() == b""
        assert await _ended(server, 2) == ({}, {"deadline": 2})


async def test_a_peer_that_never_replies_meets_the_deadline() -> None:
    async with _served(deadline_seconds=1.0) as (server, port), _peer(port) as peer:
        await peer.send(environment())
        assert (await peer.line()).startswith(b"EXEC MSet ")
        assert await peer.until_closed() == b""
        assert await _ended(server, 1) == ({}, {"deadline": 1})


@pytest.mark.parametrize("sent", [b"", b"agi_network: yes\n", environment()[:-1]])
async def test_half_closed_peers_before_the_end_get_no_command(sent: bytes) -> None:
    async with _served() as (server, port), _peer(port) as peer:
        await peer.send(sent)
        peer.writer.write_eof()
        assert await peer.until_closed() == b""
        assert await _ended(server, 1) == ({}, {"peer_closed": 1})


async def test_a_half_closed_peer_behind_a_whole_environment_gets_a_whole_line_or_none() -> None:
    async with _served() as (server, port), _peer(port) as peer:
        await peer.send(environment())
        peer.writer.write_eof()
        line = await peer.until_closed()
        assert line == b"" or chosen(line)["ROUTE_OK"] == f"v1-{UNIQUE_ID}"
        assert await _ended(server, 1) == ({}, {"peer_closed": 1})


@pytest.mark.parametrize("sent", [b"", environment()[:100], environment()])
async def test_peers_that_reset_are_forgotten(sent: bytes) -> None:
    async with _served() as (server, port):
        raw = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        raw.sendall(sent)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()  # with no linger: a reset
        decisions, failures = await _ended(server, 1)
        assert (decisions, failures) == ({}, {"peer_closed": 1})
        assert server.counters().open_connections == 0
        async with _peer(port) as peer:
            await peer.send(environment())
            assert await peer.call()


@pytest.mark.parametrize(
    ("sent", "cause"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "malformed"),
        (b"\0" * 10, "malformed"),
        (b"a" * 5_000, "too_long"),
        (environment("status?a=1"), "unknown_path"),
        (environment("route"), "bad_request"),
        (environment(route_script() + "&dialled=115"), "bad_request"),
        (environment(f"{route_script()}&{caller_argument()}"), "bad_request"),
        (environment(arg_1="caller=nobody"), "bad_request"),
        (environment(arg_2="diversion=nobody"), "bad_request"),
        (environment(arg_4="caller=1"), "bad_request"),
        (environment().replace(b"agi_arg_1: caller=\n", b""), "malformed"),
        (environment().replace(b"agi_arg_4: to=\n", b""), "malformed"),
    ],
)
async def test_nonsense_is_closed_at_once_without_a_command(sent: bytes, cause: str) -> None:
    async with _served() as (server, port), _peer(port) as peer:
        await peer.send(sent)
        assert await peer.until_closed() == b""
        assert await _ended(server, 1) == ({}, {cause: 1})


async def test_two_hundred_at_once() -> None:
    async def one(port: int, number: int) -> bytes:
        async with _peer(port) as peer:
            for chunk in _chunks(environment(uniqueid=f"1795314100.{number}"), 300):
                await peer.send(chunk)
            return await peer.call()

    async with _served() as (server, port):
        commands = await asyncio.gather(*(one(port, number) for number in range(200)))
        assert [chosen(line)["ROUTE_OK"] for line in commands] == [f"v1-1795314100.{n}" for n in range(200)]
        assert await _ended(server, 200) == ({"enter_queue": 200}, {})


async def test_a_full_house_turns_away_only_the_new_ones() -> None:
    async with _served(maximum_connections=1) as (server, port), _peer(port) as first:
        await first.send(environment())
        command = await first.line()
        async with _peer(port) as second:
            assert await second.until_closed() == b""
        await first.send(ACCEPTED)
        assert await first.until_closed() == b""
        assert command
        assert await _ended(server, 2) == ({"enter_queue": 1}, {"too_many_connections": 1})


async def test_the_table_of_the_moment_decides_and_none_closes_at_once() -> None:
    tables: list[Table | None] = [None]
    async with _served(table=lambda: tables[-1]) as (server, port):
        async with _peer(port) as peer:
            assert await peer.until_closed() == b""
        for version in (2, 3):
            tables.append(example_table(version=version))
            async with _peer(port) as peer:
                await peer.send(environment())
                assert chosen(await peer.call())["ROUTE_VERSION"] == str(version)
        assert await _ended(server, 3) == ({"enter_queue": 2}, {"no_table": 1})


async def test_a_broken_clock_costs_one_call_and_is_logged() -> None:
    def broken() -> datetime:
        try:
            raise KeyError(FICTIONAL_CALLER)
        except KeyError as error:
            raise RuntimeError(f"the clock fell off the wall at {FICTIONAL_CALLER}") from error

    clocks: list[Callable[[], datetime]] = [broken]
    async with _served(clock=lambda: clocks[-1]()) as (server, port):
        with capture_logs() as logs:
            async with _peer(port) as peer:
                await peer.send(environment())
                assert await peer.until_closed() == b""
            await _ended(server, 1)
        assert [(entry["log_level"], entry["cause"]) for entry in logs] == [("error", "handler_error")]
        assert (logs[0]["error"], "in broken" in logs[0]["stack"]) == ("RuntimeError", True)
        assert logs[0]["personal_error"] == f"the clock fell off the wall at {FICTIONAL_CALLER}"
        assert [key for key, value in logs[0].items() if FICTIONAL_CALLER in str(value)] == ["personal_error"]
        clocks.append(lambda: OPEN_AT)
        async with _peer(port) as peer:
            await peer.send(environment())
            assert await peer.call()


async def test_one_line_per_call_with_numbers_in_personal_fields_only() -> None:
    async with _served() as (server, port):
        with capture_logs() as logs:
            async with _peer(port) as peer:
                await peer.send(environment(arg_1=caller_argument(FICTIONAL_CALLER)))
                await peer.call()
            await _ended(server, 1)
    (entry,) = logs
    assert entry["unique_id"] == UNIQUE_ID
    assert (entry["kind"], entry["service_line"], entry["reasons"]) == ("enter_queue", "vermittlung", "number.open")
    assert entry["personal_caller"] == FICTIONAL_CALLER
    rest = [str(value) for key, value in entry.items() if not key.startswith("personal_")]
    assert not [value for value in rest if FICTIONAL_CALLER[1:] in value or "37289" in value]


async def test_stop_lets_a_running_dialogue_finish() -> None:
    async with _served() as (server, port), _peer(port) as peer:
        await peer.send(environment())
        command = await peer.line()
        stopping = asyncio.create_task(server.stop(drain_seconds=PATIENCE_SECONDS))
        await until(lambda: _refuses(port), what="nobody listens any more")
        assert not stopping.done()
        await peer.send(ACCEPTED)
        assert await peer.until_closed() == b""
        await asyncio.wait_for(stopping, PATIENCE_SECONDS)
        assert command
        assert server.counters().decisions == {"enter_queue": 1}


async def test_stop_aborts_what_does_not_finish() -> None:
    async with _served() as (server, port), _peer(port) as peer:
        await peer.send(environment())
        await peer.line()
        await server.stop(drain_seconds=0.02)
        assert await peer.until_closed() == b""
        assert server.counters().failures == {"stopping": 1}
        assert server.counters().open_connections == 0


async def test_a_taken_port_is_one_clear_sentence() -> None:
    async with _served() as (_, port):
        second = FastAgiServer(host="127.0.0.1", port=port, table=lambda: TABLE, clock=lambda: OPEN_AT)
        with pytest.raises(FastAgiError, match=rf"cannot listen on 127\.0\.0\.1:{port} .*AMTSLEITUNG_FASTAGI_BIND"):
            await second.start()
        await second.stop()
