# SPDX-License-Identifier: EUPL-1.2
"""An event stream's body: what a subscription says, a heartbeat in its silence, and a prompt end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.subscriptions import Item
from api.wire import BEGINNING, encoded, heartbeat

ABORT = "amtsleitung.abort"
"""The ASGI extension under which the server gives a function that ends the connection at once."""

_FAREWELL_SECONDS = 0.5


async def with_heartbeat(
    items: AsyncIterator[Sequence[Item]],
    *,
    seconds: float,
    clock: Callable[[], datetime],
    position: Callable[[], int] = lambda: 0,
) -> AsyncGenerator[bytes, None]:
    """The items on the wire, and a heartbeat whenever none has come for ``seconds``."""
    yield BEGINNING
    coming: asyncio.Task[Sequence[Item] | None] | None = None
    try:
        while True:
            coming = coming or asyncio.create_task(_next(items), name="next events")
            done, _ = await asyncio.wait({coming}, timeout=seconds)
            if not done:
                yield heartbeat(clock(), position())
                continue
            burst, coming = coming.result(), None
            if burst is None:
                return
            # Only the last one may say how far the reader is: the connection can break between any two.
            yield b"".join(
                encoded(item, clock(), position() if place == len(burst) else 0)
                for place, item in enumerate(burst, start=1)
            )
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})


async def _next(items: AsyncIterator[Sequence[Item]]) -> Sequence[Item] | None:
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        except BaseException:
            self._on_end()
            raise
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
        if not gone and not await _said_farewell(send):
            await _abort(scope)
        if not writing.cancelled() and (error := writing.exception()) is not None:
            raise error

    async def _write(self, send: Send) -> None:
        async with aclosing(self._chunks):
            async for chunk in self._chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _reader_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _said_farewell(send: Send) -> bool:
    try:
        async with asyncio.timeout(_FAREWELL_SECONDS):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        return False
    return True


async def _abort(scope: Scope) -> None:
    # Closing would wait until a reader that does not read has read what is on its way; until then its socket stays.
    abort = scope.get("extensions", {}).get(ABORT)
    if abort is not None:
        abort()
        await asyncio.sleep(0)  # the server hears of it
