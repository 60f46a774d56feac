# SPDX-License-Identifier: EUPL-1.2
"""An observer that hangs: Asterisk must not wait for it."""

from __future__ import annotations

import pytest

from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi")
    with product.frozen("ami"):
        placed = await product.storm(60, rate=12)
    verdict.add(await product.judged(placed))
    verdict.add(await product.judged(await product.storm(4)))
    await product.no_ghosts(placed)
    await verdict.check()
