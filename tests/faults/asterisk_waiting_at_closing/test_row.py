# SPDX-License-Identifier: EUPL-1.2
"""The decision itself says until when a caller may wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from routing.core.rows import SpecialHoursRow
from tests.support import sipp
from tests.support.faults.system_rows import CLOSING_LINE, TOWNS, number
from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

CLOSES_IN = timedelta(seconds=40)


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    before = product.rows
    closes = datetime.now(UTC).replace(microsecond=0) + CLOSES_IN
    closure = SpecialHoursRow(
        name="wasserrohrbruch", title="Wasserrohrbruch", opens=False, valid_from=closes,
        valid_to=closes + timedelta(hours=1), tenant=TOWNS[0], service_line="bauamt",
    )  # fmt: skip
    try:
        await product.in_use(await product.publish(replace(before, special_hours=(*before.special_hours, closure))))
        await product.begin(verdict)
        async with sipp.telephone(product.system, "agent31", answers_after=None):
            placed = [product.call(number(0, CLOSING_LINE))]
            await product.until_told(placed[0], "queued")
            async with product.without("fastagi"):
                placed.append(product.call(number(0, CLOSING_LINE)))
                await product.over(placed)
        waited = {await product.unique_id(call) for call in placed}
        exits = product.system.ami.user_events("QueueExit")
        left = [event["Status"] for event in exits if event["Uniqueid"] in waited]
        assert left == ["CLOSINGTIME"] * 2, left
        seen = await product.judged(placed)
        assert [call.level for call in seen] == ["service", "astdb"]
        verdict.more["longest_wait_beyond_closing_seconds"] = max(
            (event.at - closes).total_seconds()
            for event in await product.store_events()
            if event.kind == "queue_left" and event.unique_id in waited
        )
        assert 0 <= verdict.more["longest_wait_beyond_closing_seconds"] < 15  # a ring of its own goes on to its end
    finally:
        await product.in_use(await product.publish(before))
    verdict.add(seen)
    await verdict.check()
