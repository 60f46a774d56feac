# SPDX-License-Identifier: EUPL-1.2
"""The production queue asks one agent after the other; here it is told to ring all."""

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
    async with product.queue_setting("strategy", "ringall"):
        async with (
            sipp.telephone(system, "agent31", answers_after=0.5, hang_up_after=0.3),
            sipp.telephone(system, "agent32", answers_after=0.5, hang_up_after=0.3),
        ):
            placed = []
            for town in (0, 1, 2, 3, 0):
                placed.append(product.call(number(town, SWITCHBOARD)))
                await product.over(placed)
        seen = await product.judged(placed)
    for call in seen:
        told = await product.events(call.unique_id)
        kinds = [event.kind for event in told]
        assert kinds.count("answered") == 1, kinds
        assert kinds.count("rung") == 2, kinds
        assert [event.payload["why"] for event in told if event.kind == "ring_ended"] == ["answered_elsewhere"]
    verdict.add(seen)
    await verdict.check()
