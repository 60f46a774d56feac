# SPDX-License-Identifier: EUPL-1.2
"""A doubled event is no second ring."""

from __future__ import annotations

import asyncio

import pytest

from tests.support import sipp
from tests.support.faults.system_relay import Doubled, unedited
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
        edit = between.edit = Doubled()
        unanswered = product.storm(20, rate=8)
        answered = product.storm(4, rate=0.8, extension=SWITCHBOARD)
        placed = [call for part in await asyncio.gather(unanswered, answered) for call in part]
        between.edit = unedited
        between.cut()  # what was lost for good shows when everything is looked at
        seen = await product.judged(placed)
        await product.no_ghosts(placed)
        await product.told_once(placed)
        verdict.more["events_doubled"] = edit.count
        verdict.add(seen)
    assert edit.count > 5, "events came twice"
    await verdict.check()
