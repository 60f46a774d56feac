# SPDX-License-Identifier: EUPL-1.2
"""A migration or a careless VACUUM FULL: the tables that the observer writes are locked."""

from __future__ import annotations

import pytest

from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi", "ami")
    async with product.tables_locked():
        placed = await product.storm(40, rate=10)
    verdict.add(await product.judged(placed))
    await verdict.check()
