# SPDX-License-Identifier: EUPL-1.2
"""The agent lifts the receiver in the very moment in which the caller gives up."""

from __future__ import annotations

import pytest

from tests.support.faults.system_rows import SWITCHBOARD, number
from tests.support.faults.system_scene import SystemScene
from tests.support.faults.system_telephones import late_telephone
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi", "ami")
    system = product.system
    async with late_telephone(system, "agent31") as phone:
        placed = [product.call(number(0, SWITCHBOARD), hang_up_after=2.0)]
        await product.over(placed)
        await phone.done(seconds=10)
    seen = await product.judged(placed)
    kinds = await product.kinds(seen[0].unique_id)
    assert "answered" not in kinds, kinds
    assert kinds.count("rung") == kinds.count("ring_ended") == 1, kinds
    assert (await system.ended_call(seen[0].unique_id))["outcome"] == "abandoned"
    verdict.add(seen)
    await verdict.check()
