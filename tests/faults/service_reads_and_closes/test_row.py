# SPDX-License-Identifier: EUPL-1.2
"""The question is heard, and the connection closed."""

from __future__ import annotations

import pytest

from tests.support.faults.ends import end, reads_and_closes
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(scene: ServiceScene, verdict: Verdict) -> None:
    verdict.begin(scene.pbx)
    async with end(reads_and_closes) as address:
        await scene.asks_at(address)
        verdict.add(await scene.calls(scene.mixed(40), rate=40))
        await verdict.check()
