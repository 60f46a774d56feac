# SPDX-License-Identifier: EUPL-1.2
"""The event stream on the wire: nothing twice, only one's own, hostile text, slow readers, an end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
from starlette.types import Message, Scope

from api.audience import Audience
from api.stream import EventStream, with_heartbeat
from api.subscriptions import FeedState, Item, LiveEvent, Subscription
from api.wire import encoded, event_wire

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SCOPE: Scope = {"type": "http", "method": "GET", "path": "/events"}


def _event(seq: int, kind: str, *, agent: str | None = None, call: str = "node1/1.1", text: str = "") -> LiveEvent:
    wire = event_wire(kind, {"kind": kind, "text": text}, seq=seq, card=None)
    return LiveEvent(seq=seq, kind=kind, call=call, agent=agent, audience=frozenset(), wire=wire)


async def _never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_reader_is_told_nothing_twice() -> None:
    subscription = Subscription(None)
    subscription.seen(7)
    for seq in (6, 7, 8, 8, 9):
        subscription.offer(_event(seq, "queued"))
    heard = await subscription.burst()
    assert [item.seq for item in heard if isinstance(item, LiveEvent)] == [8, 9]


async def test_a_reader_is_as_far_as_all_that_was_not_its_business() -> None:
    told = 5
    subscription = Subscription("me", told=lambda: told)
    assert subscription.position == 0  # it has not been told how things are
    subscription.seen(5)
    reading = asyncio.create_task(subscription.burst())
    await asyncio.sleep(0)
    told = 90
    assert subscription.position == 90
    subscription.offer(_event(91, "rung"))
    told = 91
    assert subscription.position == 5  # 91 waits for it
    await reading
    assert subscription.position == 91  # until this is sent nobody asks: the stream is between two bursts


@pytest.mark.parametrize(
    ("history", "told"),
    [
        pytest.param([("rung", "me"), ("ended", None)], [True, True], id="abandoned while it rang here"),
        pytest.param([("rung", "you"), ("ended", None)], [False, False], id="rang elsewhere"),
        pytest.param([("rung", "me"), ("ring_ended", "me")], [True, True], id="rang out"),
        pytest.param([("rung", "me"), ("answered", "you")], [True, True], id="answered elsewhere after ringing here"),
        pytest.param([("rung", "me"), ("ring_ended", "you")], [True, False], id="someone else's ring"),
        pytest.param([("received", None), ("queued", None)], [False, False], id="no agent yet"),
        pytest.param([("answered", "me"), ("ended", "me")], [True, True], id="answered before the reader came"),
        pytest.param([("ended", "me")], [True], id="talked here before the reader came"),
        pytest.param([("rung", "me"), ("ended", None), ("ended", None)], [True, True, False], id="over is over"),
    ],
)
def test_an_agent_is_told_what_concerns_calls_that_rang_there(
    history: list[tuple[str, str | None]], told: list[bool]
) -> None:
    audience = Audience()
    assert ["me" in audience.of(kind, "node1/1.1", agent) for kind, agent in history] == told


def test_a_line_end_in_a_text_begins_no_field_of_its_own() -> None:
    hostile = "x\nevent: rung\rdata: {}\r\n\n\u2028id: 9"
    wire = encoded(_event(5, "received", text=hostile), AT, 0).decode()
    lines = wire.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["event", "data", "id", ""]
    assert json.loads(lines[1].removeprefix("data: "))["text"] == hostile


async def test_silence_is_filled_with_heartbeats() -> None:
    release = asyncio.Event()

    async def items() -> AsyncIterator[Sequence[Item]]:
        await release.wait()
        yield [FeedState(True)]

    chunks = with_heartbeat(items(), seconds=0.01, clock=lambda: AT)
    assert b"retry:" in await anext(chunks)
    for _ in range(3):
        beat = (await anext(chunks)).decode()
        assert beat.startswith(": heartbeat\n")
        assert "event: beat" in beat
    release.set()
    rest = b"".join([chunk async for chunk in chunks])
    assert b"event: feed" in rest
    assert b'"live": true' in rest


async def test_a_reader_that_does_not_read_is_disconnected() -> None:
    subscription = Subscription(None, queue_length=3)
    stuck = asyncio.Event()
    ended: list[bool] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            stuck.set()
            await asyncio.Event().wait()  # as uvicorn does while the reader's window is full

    async def chunks() -> AsyncGenerator[bytes, None]:
        while True:
            yield b"".join(encoded(item, AT, 0) for item in await subscription.burst())

    response = EventStream(chunks(), over=subscription.over, on_end=lambda: ended.append(True))
    answering = asyncio.create_task(response(SCOPE, _never, send))
    subscription.offer(_event(1, "queued"))
    async with asyncio.timeout(5):
        await stuck.wait()
        for seq in range(2, 6):
            assert not answering.done()
            subscription.offer(_event(seq, "queued"))
        await answering
    assert ended == [True]


async def test_a_stream_ends_properly_when_the_service_ends() -> None:
    subscription = Subscription(None)
    sent: list[Message] = []
    begun = asyncio.Event()

    async def send(message: Message) -> None:
        sent.append(message)
        begun.set()

    async def chunks() -> AsyncGenerator[bytes, None]:
        while True:
            yield b"".join(encoded(item, AT, 0) for item in await subscription.burst())

    response = EventStream(chunks(), over=subscription.over, on_end=lambda: None)
    answering = asyncio.create_task(response(SCOPE, _never, send))
    async with asyncio.timeout(5):
        await begun.wait()
        subscription.over.set()
        await answering
    assert sent[-1]["type"] == "http.response.body"
    assert sent[-1]["more_body"] is False


async def test_a_reader_that_leaves_is_forgotten() -> None:
    ended: list[bool] = []
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def chunks() -> AsyncGenerator[bytes, None]:
        await asyncio.Event().wait()
        yield b""

    response = EventStream(chunks(), over=asyncio.Event(), on_end=lambda: ended.append(True))
    async with asyncio.timeout(5):
        await response(SCOPE, receive, send)
    assert ended == [True]
    assert [message["type"] for message in sent] == ["http.response.start"]


async def test_a_reader_that_is_gone_before_the_beginning_is_forgotten() -> None:
    ended: list[bool] = []

    async def send(_message: Message) -> None:
        raise ConnectionResetError

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield b""

    response = EventStream(chunks(), over=asyncio.Event(), on_end=lambda: ended.append(True))
    with pytest.raises(ConnectionResetError):
        await response(SCOPE, _never, send)
    assert ended == [True]
