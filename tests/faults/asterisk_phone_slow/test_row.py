# SPDX-License-Identifier: EUPL-1.2
"""Somebody who has to put down their coffee first."""

from __future__ import annotations

import pytest

from tests.support import sipp
from tests.support.faults.system_rows import SWITCHBOARD, number
from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi", "ami")
    system = product.system
    async with sipp.telephone(system, "agent31", answers_after=4, hang_up_after=0.2):
        placed = [product.call(number(0, SWITCHBOARD))]
        await product.over(placed)
    seen = await product.judged(placed)
    assert await product.kinds(seen[0].unique_id) == ["received", "routed", "queued", "rung", "answered", "ended"]
    verdict.add(seen)
    await verdict.check()
