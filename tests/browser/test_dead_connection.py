# SPDX-License-Identifier: EUPL-1.2
"""A connection that is dead without having been closed (a pulled cable): the page must notice and say so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, expect

from routing.store import Store
from tests.support.api_server import serving
from tests.support.browser import page_of
from tests.support.cable import cable_to
from tests.support.stories import Story
from tests.support.tables import example_rows

pytestmark = pytest.mark.browser


async def test_a_dead_connection_is_noticed_and_made_anew(
    browser: Browser, owner_store: Store, web_store: Store, store: Store
) -> None:
    await owner_store.save_rows(example_rows(), author="test", comment="test", at=datetime.now(UTC), base_version=None)
    story = Story(unique_id="1.1")
    async with (
        serving(web_store, heartbeat_seconds=0.5) as api,
        cable_to(api.port) as cable,
        page_of(browser) as page,
    ):
        await page.goto(f"http://127.0.0.1:{cable.port}/agent/agent01")
        await expect(page.locator("#connection-words")).to_have_text("Verbunden")
        cable.pull()
        await expect(page.locator("#lost")).to_contain_text("Verbindung unterbrochen")
        await store.record([*story.queued(), story.rung()])
        cable.plug()
        await expect(page.locator("#connection-words")).to_have_text("Verbunden")
        await expect(page.get_by_role("article")).to_have_count(1)
