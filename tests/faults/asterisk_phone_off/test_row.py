# SPDX-License-Identifier: EUPL-1.2
"""Until its next OPTIONS goes unanswered Asterisk takes it for reachable."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.support import sipp
from tests.support.faults.system_rows import SWITCHBOARD, number
from tests.support.faults.system_scene import SystemScene
from tests.support.faults.system_telephones import vanished_telephone
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi", "ami")
    system = product.system
    async with (
        sipp.telephone(system, "agent32", hang_up_after=0.2),
        vanished_telephone(system, "agent31"),
    ):
        # Whoever was called longest ago is asked first: with two calls the dead one is asked at least once.
        first, second = product.call(number(0, SWITCHBOARD)), product.call(number(1, SWITCHBOARD))
        await product.over([first, second])
    seen = await product.judged([first, second])
    rows = [await system.ended_call(call.unique_id) for call in seen]
    assert [row["agent"] for row in rows] == ["agent32", "agent32"]
    kinds = [await product.kinds(call.unique_id) for call in seen]
    assert any("ring_ended" in told for told in kinds), kinds
    verdict.more["longest_until_an_agent_answered_seconds"] = max(
        (datetime.fromisoformat(row["answered_at"]) - datetime.fromisoformat(row["queued_at"])).total_seconds()
        for row in rows
    )
    verdict.add(seen)
    await verdict.check()
