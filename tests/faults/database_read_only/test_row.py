# SPDX-License-Identifier: EUPL-1.2
"""PostgreSQL answers and takes nothing: a standby that was not promoted, or a mistake."""

from __future__ import annotations

import pytest

from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

REFUSED_OFTEN = 7


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi", "ami")
    async with product.database_admin() as admin:
        await admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        await admin.execute("SELECT pg_reload_conf()")
        try:
            placed = await product.storm(30, rate=10)
            # Long enough for an observer that took this for the events' own fault to give some of them up.
            await product.said("ami", "call events wait for the database", times=REFUSED_OFTEN)
        finally:
            await admin.execute("SET default_transaction_read_only = off")
            await admin.execute("ALTER SYSTEM RESET default_transaction_read_only")
            await admin.execute("SELECT pg_reload_conf()")
    verdict.add(await product.judged(placed))
    assert "is dropped" not in product.log_since_begin("ami")
    await verdict.check()
