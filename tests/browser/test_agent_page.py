# SPDX-License-Identifier: EUPL-1.2
"""The agent's page in a real browser: the pop comes once, goes when it should, and survives what happens to pages."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from routing.store import Store
from tests.support.api_server import ApiServer
from tests.support.browser import page_of
from tests.support.stories import Story

pytestmark = pytest.mark.browser

MEINERSEN = "Samtgemeinde Meinersen"
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script>"


_DURATION = re.compile(r"^(\d+:)?\d+:\d\d$")


def _starts_with(text: str) -> re.Pattern[str]:
    return re.compile("^" + re.escape(text))


async def _open(page: Page, api: ApiServer, query: str = "") -> None:
    await page.goto(f"{api.url}/agent/agent01{query}")
    await expect(_connection(page)).to_have_text("Connected" if "en" in query else "Verbunden")


def _connection(page: Page) -> Locator:
    return page.locator("#connection-words")


def _pop(page: Page, tenant: str = MEINERSEN) -> Locator:
    return page.get_by_role("article", name=tenant)


async def test_a_pop_comes_once_and_says_what_is_needed(browser: Browser, api: ApiServer, store: Store) -> None:
    story = Story(unique_id="1.1")
    async with page_of(browser) as page:
        await _open(page, api)
        await expect(page.get_by_role("heading", name="Bereit für Anrufe")).to_be_visible()
        await expect(page.get_by_role("article")).to_have_count(0)
        await store.record([*story.queued(), story.rung()])
        pop = _pop(page)
        await expect(pop).to_be_visible()
        await expect(page.get_by_role("article")).to_have_count(1)
        await expect(pop.get_by_role("heading", level=2)).to_have_text(MEINERSEN)
        for text in ("Vermittlung", "Anruf für", "+493023125123", "+495372890"):
            await expect(pop.get_by_text(text, exact=True)).to_be_visible()
        await expect(pop.locator(".say-words")).to_contain_text(MEINERSEN)
        await expect(pop.locator("[data-since]")).to_have_text(_DURATION)
        await expect(page).to_have_title(_starts_with(f"☎ {MEINERSEN}"))
        heard = page.locator("[aria-live=assertive]")
        await expect(heard).to_have_count(1)
        await expect(heard).to_contain_text(f"Anruf für {MEINERSEN}, Vermittlung. Anrufer: +493023125123.")
        # The same ring told again (a doubled AMI event) is no second pop.
        await store.record([replace(story.rung(), agent_channel="PJSIP/agent01-again")])
        marker = Story(unique_id="1.2", tenant="stadt-wolfsburg")
        await store.record([*marker.queued(), marker.rung()])
        await expect(_pop(page, "Stadt Wolfsburg")).to_be_visible()
        await expect(_pop(page)).to_have_count(1)


async def test_a_withheld_number_is_said_to_be_withheld(browser: Browser, api: ApiServer, store: Store) -> None:
    story = Story(unique_id="1.1", caller_number=None)
    async with page_of(browser) as page:
        await _open(page, api)
        await store.record([*story.queued(), story.rung()])
        await expect(_pop(page).get_by_text("unterdrückt", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("answered_elsewhere", "an einem anderen Platz angenommen"),
        ("abandoned", "vom Anrufer beendet"),
        ("no_answer", "klingelt hier nicht mehr"),
        ("unknown", "ist hier beendet"),
    ],
)
async def test_a_pop_is_withdrawn_and_the_page_says_why(
    browser: Browser, api: ApiServer, store: Store, why: str, words: str
) -> None:
    story = Story(unique_id="1.1")
    async with page_of(browser) as page:
        await _open(page, api)
        await store.record([*story.queued(), story.rung()])
        await expect(_pop(page)).to_be_visible()
        await store.record([story.ring_ended(why)])
        await expect(page.get_by_role("article")).to_have_count(0)
        await expect(page.locator("#withdrawn[role=status]")).to_contain_text(words)
        await expect(page).to_have_title(_starts_with("Platz agent01"))


async def test_a_call_is_talked_and_then_listed(browser: Browser, api: ApiServer, store: Store) -> None:
    story = Story(unique_id="1.1")
    async with page_of(browser) as page:
        await _open(page, api)
        await expect(page.get_by_text("Noch keine Anrufe.")).to_be_visible()
        await store.record([*story.queued(), story.rung(), story.answered()])
        await expect(_pop(page).get_by_text("Im Gespräch für")).to_be_visible()
        await expect(_pop(page).locator(".say")).to_have_count(0)
        await store.record([story.ended()])
        await expect(page.get_by_role("article")).to_have_count(0)
        row = page.get_by_role("region", name="Zuletzt an diesem Platz").get_by_role("listitem")
        await expect(row).to_have_count(1)
        await expect(row).to_contain_text(f"{MEINERSEN}: Vermittlung")
        await expect(row).to_contain_text("angenommen, 1:05")
        await page.reload()
        await expect(row).to_contain_text("angenommen, 1:05")


async def test_another_agents_call_is_not_shown(browser: Browser, api: ApiServer, store: Store) -> None:
    other, mine = Story(unique_id="1.1"), Story(unique_id="1.2", tenant="stadt-wolfsburg")
    async with page_of(browser) as page:
        await _open(page, api)
        await store.record([*other.queued(), other.rung("agent02")])
        await store.record([*mine.queued(), mine.rung()])
        await expect(_pop(page, "Stadt Wolfsburg")).to_be_visible()
        await expect(page.get_by_role("article")).to_have_count(1)


async def test_reloading_brings_the_pop_back(browser: Browser, api: ApiServer, store: Store) -> None:
    story = Story(unique_id="1.1")
    async with page_of(browser) as page:
        await _open(page, api)
        await store.record([*story.queued(), story.rung()])
        await expect(_pop(page)).to_be_visible()
        await page.reload()
        await expect(_pop(page)).to_be_visible()
        await expect(page.get_by_role("article")).to_have_count(1)
        await store.record([story.answered()])
        await expect(_pop(page).get_by_text("Im Gespräch für")).to_be_visible()
        await page.reload()
        await expect(_pop(page).get_by_text("Im Gespräch für")).to_be_visible()


async def test_a_lost_server_is_seen_and_what_was_missed_is_caught_up(
    browser: Browser, api: ApiServer, store: Store
) -> None:
    gone, came = Story(unique_id="1.1"), Story(unique_id="1.2", tenant="stadt-wolfsburg")
    async with page_of(browser) as page:
        await _open(page, api)
        await store.record([*gone.queued(), gone.rung()])
        await expect(_pop(page)).to_be_visible()
        await api.stop()
        alert = page.locator("#lost[role=alert]")
        await expect(alert).to_contain_text("Verbindung unterbrochen")
        await expect(_connection(page)).to_have_text("Keine Verbindung")
        await expect(page).to_have_title(_starts_with("Keine Verbindung"))
        await store.record([gone.ring_ended("abandoned"), gone.ended("abandoned"), *came.queued(), came.rung()])
        await api.start()
        await expect(_connection(page)).to_have_text("Verbunden")
        await expect(alert).to_be_empty()
        await expect(_pop(page, "Stadt Wolfsburg")).to_be_visible()
        await expect(page.get_by_role("article")).to_have_count(1)


async def test_a_callers_text_is_only_text(browser: Browser, api: ApiServer, store: Store) -> None:
    story = Story(unique_id="1.<img src=x>", caller_number=HOSTILE)
    async with page_of(browser) as page:  # fails for any dialog, script error or foreign request
        await _open(page, api)
        await store.record([*story.queued(), story.rung()])
        pop = _pop(page)
        await expect(pop.get_by_text(HOSTILE, exact=True)).to_be_visible()
        await expect(page.locator("main img, main script")).to_have_count(0)
        await expect(page).to_have_title(_starts_with(f"☎ {MEINERSEN}"))


async def test_english(browser: Browser, api: ApiServer, store: Store) -> None:
    story = Story(unique_id="1.1", caller_number=None)
    async with page_of(browser) as page:
        await _open(page, api, "?lang=en")
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await store.record([*story.queued(), story.rung()])
        pop = _pop(page)
        await expect(pop.get_by_text("withheld", exact=True)).to_be_visible()
        await expect(pop.locator(".say-words")).to_have_attribute("lang", "de")  # what is said stays German
        await page.get_by_role("link", name="Deutsch").click()
        await expect(_pop(page).get_by_text("unterdrückt", exact=True)).to_be_visible()
    async with page_of(browser, locale="en-GB") as page:
        await page.goto(f"{api.url}/agent/agent01")
        await expect(_connection(page)).to_have_text("Connected")


async def test_the_page_fits_a_narrow_screen_and_keeps_still_when_asked(
    browser: Browser, api: ApiServer, store: Store
) -> None:
    story = Story(unique_id="1.1", service_line="einwohnermeldewesen", caller_number="0" * 80)
    async with page_of(browser, width=320, height=640, reduced_motion="reduce") as page:
        await _open(page, api)
        await store.record([*story.queued(), story.rung()])
        await expect(_pop(page)).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == 320
        assert await page.evaluate("document.getAnimations().length") == 0


async def test_everything_has_a_name_and_the_keyboard_reaches_it(browser: Browser, api: ApiServer) -> None:
    async with page_of(browser) as page:
        await _open(page, api)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Anrufe an Platz agent01")
        await expect(page.get_by_role("main")).to_have_count(1)
        await expect(page.get_by_role("banner")).to_have_count(1)
        reached = []
        for _ in range(3):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate("document.activeElement.textContent.trim()"))
        assert reached == ["Zum Anruf springen", "Amtsleitung", "English"]


async def test_the_overview_leads_to_a_page(browser: Browser, api: ApiServer) -> None:
    async with page_of(browser) as page:
        await page.goto(api.url)
        await expect(page.get_by_text("Anrufe werden live angezeigt.")).to_be_visible()
        await page.get_by_role("link", name="agent02").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Anrufe an Platz agent02")
        await expect(_connection(page)).to_have_text("Verbunden")


async def test_an_unknown_agent_gets_plain_words(browser: Browser, api: ApiServer) -> None:
    async with page_of(browser) as page:
        answer = await page.goto(f"{api.url}/agent/nobody")
        assert answer is not None
        assert answer.status == 404
        await expect(page.get_by_role("heading", level=1)).to_have_text("Diesen Platz gibt es nicht")
        await page.get_by_role("link", name="Zur Übersicht").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Übersicht")
