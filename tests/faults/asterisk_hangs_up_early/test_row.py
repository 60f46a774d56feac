# SPDX-License-Identifier: EUPL-1.2
"""A caller who gives up at any moment of the question to the service, the answer, and what follows."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

MILLISECONDS, APART_SECONDS = range(51), 0.05


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi", "ami")
    placed = []
    numbers = product.numbers()
    for milliseconds in MILLISECONDS:
        number = numbers[milliseconds % len(numbers)]
        placed.append(product.call(number, cancel_after=milliseconds / 1000))
        await asyncio.sleep(APART_SECONDS)
    await product.over(placed)
    # The first ones have gone before the dialplan's first step: there is nothing to decide, nor to record.
    unseen = await product.never_seen(placed)
    assert {call.sip.code for call in unseen} <= {487}
    verdict.more["cancelled"] = sum(call.sip.code == 487 for call in placed)
    verdict.more["gone_before_the_dialplan_began"] = len(unseen)
    verdict.add(await product.judged([call for call in placed if call not in unseen], code=None))
    await verdict.check()
