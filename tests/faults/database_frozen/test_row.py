# SPDX-License-Identifier: EUPL-1.2
"""PostgreSQL hangs: connections are open, and no answer comes."""

from __future__ import annotations

import pytest

from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi", "ami")
    with product.frozen("postgres"):
        placed = await product.storm(40, rate=10)
        placed += await product.storm(4, extension="0", hang_up_after=0.5)
    verdict.add(await product.judged(placed))
    await verdict.check()
