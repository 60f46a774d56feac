# SPDX-License-Identifier: EUPL-1.2
"""A subscriber of the API's event stream: what the agent's page does, for the command line.

A thread reads (the standard library's client blocks), the event loop receives; each event is stamped with the
moment of its arrival.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit

from amtsleitung.errors import Problem

CONNECT_SECONDS = 10.0
MAXIMUM_LINE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One event as it came: its kind, its data, and when this subscriber had it in hand."""

    kind: str
    data: dict[str, Any]
    arrived_at: datetime


@dataclass(slots=True)
class EventStream:
    """``async with EventStream(api_url, agent=None) as stream: … await stream.next(deadline_seconds=…)``."""

    api_url: str
    agent: str | None = None
    _queue: asyncio.Queue[Arrived | None] = field(default_factory=asyncio.Queue)
    _connection: http.client.HTTPConnection | None = None
    _closing: bool = False

    async def __aenter__(self) -> EventStream:
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        threading.Thread(target=self._read, args=(asyncio.get_running_loop(), opened), daemon=True).start()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await opened
        except (OSError, http.client.HTTPException) as error:
            raise Problem(f"No event stream at {self.api_url} ({error}): is the system running?") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        if self._connection is not None and self._connection.sock is not None:
            self._connection.sock.shutdown(2)  # wakes the reading thread, which then closes

    async def next(self, *, deadline_seconds: float) -> Arrived:
        """The next event. Raises ``TimeoutError``, or ``Problem`` when the stream has ended."""
        async with asyncio.timeout(deadline_seconds):
            event = await self._queue.get()
        if event is None:
            raise Problem(f"The event stream of {self.api_url} has ended: look at the log of api.")
        return event

    def _read(self, loop: asyncio.AbstractEventLoop, opened: asyncio.Future[None]) -> None:
        def tell(event: Arrived | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._queue.put_nowait, event)

        def settle(error: Exception | None) -> None:
            if not opened.done():
                opened.set_exception(error) if error else opened.set_result(None)

        try:
            url = urlsplit(self.api_url)
            self._connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=CONNECT_SECONDS)
            self._connection.request("GET", "/events" + (f"?agent={quote(self.agent)}" if self.agent else ""))
            response = self._connection.getresponse()
            if response.status != http.client.OK:
                raise http.client.HTTPException(f"HTTP {response.status}")
            if self._connection.sock is not None:
                self._connection.sock.settimeout(None)  # silence is normal; heartbeats come, the reader just waits
            for event in _events(response):
                if event.kind in {"snapshot", "feed"}:
                    loop.call_soon_threadsafe(settle, None)  # subscribed: nothing from here on is missed
                tell(event)
        except (OSError, ValueError, http.client.HTTPException) as error:
            if not self._closing and not loop.is_closed():
                loop.call_soon_threadsafe(settle, error)
        finally:
            if self._connection is not None:
                self._connection.close()
            tell(None)


def _events(response: http.client.HTTPResponse) -> Any:
    kind, data = "", ""
    while line := response.readline(MAXIMUM_LINE_BYTES):
        text = line.decode("utf-8").rstrip("\r\n")
        if text.startswith("event:"):
            kind = text[6:].strip()
        elif text.startswith("data:"):
            data = text[5:].strip()
        elif not text and data:
            yield Arrived(kind=kind, data=json.loads(data), arrived_at=datetime.now(UTC))
            kind, data = "", ""
