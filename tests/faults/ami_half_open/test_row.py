# SPDX-License-Identifier: EUPL-1.2
"""A firewall that forgot the connection."""

from __future__ import annotations

import pytest

from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict
from tests.support.living import until

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi")
    async with product.relayed() as between:
        before = await product.storm(4)
        between.swallowing = True
        meanwhile = await product.storm(10)
        connections, looks = between.connections, between.looks()
        await until(lambda: between.connections > connections, "the observer gives the connection up")
        between.swallowing = False
        await until(lambda: between.looks() > looks, "the observer looks at Asterisk afresh", 60.0)
        after = await product.storm(4)
        verdict.add(await product.judged([*before, *after]))
        # Calls that began and ended while nobody could see them are the journal's to tell (docs/operations.md); what
        # began before and ended unseen has ended as unknown.
        assert await product.system.store.open_calls(product.system.started_with.node) == ()
        verdict.more["calls_unseen_by_the_observer"] = len(await product.unrecorded(meanwhile))
        await product.no_ghosts([*before, *after])
    await verdict.check()
