# SPDX-License-Identifier: EUPL-1.2
"""What Asterisk knew is gone: the observer says so, once for each call."""

from __future__ import annotations

import asyncio

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
        sipp.telephone(system, "agent31", answers_after=0.1),
        sipp.telephone(system, "agent32", answers_after=0.1),
    ):
        talking = [product.call(number(town, SWITCHBOARD)) for town in (0, 1)]
        for call in talking:
            await product.until_told(call, "answered")
        # Both are busy now, so a third one is rung and the fourth caller waits behind.
        async with sipp.telephone(system, "agent33", answers_after=None):
            waiting = [product.call(number(2, SWITCHBOARD))]
            await product.until_told(waiting[0], "rung")
            waiting.append(product.call(number(3, SWITCHBOARD)))
            await product.until_told(waiting[1], "queued")
            old = {"asterisk": system.pid("asterisk")}
            began = asyncio.get_running_loop().time()
            await product.kill("asterisk")
            await product.restarted(old)
            verdict.more["asterisk_back_seconds"] = asyncio.get_running_loop().time() - began
            seen = await product.judged([*talking, *waiting], killed=True)
            for one in seen:
                (ended,) = [event for event in await product.events(one.unique_id) if event.kind == "ended"]
                assert ended.payload["outcome"] == "unknown", ended
                row = await system.ended_call(one.unique_id)
                assert row["ringing"] == []
    assert await system.store.open_calls(system.started_with.node) == ()
    verdict.add(seen)
    verdict.begin(system)
    verdict.add(await product.judged(await product.storm(8)))
    await verdict.check()
