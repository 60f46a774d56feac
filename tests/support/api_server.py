# SPDX-License-Identifier: EUPL-1.2
"""The real API behind a real socket, and a reader of its event stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from api import run_api
from routing.store import Store
from tests.support.wait import until

_DEADLINE_SECONDS = 15.0


class ApiServer:
    """One API process's worth, inside this one; can be ended and started again on the same port."""

    def __init__(self, store: Store, *, heartbeat_seconds: float = 10.0) -> None:
        self._store = store
        self._heartbeat_seconds = heartbeat_seconds
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Return when it is ready, feed and configuration included."""
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(
            run_api(
                store=self._store,
                host="127.0.0.1",
                port=self.port,
                stop=self._stop,
                ready=lambda _host, port: started.set_result(port),
                heartbeat_seconds=self._heartbeat_seconds,
            )
        )
        async with asyncio.timeout(_DEADLINE_SECONDS):
            await until(lambda: started.done() or self._task is None or self._task.done(), what="the API starts")
            if self._task.done():
                self._task.result()
            self.port = started.result()
            await until(self._is_ready, what="the API has its feed and its configuration")

    async def _is_ready(self) -> bool:
        async with httpx2.AsyncClient(base_url=self.url, trust_env=False) as client:
            answer = await client.get("/health/ready")
        return answer.json().get("table_version") is not None

    async def stop(self) -> None:
        """End it as its process would."""
        self._stop.set()
        if self._task is not None:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                await self._task


@asynccontextmanager
async def serving(store: Store, *, heartbeat_seconds: float = 10.0) -> AsyncIterator[ApiServer]:
    """A running API."""
    server = ApiServer(store, heartbeat_seconds=heartbeat_seconds)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@dataclass(slots=True)
class Told:
    """One event as the wire told it."""

    kind: str = "message"
    seq: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


class EventReader:
    """Reads a stream by the rules of the HTML standard, as far as the server uses them."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> Told | None:
        """The next event, None at the end of the stream."""
        told = Told()
        async with asyncio.timeout(_DEADLINE_SECONDS):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                match name:
                    case "":
                        if line.startswith(":"):
                            told.comments.append(value)
                        elif told != Told():
                            return told
                    case "event":
                        told.kind = value
                    case "id":
                        told.seq = int(value)
                    case "data":
                        told.data = json.loads(value)
        return None

    async def until(self, kind: str) -> list[Told]:
        """All events up to and including the first of this kind; heartbeats left out."""
        heard: list[Told] = []
        while not heard or heard[-1].kind != kind:
            told = await self.next()
            assert told is not None, f"the stream ended before {kind}: {heard}"
            if told.kind != "beat":
                heard.append(told)
        return heard


@asynccontextmanager
async def reading(url: str, *, after: int | None = None) -> AsyncIterator[EventReader]:
    """A reader of the event stream under ``url``, at its first event."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    timeout = httpx2.Timeout(_DEADLINE_SECONDS)
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=timeout) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        assert response.status_code == 200, response.status_code
        yield EventReader(response)
