# SPDX-License-Identifier: EUPL-1.2
"""What is lost is never made up, and never leaves a ghost."""

from __future__ import annotations

import pytest

from tests.support.faults.system_edited import heard_through
from tests.support.faults.system_relay import Dropped
from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi")
    edit = Dropped(7)
    async with heard_through(product, edit) as placed:
        seen = await product.judged(await product.recorded_of(placed))
        await product.no_ghosts(placed)
        await product.told_once(placed)
        verdict.more |= {"events_lost": edit.count, "calls_never_told_of": len(placed) - len(seen)}
        verdict.add(seen)
    assert edit.count > 5, "events were lost"
    await verdict.check()
