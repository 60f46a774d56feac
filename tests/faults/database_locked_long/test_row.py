# SPDX-License-Identifier: EUPL-1.2
"""The same for longer than any deadline of the observer's."""

from __future__ import annotations

import pytest

from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

SECONDS, RATE = 60, 2


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi", "ami")
    async with product.tables_locked():
        placed = await product.storm(SECONDS * RATE, rate=RATE)
    verdict.add(await product.judged(placed))
    assert "is dropped" not in product.log_since_begin("ami")
    await verdict.check()
