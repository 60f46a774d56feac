# SPDX-License-Identifier: EUPL-1.2
"""Every publishing reloads something: it must cost no call."""

from __future__ import annotations

import pytest

from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

RELOADS = ("dialplan reload", "queue reload all", "module reload res_pjsip.so", "module reload app_queue.so")
TIMES = 50


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi", "ami")
    async with product.storming(150, rate=10) as storm:
        for count in range(TIMES):
            await product.system.ami.command(RELOADS[count % len(RELOADS)])
        verdict.more["reloads_during_calls"] = 0 if storm.done() else TIMES
        placed = await storm
    verdict.add(await product.judged(placed))
    assert verdict.more["reloads_during_calls"] == TIMES
    await verdict.check()
