# SPDX-License-Identifier: EUPL-1.2
"""Connections are accepted, and closed or reset at once."""

from __future__ import annotations

import pytest

from tests.support.faults.ends import Behaviour, closes, end, resets
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


@pytest.mark.parametrize("behaviour", [closes, resets])
async def test_row(scene: ServiceScene, verdict: Verdict, behaviour: Behaviour) -> None:
    verdict.begin(scene.pbx)
    async with end(behaviour) as address:
        await scene.asks_at(address)
        verdict.add(await scene.calls(scene.mixed(40), rate=40))
        await verdict.check()
