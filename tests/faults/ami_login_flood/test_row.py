# SPDX-License-Identifier: EUPL-1.2
"""Whoever guesses at the manager's password must not take it from us."""

from __future__ import annotations

import pytest

from tests.support.faults.system_flood import login_flood
from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

SECONDS, PER_SECOND = 4, 500


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi", "ami")
    async with product.storming(10 * SECONDS, rate=10) as storm:
        tried, refused = await login_flood(product.system.ami_port, seconds=SECONDS, per_second=PER_SECOND)
        placed = await storm
    verdict.more |= {"logins_tried": tried, "logins_refused": refused}
    verdict.add(await product.judged(placed))
    assert tried >= SECONDS * PER_SECOND / 4, tried
    assert "no connection to Asterisk" not in product.log_since_begin("ami")
    await verdict.check()
