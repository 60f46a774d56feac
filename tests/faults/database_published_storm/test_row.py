# SPDX-License-Identifier: EUPL-1.2
"""Versions that differ in everything that a decision holds: a mixture would show."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from routing.core.rows import Rows, StepRow
from tests.support.faults.system_rows import INFORMATION, NOBODY, SPARE, TOWNS, head_number
from tests.support.faults.system_scene import SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

CALLS, RATE, EVERY_SECONDS = 60, 12, 0.1


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    before, first = product.rows, max(product.tables)
    await product.begin(verdict, "fastagi", "ami")
    enough = asyncio.Event()
    publishing = asyncio.create_task(_publish(product, enough))
    placed = await product.storm(CALLS, rate=RATE, town=0)
    enough.set()
    published = await publishing
    seen = await product.judged(placed)
    steps = {event["Uniqueid"]: event["Target"] for event in product.system.ami.user_events("ChainStep")}
    for call in seen:
        if int(call.got["Version"]) == first:
            continue  # decided before anything was published
        decided_queue, then_queue = call.got["Queue"], steps[call.unique_id]
        assert {decided_queue, then_queue} == {NOBODY, SPARE}, (call, then_queue)
    versions = {int(call.got["Version"]) for call in seen}
    verdict.more |= {"versions_published": published, "versions_met_by_calls": len(versions)}
    await product.in_use(await product.publish(before))
    verdict.add(seen)
    assert len(versions) > 3, versions
    await verdict.check()


async def _publish(product: SystemScene, enough: asyncio.Event) -> int:
    """Two configurations in turn; how many were published."""
    one, other = (_turned(product.rows, town) for town in range(2))
    loop, count = asyncio.get_running_loop(), 0
    begun = loop.time()
    while not enough.is_set():
        await product.publish((one, other)[count % 2])
        count += 1
        await asyncio.sleep(max(0.0, begun + count * EVERY_SECONDS - loop.time()))
    return count


def _turned(rows: Rows, town: int) -> Rows:
    """The first town's information number is this town's, and asks this queue first and the other one then."""
    first, second = (NOBODY, SPARE) if town == 0 else (SPARE, NOBODY)
    lines = tuple(
        replace(
            line, agent_group=first,
            overflow=(StepRow(kind="agent_group", when=("no_agent",), agent_group=second),),
        )
        if line.tenant in TOWNS[:2] and line.name == "auskunft"
        else line
        for line in rows.service_lines
    )  # fmt: skip
    dids = tuple(
        replace(did, tenant=TOWNS[town]) if (did.head_number, did.extension) == (head_number(0), INFORMATION) else did
        for did in rows.dids
    )
    return replace(rows, service_lines=lines, dids=dids)
