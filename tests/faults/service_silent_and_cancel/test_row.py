# SPDX-License-Identifier: EUPL-1.2
"""Nothing is ever said, and the caller does not wait for the dialplan to notice."""

from __future__ import annotations

import pytest

from tests.support.faults.ends import end, is_silent
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(scene: ServiceScene, verdict: Verdict) -> None:
    verdict.begin(scene.pbx)
    async with end(is_silent) as address:
        await scene.asks_at(address)
        verdict.add(await scene.calls(scene.mixed(40), rate=20, hang_up_after=1.0, gives_up=True))
        await verdict.check()
