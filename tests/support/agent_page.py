# SPDX-License-Identifier: EUPL-1.2
"""An agent's page in a real browser, and how often each of its pops has come up since it was opened."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

# A pop comes up when a ringing call is in the document that was not there before. Calls are told apart by the number.
_COUNTING = """
window.came = {};
let up = new Set();
new MutationObserver(() => {
  const callers = document.querySelectorAll("article.is-ringing .facts > div:first-child dd");
  const ringing = new Set([...callers].map((caller) => caller.textContent));
  for (const number of ringing) if (!up.has(number)) window.came[number] = (window.came[number] ?? 0) + 1;
  up = ringing;
}).observe(document, { childList: true, subtree: true });
"""


async def open_page(page: Page, url: str, agent: str = "agent01") -> None:
    """Return when it shows calls."""
    await page.add_init_script(_COUNTING)
    await page.goto(f"{url}/agent/{agent}")
    await expect(connection(page)).to_have_text("Verbunden")


def connection(page: Page) -> Locator:
    """What the page says of its connection."""
    return page.locator("#connection-words")


def pop_of(page: Page, number: str) -> Locator:
    """The call of this caller, ringing or talked."""
    return page.get_by_role("article").filter(has_text=number)


async def came_up(page: Page) -> dict[str, int]:
    """How often the pop of each caller's number came up."""
    found: dict[str, int] = await page.evaluate("window.came")
    return found
