# SPDX-License-Identifier: EUPL-1.2
"""Lines that mean nothing, and then silence."""

from __future__ import annotations

import pytest

from tests.support.faults.ends import end, talks_nonsense
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(scene: ServiceScene, verdict: Verdict) -> None:
    verdict.begin(scene.pbx)
    async with end(talks_nonsense) as address:
        await scene.asks_at(address)
        verdict.add(await scene.calls(scene.mixed(40), rate=20))
        await verdict.check()
