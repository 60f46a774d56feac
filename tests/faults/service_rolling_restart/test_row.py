# SPDX-License-Identifier: EUPL-1.2
"""The service is replaced by successors while calls come in, as ``amtsleitung restart fastagi`` does it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from signal import Signals

import pytest

from tests.support.faults.service_scene import ServiceScene, address_of, real_service
from tests.support.faults.verdict import Verdict
from tests.support.product import state_folder

pytestmark = pytest.mark.system

RATE = 20.0
RESTARTS = 3


async def test_row(scene: ServiceScene, verdict: Verdict) -> None:
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(state_folder())
        serving = await stack.enter_async_context(real_service(state))
        address = address_of(serving)
        await scene.asks_at(address)
        verdict.begin(scene.pbx)
        async with scene.storming(scene.mixed(300), rate=RATE, at_call=20) as going:
            for number in range(RESTARTS):
                place = state.with_name(f"successor-{number}")
                successor = real_service(place, "--take-over", port=address[1])
                old, serving = serving, await stack.enter_async_context(successor)
                old.process.send_signal(Signals.SIGTERM)
                assert await old.ended() == 0, old.said
                if going.done():  # a busy machine
                    break
                verdict.more["restarts"] = number + 1
            verdict.add(await going)
        await verdict.check()
    assert verdict.more.get("restarts"), "the service was replaced while calls came in"
    decided = [call.level for call in verdict.calls].count("service")
    assert decided >= len(verdict.calls) * 0.9, "nearly every call is the service's"
