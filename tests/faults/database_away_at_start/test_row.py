# SPDX-License-Identifier: EUPL-1.2
"""A power cut after which the database does not come back, and the call path does."""

from __future__ import annotations

import pytest

from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "ami")
    await product.kept_on_disk()
    async with product.without("postgres", "fastagi"), product.by_hand("fastagi") as service:
        placed = await product.storm(20, rate=10)
        assert "last good table read" in service.said
    verdict.add(await product.judged(placed))
    await verdict.check()
