# SPDX-License-Identifier: EUPL-1.2
"""A doubled event is no second ring."""

from __future__ import annotations

import pytest

from tests.support.faults.system_edited import heard_through
from tests.support.faults.system_relay import Doubled
from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi")
    edit = Doubled()
    async with heard_through(product, edit) as placed:
        seen = await product.judged(placed)
        await product.no_ghosts(placed)
        await product.told_once(placed)
        verdict.more["events_doubled"] = edit.count
        verdict.add(seen)
    assert edit.count > 5, "events came twice"
    await verdict.check()
