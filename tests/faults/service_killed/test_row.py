# SPDX-License-Identifier: EUPL-1.2
"""The service is killed in the middle of a storm, again and again, and started again as the supervisor does it."""

from __future__ import annotations

import pytest

from tests.support.faults.service_scene import ServiceScene, address_of, real_service
from tests.support.faults.verdict import Verdict
from tests.support.product import state_folder

pytestmark = pytest.mark.system

RATE = 12.0


async def test_row(scene: ServiceScene, verdict: Verdict) -> None:
    verdict.begin(scene.pbx)
    async with state_folder() as state, real_service(state) as first:
        address = address_of(first)
        await scene.asks_at(address)
        async with scene.storming(scene.mixed(110), rate=RATE, at_call=20) as going:
            first.process.kill()
            await first.process.wait()
            async with real_service(state.with_name("second"), port=address[1]):
                verdict.add(await going)
                verdict.add(await scene.calls(scene.mixed(10)))
    await verdict.check()
    verdict.fell_back_and_returned()
