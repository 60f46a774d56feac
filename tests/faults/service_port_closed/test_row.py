# SPDX-License-Identifier: EUPL-1.2
"""Nothing listens where the dialplan asks."""

from __future__ import annotations

import pytest

from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(scene: ServiceScene, verdict: Verdict) -> None:
    await scene.asks_nobody()
    verdict.begin(scene.pbx)
    verdict.add(await scene.calls(scene.mixed(40), rate=40))
    await verdict.check()
