# SPDX-License-Identifier: EUPL-1.2
"""The README's picture of the agent's page: real calls through the running product, two past ones and one that rings.

``scripts/screenshot`` runs it; no test does.
"""

from __future__ import annotations

import asyncio

from playwright.async_api import expect

from tests.support import sipp
from tests.support.browser import page_of, running_chromium
from tests.support.product import CHECKOUT
from tests.support.system import MEINERSEN, OPEN, System, running_system

PICTURE = CHECKOUT / "docs" / "agent-page.png"
AGENT = "agent01"
WAITED = "0:07"
WRAP_UP_SECONDS = 30.0


async def main() -> None:
    """Writes the picture."""
    async with running_system(short_prompts=True) as system, running_chromium() as browser:
        for dialled, caller in (("05371%2082-0", "03023125017"), ("05372%2089-500", "03023125088")):
            await _ready(system)
            async with sipp.telephone(system, AGENT, answers_after=1.0, hang_up_after=4.0):
                await _call(system, dialled, caller)
        await _ready(system)
        async with (
            page_of(browser, width=1100, height=760, reduced_motion="reduce") as page,
            sipp.telephone(system, AGENT, answers_after=None),
        ):
            await page.goto(f"{system.api_url}/agent/{AGENT}")
            calling = asyncio.create_task(_call(system, MEINERSEN, "03023125123", hang_up_after=12.0))
            waiting = page.get_by_role("article").locator("[data-since]")
            await expect(waiting).to_have_text(WAITED, timeout=30_000)
            await page.screenshot(path=PICTURE)
            await calling
    print(PICTURE)


async def _call(system: System, dialled: str, caller: str, hang_up_after: float = 60.0) -> None:
    await sipp.call(
        system, dialled=dialled, caller=caller, at=OPEN, source=sipp.DEMONSTRATION, hang_up_after=hang_up_after
    )


async def _ready(system: System) -> None:
    """After a talk the queue leaves an agent alone for the wrap-up."""
    async with asyncio.timeout(WRAP_UP_SECONDS):
        while "wrapup" in await _line(system):  # noqa: ASYNC110 - the console only answers
            await asyncio.sleep(0.2)


async def _line(system: System) -> str:
    shown = await system.ami.command("queue show allgemein")
    return next(line for line in shown.splitlines() if line.split()[:1] == [AGENT])


if __name__ == "__main__":
    asyncio.run(main())
