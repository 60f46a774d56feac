# SPDX-License-Identifier: EUPL-1.2
"""Maintenance: no call is cut off, and none is taken on."""

from __future__ import annotations

import asyncio

import pytest

from tests.support import sipp
from tests.support.faults.system_rows import INFORMATION, SWITCHBOARD, number
from tests.support.faults.system_scene import Placed, SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi", "ami")
    system = product.system
    old = {"asterisk": system.pid("asterisk")}
    async with sipp.telephone(system, "agent31", answers_after=0.1):
        talking = product.call(number(0, SWITCHBOARD))
        await product.until_told(talking, "answered")
        stopping = asyncio.create_task(system.ami.command("core stop gracefully"))
        taken: list[Placed] = []
        refused: list[Placed] = []
        while len(refused) < 5:
            call = product.call(number(1, INFORMATION))
            await call.sip.answered()
            (refused if call.sip.code == 503 else taken).append(call)
            assert len(taken) < 30, [each.sip.code for each in taken]
        assert not talking.sip.over.is_set()
        product.trunk.hang_up(talking.sip)
        await talking.sip.ended()
        await asyncio.gather(stopping, return_exceptions=True)
        await product.restarted(old)
    verdict.more["refused_with_503"] = len(refused)
    verdict.more["refused_ms_longest"] = max(call.sip.waited_ms for call in refused)
    await product.over(taken)
    verdict.add(await product.judged([talking, *taken], killed=True))
    (ended,) = [event for event in await product.events(await product.unique_id(talking)) if event.kind == "ended"]
    assert ended.payload["outcome"] == "answered", ended
    verdict.begin(system)
    verdict.add(await product.judged(await product.storm(8)))
    await verdict.check()
