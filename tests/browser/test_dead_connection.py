# SPDX-License-Identifier: EUPL-1.2
"""A connection that is dead without having been closed (a pulled cable): the page must notice and say so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, expect

from routing.store import Store
from tests.support.api_server import serving
from tests.support.browser import page_of
from tests.support.stories import Story
from tests.support.tables import example_rows

pytestmark = pytest.mark.browser

_CHUNK_BYTES = 65536


class Cable:
    """Forwards connections to ``port``; while it is pulled, bytes vanish and nobody is told."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._plugged = asyncio.Event()
        self._plugged.set()

    async def listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._connect, "127.0.0.1", 0)

    def pull(self) -> None:
        self._plugged.clear()

    def plug(self) -> None:
        self._plugged.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._port)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._carry(reader, inner_writer))
            group.create_task(self._carry(inner_reader, writer))

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


async def test_a_dead_connection_is_noticed_and_made_anew(
    browser: Browser, owner_store: Store, web_store: Store, store: Store
) -> None:
    await owner_store.save_rows(example_rows(), author="test", comment="test", at=datetime.now(UTC), base_version=None)
    story = Story(unique_id="1.1")
    async with serving(web_store, heartbeat_seconds=0.5) as api:
        cable = Cable(api.port)
        listener = await cable.listen()
        port = listener.sockets[0].getsockname()[1]
        async with page_of(browser) as page:
            await page.goto(f"http://127.0.0.1:{port}/agent/agent01")
            await expect(page.locator("#connection-words")).to_have_text("Verbunden")
            cable.pull()
            await expect(page.locator("#lost")).to_contain_text("Verbindung unterbrochen")
            await store.record([*story.queued(), story.rung()])
            cable.plug()
            await expect(page.locator("#connection-words")).to_have_text("Verbunden")
            await expect(page.get_by_role("article")).to_have_count(1)
        listener.close()
        await listener.wait_closed()
