# SPDX-License-Identifier: EUPL-1.2
"""The page twice; the call is taken by somebody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from routing.store import Store
from tests.support.agent_page import came_up, open_page, pop_of
from tests.support.api_server import serving
from tests.support.browser import page_of, running_chromium
from tests.support.faults.verdict import Verdict, write_line
from tests.support.stories import Story
from tests.support.tables import example_rows
from tests.support.wait import until

pytestmark = pytest.mark.browser

NUMBER = "+4953700001"


async def test_row(owner_store: Store, web_store: Store, store: Store, verdict: Verdict) -> None:
    await owner_store.save_rows(example_rows(), author="test", comment="test", at=datetime.now(UTC), base_version=None)
    async with (
        running_chromium() as browser,
        serving(web_store) as api,
        page_of(browser) as one,
        page_of(browser) as two,
    ):
        begin = datetime.now(UTC) - timedelta(seconds=4)
        story = Story(unique_id="1.1", caller_number=NUMBER, start=begin)
        for page in (one, two):
            await open_page(page, api.url)
        await store.record([*story.queued(), story.rung()])
        for page in (one, two):
            await expect(pop_of(page, NUMBER)).to_be_visible()

        async def is_noted() -> bool:
            found = await web_store.pop_figures(begin, begin + timedelta(hours=1))
            return (found.rung, found.live, found.undrawn) == (1, 1, 0)

        await until(is_noted, what="the pop is noted as drawn, once")
        await store.record([story.rung("agent02", 4), story.answered("agent02", 4)])
        await store.record([story.ring_ended("answered_elsewhere")])
        for page in (one, two):
            await expect(page.get_by_role("article")).to_have_count(0)
            await expect(page.locator("#withdrawn")).to_contain_text("an einem anderen Platz angenommen")
            assert await came_up(page) == {NUMBER: 1}
    write_line(verdict.figures, {"row": verdict.row.name, "passed": True, "calls": 1, "lost": 0})
