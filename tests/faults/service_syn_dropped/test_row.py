# SPDX-License-Identifier: EUPL-1.2
"""The dialplan's SYN is never answered."""

from __future__ import annotations

import pytest

from tests.support.faults.ends import full_queue
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(scene: ServiceScene, verdict: Verdict) -> None:
    verdict.begin(scene.pbx)
    async with full_queue() as address:
        await scene.asks_at(address)
        verdict.add(await scene.calls(scene.mixed(20), rate=10))
    await verdict.check()
