# SPDX-License-Identifier: EUPL-1.2
"""One Chromium for all browser tests, and the API that it looks at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, expect

from routing.store import Store
from tests.support.api_server import ApiServer, serving
from tests.support.browser import running_chromium
from tests.support.tables import example_rows


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=15_000)  # milliseconds; the machine may be busy with other tests
    async with running_chromium() as opened:
        yield opened


@pytest.fixture
async def api(owner_store: Store, web_store: Store) -> AsyncIterator[ApiServer]:
    await owner_store.save_rows(example_rows(), author="test", comment="test", at=datetime.now(UTC), base_version=None)
    async with serving(web_store) as server:
        yield server
