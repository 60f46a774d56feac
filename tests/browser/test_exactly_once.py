# SPDX-License-Identifier: EUPL-1.2
"""A ring is one pop: told again, rung again, after a reload, after the database was restored; and the server knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from playwright.async_api import Browser, expect

from routing.store import PopFigures, RoleUrls, Store
from routing.store.address import Address
from tests.support.agent_page import came_up, connection, open_page, pop_of
from tests.support.api_server import ApiServer
from tests.support.browser import page_of
from tests.support.database import Server
from tests.support.feeds import Killer
from tests.support.stories import Story
from tests.support.wait import until

pytestmark = pytest.mark.browser

ONE, TWO = "+4953700001", "+4953700002"


def _story(unique_id: str, number: str) -> Story:
    return Story(unique_id=unique_id, caller_number=number, start=datetime.now(UTC) - timedelta(seconds=10))


async def _figures(store: Store) -> PopFigures:
    return await store.pop_figures(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1))


async def test_a_telephone_rung_again_before_its_first_rings_end_is_told(
    browser: Browser, api: ApiServer, store: Store, web_store: Store
) -> None:
    story = _story("1.1", ONE)
    async with page_of(browser) as page:
        await open_page(page, api.url)
        await store.record([*story.queued(), story.rung()])
        await expect(pop_of(page, ONE)).to_be_visible()
        await store.record([story.rung(second=5)])
        await store.record([story.ring_ended("no_answer")])  # of the first
        other = _story("1.2", TWO)
        await store.record([*other.queued(), other.rung()])
        await expect(pop_of(page, TWO)).to_be_visible()
        await expect(pop_of(page, ONE)).to_be_visible()
        await store.record([story.ring_ended("no_answer", second=5)])
        await expect(pop_of(page, ONE)).to_have_count(0)
        await store.record([story.rung(second=8)])
        await expect(pop_of(page, ONE)).to_be_visible()
        assert await came_up(page) == {ONE: 2, TWO: 1}

        async def all_noted() -> bool:
            found = await _figures(web_store)
            return (found.rung, found.undrawn) == (4, 0)

        await until(all_noted, what="each of the four rings is noted as drawn")


async def test_a_pop_on_a_page_opened_while_it_rings_is_noted_as_such(
    browser: Browser, api: ApiServer, store: Store, web_store: Store
) -> None:
    story = _story("1.1", ONE)
    await store.record([*story.queued(), story.rung()])
    async with page_of(browser) as page:
        await open_page(page, api.url)
        await expect(pop_of(page, ONE)).to_be_visible()

        async def noted() -> bool:
            return (await _figures(web_store)).caught_up == 1

        await until(noted, what="the pop is noted as drawn")
        await page.reload()
        await expect(pop_of(page, ONE)).to_be_visible()
    found = await _figures(web_store)
    assert (found.rung, found.live, found.caught_up, found.median_seconds) == (1, 0, 1, None)


async def test_a_database_restored_from_a_backup_loses_and_doubles_no_pop(
    browser: Browser, api: ApiServer, store: Store, database: RoleUrls, database_server: Server
) -> None:
    """The page knows number 4 when the numbers begin anew at 1."""
    before, after = _story("1.1", ONE), _story("2.1", TWO)
    killer = Killer(database_server, Address.parse(database.web).database)
    async with page_of(browser) as page:
        await open_page(page, api.url)
        await store.record([*before.queued(), before.rung()])
        await expect(pop_of(page, ONE)).to_be_visible()
        await _empty(database)
        await killer.kill()
        await expect(page.get_by_role("article")).to_have_count(0)
        await expect(connection(page)).to_have_text("Verbunden")
        await store.record([*after.queued(), after.rung()])
        await expect(pop_of(page, TWO)).to_be_visible()
        assert await came_up(page) == {ONE: 1, TWO: 1}


async def _empty(database: RoleUrls) -> None:
    owner = await asyncpg.connect(**Address.parse(database.owner).arguments(), timeout=10)
    try:
        await owner.execute(
            "DELETE FROM amtsleitung.pop_drawn; DELETE FROM amtsleitung.call_event; DELETE FROM amtsleitung.call; "
            "UPDATE amtsleitung.event_counter SET last_seq = 0"
        )
    finally:
        await owner.close(timeout=10)
