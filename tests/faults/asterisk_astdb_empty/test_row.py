# SPDX-License-Identifier: EUPL-1.2
"""Two levels are gone at once."""

from __future__ import annotations

import pytest

from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    version = max(product.tables)
    await product.included(version)
    await product.begin(verdict)
    async with product.without("fastagi"):
        await product.system.ami.command("database deltree amtsleitung")
        placed = await product.storm(40, rate=10)
        assert await product.published() is None
    verdict.add(await product.judged(placed))
    async with product.without("ami"):
        pass
    await product.published_again(version)
    await verdict.check()
