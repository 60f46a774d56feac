# SPDX-License-Identifier: EUPL-1.2
"""The main job, seen by the agent: a real call through the running product is on the page before it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.support import sipp
from tests.support.browser import page_of
from tests.support.system import ISENBUETTEL, OPEN, System, running_system

pytestmark = [pytest.mark.browser, pytest.mark.system]

TENANT = "Samtgemeinde Isenbüttel"
CALLER = "03023125042"


@pytest.fixture(scope="module")
async def system() -> AsyncIterator[System]:
    async with running_system(short_prompts=True) as running:
        yield running


async def test_the_pop_of_a_real_call_is_there_before_the_answer_and_then_the_talk(
    browser: Browser, system: System
) -> None:
    async with (
        page_of(browser) as page,
        sipp.telephone(system, "agent01", answers_after=6.0, hang_up_after=4.0),
    ):
        await page.goto(f"{system.api_url}/agent/agent01")
        await expect(page.locator("#connection-words")).to_have_text("Verbunden")
        calling = asyncio.create_task(
            sipp.call(system, dialled=ISENBUETTEL, caller=CALLER, at=OPEN, source=sipp.DEMONSTRATION, expect=200)
        )
        pop = page.get_by_role("article", name=TENANT)
        await expect(pop.get_by_text("Anruf für")).to_be_visible()
        for text in (TENANT, "Vermittlung", CALLER):
            await expect(pop.get_by_text(text, exact=True)).to_be_visible()
        await expect(pop.locator(".say-words")).to_contain_text(f"{TENANT}, Vermittlung, guten Tag.")
        assert [message for message in system.ami.messages if message["Event"] == "AgentConnect"] == []
        await expect(pop.get_by_text("Im Gespräch für")).to_be_visible()
        await expect(page.get_by_role("article")).to_have_count(1)
        await system.ami.event(Event="AgentConnect", MemberName="agent01")
        await calling
        await expect(page.get_by_role("article")).to_have_count(0)
        await expect(page.get_by_role("listitem").filter(has_text=TENANT)).to_contain_text("angenommen")
    await system.no_channels_left()


async def test_the_pop_of_a_caller_who_gives_up_goes_away(browser: Browser, system: System) -> None:
    async with (
        page_of(browser) as page,
        sipp.telephone(system, "agent02", answers_after=None),
    ):
        await page.goto(f"{system.api_url}/agent/agent02")
        await expect(page.locator("#connection-words")).to_have_text("Verbunden")
        calling = asyncio.create_task(
            sipp.call(
                system, dialled=ISENBUETTEL, caller=None, at=OPEN, source=sipp.DEMONSTRATION, expect=200,
                hang_up_after=6.0,
            )
        )  # fmt: skip
        await expect(page.get_by_role("article", name=TENANT).get_by_text("unterdrückt", exact=True)).to_be_visible()
        await calling
        await expect(page.get_by_role("article")).to_have_count(0)
        await expect(page.locator("#withdrawn")).to_contain_text("vom Anrufer beendet")
    await system.no_channels_left()
