# SPDX-License-Identifier: EUPL-1.2
"""An agent is on the telephone without the centre's knowledge."""

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
    async with (
        sipp.telephone(system, "agent31", final="486 Busy Here"),
        sipp.telephone(system, "agent32", hang_up_after=0.2),
    ):
        placed = [product.call(number(town, SWITCHBOARD)) for town in (0, 1)]
        await product.over(placed)
    seen = await product.judged(placed)
    for call in seen:
        kinds = await product.kinds(call.unique_id)
        assert kinds.count("answered") == 1, kinds
        assert kinds.count("rung") == kinds.count("ring_ended") + 1, kinds
        assert (await system.ended_call(call.unique_id))["agent"] == "agent32"
    verdict.add(seen)
    await verdict.check()
