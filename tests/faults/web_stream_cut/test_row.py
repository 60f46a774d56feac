# SPDX-License-Identifier: EUPL-1.2
"""Two calls ring; the page is cut off; one is answered here and one elsewhere; the page is back. In four ways."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from routing.store import RoleUrls, Store
from routing.store.address import Address
from tests.support.agent_page import came_up, connection, open_page, pop_of
from tests.support.api_server import serving
from tests.support.browser import page_of, running_chromium
from tests.support.cable import cable_to
from tests.support.database import Server
from tests.support.faults.verdict import Verdict, write_line
from tests.support.feeds import Killer
from tests.support.stories import Story
from tests.support.tables import example_rows

pytestmark = pytest.mark.browser

Change = Callable[[], Awaitable[object]]


async def test_row(
    owner_store: Store, web_store: Store, store: Store, database: RoleUrls, database_server: Server, verdict: Verdict
) -> None:
    await owner_store.save_rows(example_rows(), author="test", comment="test", at=datetime.now(UTC), base_version=None)
    killer = Killer(database_server, Address.parse(database.web).database)
    async with (
        running_chromium() as browser,
        serving(web_store, heartbeat_seconds=0.5) as api,
        cable_to(api.port) as cable,
        page_of(browser) as page,
    ):
        await open_page(page, f"http://127.0.0.1:{cable.port}")

        async def cut() -> None:
            cable.cut()

        async def pull() -> None:
            cable.pull()

        async def plug() -> None:
            cable.plug()

        breaks: list[tuple[Change, Change]] = [(cut, plug), (pull, plug), (api.stop, api.start), (killer.kill, plug)]
        numbers = []
        for turn, (break_it, mend) in enumerate(breaks):
            start = datetime.now(UTC) - timedelta(seconds=5)
            here, elsewhere, later = (
                Story(unique_id=f"{turn}.{place}", caller_number=f"+4953700{turn}{place}", start=start)
                for place in range(3)
            )
            numbers += [f"+4953700{turn}{place}" for place in range(3)]
            for story in (here, elsewhere):
                await store.record([*story.queued(), story.rung()])
            await expect(page.locator("article.is-ringing")).to_have_count(2)
            await break_it()
            if break_it != killer.kill:  # a database that is back within a moment is no matter for the page
                await expect(page.locator("#lost")).to_contain_text("Verbindung unterbrochen")
            await store.record(
                [
                    here.answered(),
                    *(elsewhere.answered("agent02", 4), elsewhere.ring_ended("answered_elsewhere")),
                    *(*later.queued(), later.rung()),
                ]
            )
            await mend()
            await expect(connection(page)).to_have_text("Verbunden")
            await expect(pop_of(page, numbers[-3]).get_by_text("Im Gespräch für")).to_be_visible()
            await expect(pop_of(page, numbers[-1]).get_by_text("Anruf für")).to_be_visible()
            await expect(page.get_by_role("article")).to_have_count(2)
            await store.record(
                [here.ended(), elsewhere.ended(), later.ring_ended("abandoned"), later.ended("abandoned")]
            )
            await expect(page.get_by_role("article")).to_have_count(0)
        assert await came_up(page) == dict.fromkeys(numbers, 1)
    write_line(verdict.figures, {"row": verdict.row.name, "passed": True, "calls": len(numbers), "lost": 0})
