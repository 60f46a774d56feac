# SPDX-License-Identifier: EUPL-1.2
"""A connection that is reset again and again in the middle of calls."""

from __future__ import annotations

import asyncio

import pytest

from tests.support import sipp
from tests.support.faults.system_rows import SWITCHBOARD
from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi")
    async with (
        product.relayed() as between,
        sipp.telephone(product.system, "agent31", answers_after=0.3, hang_up_after=0.2),
    ):
        async with product.storming(40, rate=5) as storm:
            answered = asyncio.create_task(product.storm(4, rate=0.5, extension=SWITCHBOARD))
            while not storm.done():
                await asyncio.wait({storm}, timeout=3.0)
                between.cut()
            placed = await storm + await answered
        await product.no_ghosts(placed)
        await product.told_once(placed)
        # A call that began and ended between two connections was seen by nobody: it is the journal's to tell.
        recorded = await product.recorded_of(placed)
        verdict.more |= {
            "connections": between.connections,
            "calls_unseen_by_the_observer": len(placed) - len(recorded),
        }
        verdict.add(await product.judged(recorded))
    assert between.connections > 2, "the connection was cut in the middle of calls"
    await verdict.check()
