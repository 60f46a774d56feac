# SPDX-License-Identifier: EUPL-1.2
"""Chromium, headless, driven by Playwright; nothing is downloaded by Playwright itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from amtsleitung.provision import chromium

_LAUNCH_MILLISECONDS = 60_000
_DEADLINE_MILLISECONDS = 15_000


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    """A browser; fails with one sentence where no Chromium is to be had."""
    program = await asyncio.to_thread(chromium)
    os.environ.update(program.environment)  # Playwright's driver is started with our environment
    # Chromium refuses to use its sandbox as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program.argv_prefix[0], args=arguments, timeout=_LAUNCH_MILLISECONDS
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def page_of(
    browser: Browser,
    *,
    locale: str = "de-DE",
    width: int = 1280,
    height: int = 900,
    reduced_motion: Literal["no-preference", "reduce"] = "no-preference",
) -> AsyncIterator[Page]:
    """A fresh page whose script errors and foreign requests fail the test."""
    context: BrowserContext = await browser.new_context(
        locale=locale,
        timezone_id="Europe/Berlin",
        viewport={"width": width, "height": height},
        reduced_motion=reduced_motion,
    )
    context.set_default_timeout(_DEADLINE_MILLISECONDS)
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
    page.on(
        "request",
        lambda request: None if "://127.0.0.1:" in request.url else faults.append(f"foreign request: {request.url}"),
    )
    page.on(
        "console",
        lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None,
    )
    try:
        yield page
        assert not faults, faults
    finally:
        await context.close()
