# SPDX-License-Identifier: EUPL-1.2
"""Server-Sent Events on the wire: what a subscription says, a heartbeat in its silence, and a prompt end.

::

    id: 41
    event: rung
    data: {"seq": 41, "kind": "rung", "agent": "agent01", …, "call": {"tenant_name": …}}
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any, assert_never

from fastapi.sse import format_sse_event
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.subscriptions import FeedState, Item, LiveEvent, Snapshot

_RETRY_MILLISECONDS = 1000
_FAREWELL_SECONDS = 0.5


def encoded(item: Item, at: datetime) -> bytes:
    """One item in wire format. ``at``: the server's present, by which a page corrects its own clock."""
    match item:
        case LiveEvent():
            card = {} if item.card is None else {"call": item.card.model_dump(mode="json")}
            return _event(item.kind, item.payload | {"seq": item.seq} | card, seq=item.seq)
        case FeedState():
            return _event("feed", {"live": item.live, "at": at.isoformat()})
        case Snapshot():
            data = {
                "seq": item.seq,
                "ringing": [{"agent": who, "call": card.model_dump(mode="json")} for who, card in item.ringing],
                "talking": [{"agent": who, "call": card.model_dump(mode="json")} for who, card in item.talking],
                "recent": [card.model_dump(mode="json") for card in item.recent],
            }
            return _event("snapshot", data, seq=item.seq)
        case never:
            assert_never(never)


def _event(name: str, data: dict[str, Any], *, seq: int | None = None) -> bytes:
    # json.dumps escapes every line end within the data, so that no caller's text can begin a field of its own.
    text = json.dumps(data, ensure_ascii=True)
    return format_sse_event(event=name, data_str=text, id=None if seq is None else str(seq))


def _heartbeat(at: datetime) -> bytes:
    # A comment keeps proxies content, but a page cannot see one: the event lets it notice a connection that is dead
    # without having been closed.
    return format_sse_event(comment="heartbeat", event="beat", data_str=json.dumps({"at": at.isoformat()}))


async def with_heartbeat(
    items: AsyncIterator[Item], *, seconds: float, clock: Callable[[], datetime]
) -> AsyncGenerator[bytes, None]:
    """The items on the wire, and a heartbeat whenever none has come for ``seconds``."""
    yield format_sse_event(retry=_RETRY_MILLISECONDS)
    coming: asyncio.Task[Item | None] | None = None
    try:
        while True:
            coming = coming or asyncio.create_task(_next(items), name="next event")
            done, _ = await asyncio.wait({coming}, timeout=seconds)
            if not done:
                yield _heartbeat(clock())
                continue
            item, coming = coming.result(), None
            if item is None:
                return
            yield encoded(item, clock())
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})


async def _next(items: AsyncIterator[Item]) -> Item | None:
    return await anext(items, None)


class EventStream(Response):
    """A response that ends when its reader goes, when ``over`` is set or when its source ends.

    Starlette's own would wait for a send that a stuck reader never lets through.
    """

    media_type = "text/event-stream"

    def __init__(self, chunks: AsyncGenerator[bytes, None], *, over: asyncio.Event, on_end: Callable[[], None]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self.headers["x-accel-buffering"] = "no"  # a proxy in between must not collect events
        self._chunks = chunks
        self._over = over
        self._on_end = on_end

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        writing = asyncio.create_task(self._write(send), name="write events")
        leaving = asyncio.create_task(_reader_left(receive), name="wait for the reader's end")
        ending = asyncio.create_task(self._over.wait(), name="wait for the stream's end")
        tasks = {writing, leaving, ending}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            gone = leaving.done()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self._on_end()
        if not gone:
            await _farewell(send)
        if not writing.cancelled() and (error := writing.exception()) is not None:
            raise error

    async def _write(self, send: Send) -> None:
        async with aclosing(self._chunks):
            async for chunk in self._chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _reader_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _farewell(send: Send) -> None:
    try:
        async with asyncio.timeout(_FAREWELL_SECONDS):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        return  # a stuck reader; the server closes its connection
