# SPDX-License-Identifier: EUPL-1.2
"""A fire alarm: nobody will answer, and nobody must be left waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from routing.core.rows import OverrideRow
from tests.support import sipp
from tests.support.faults.system_rows import SWITCHBOARD, TOWNS, number
from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    await product.begin(verdict, "fastagi", "ami")
    system = product.system
    async with sipp.telephone(system, "agent31", answers_after=0.1):
        talking = product.call(number(0, SWITCHBOARD))
        await product.until_told(talking, "answered")
        waiting, other = product.call(number(0, SWITCHBOARD)), product.call(number(1, SWITCHBOARD))
        for call in (waiting, other):
            await product.until_told(call, "queued")
        at = datetime.now(UTC)
        thrown = OverrideRow(
            name="feueralarm", opens=False, reason="Feueralarm", author="fault matrix", valid_from=at,
            valid_to=at + timedelta(hours=1), tenant=TOWNS[0], announcement_text="Das Rathaus ist geräumt.",
        )  # fmt: skip
        await product.learn(await product.owner.throw_override(thrown, at=at))
        try:
            await waiting.sip.ended(30)
            verdict.more["told_after_seconds"] = (datetime.now(UTC) - at).total_seconds()
            assert not talking.sip.over.is_set()
            assert not other.sip.over.is_set()
            first, second = product.decisions(await product.unique_id(waiting))
            assert (first["Kind"], second["Kind"]) == ("enter_queue", "play_announcement")
            assert second["Reasons"].split(".")[-1] == "override_closed", second["Reasons"]
            assert second["Announcement"] in set(product.tables[max(product.tables)].announcements)
            assert len(product.decisions(await product.unique_id(other))) == 1
        finally:
            ended = await product.owner.end_override(
                "feueralarm", author="fault matrix", comment="", at=datetime.now(UTC)
            )
            await product.learn(ended)
        for call in (talking, other):
            product.trunk.hang_up(call.sip)
        await product.over([talking, other])
    seen = await product.judged([talking, other])
    unique_id = await product.unique_id(waiting)
    await tells_why(product, unique_id)
    await product.in_use(max(product.tables))
    verdict.add(seen)
    await verdict.check()


async def tells_why(product: SystemScene, unique_id: str) -> None:
    """The record of who was taken out: both decisions, and the second one's reason."""
    kinds = await product.kinds(unique_id)
    assert (kinds.count("routed"), kinds.count("ended")) == (2, 1), kinds
    row = await product.system.ended_call(unique_id)
    assert (row["outcome"], row["kind"]) == ("unserved", "play_announcement")
    assert row["reasons"][-1] == "override_closed"
