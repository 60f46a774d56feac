# SPDX-License-Identifier: EUPL-1.2
"""QUEUESTATUS in all its words."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from routing.core.rows import AgentGroupRow
from tests.support import sipp
from tests.support.faults.system_rows import (
    FULL_AGENT,
    FULL_LINE,
    INFORMATION,
    SHORT_AGENT,
    SHORT_LINE,
    SPARE,
    SPARE_AGENT,
    SPARE_LINE,
    SWITCHBOARD,
    TOWNS,
    number,
)
from tests.support.faults.system_scene import Placed, SystemScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

NEVER_SAID = ("JOINUNAVAIL", "LEAVEUNAVAIL", "CONTINUE")


async def test_row(product: SystemScene, verdict: Verdict) -> None:
    before = product.rows
    await product.begin(verdict, "fastagi", "ami")
    placed = dict(
        zip(
            ("TIMEOUT", "FULL", "LEAVEEMPTY", "WITHDRAW", "JOINEMPTY", "UNKNOWN"),
            await asyncio.gather(
                _timeout(product), _full(product), _leave_empty(product), _withdraw(product), _join_empty(product),
                _unknown(product),
            ),
            strict=True,
        )
    )  # fmt: skip
    waited = [call for calls in placed.values() for call in calls]
    await product.over(waited)
    for status, calls in placed.items():
        left = {event["Uniqueid"]: event["Status"] for event in product.system.ami.user_events("QueueExit")}
        assert left[await product.unique_id(calls[0])] == status, (status, left)
    for status in NEVER_SAID:
        await product.system.ami.command(f"channel originate Local/{status}@queue-exit/n application Wait 5")
    seen = await product.judged(waited)
    outcomes = [(await product.system.ended_call(call.unique_id))["outcome"] for call in seen]
    assert set(outcomes) <= {"unserved", "abandoned"}, outcomes
    assert outcomes.count("abandoned") == 1, outcomes  # the one who kept the place for whom it was full
    await product.in_use(await product.publish(before))
    verdict.add(seen)
    await verdict.check()


async def _timeout(product: SystemScene) -> list[Placed]:
    """Rung until the line's three seconds are over."""
    async with sipp.telephone(product.system, SHORT_AGENT, answers_after=None):
        call = product.call(number(0, SHORT_LINE))
        await call.sip.ended()
    return [call]


async def _full(product: SystemScene) -> list[Placed]:
    """One waits where one may, and a second one comes."""
    async with sipp.telephone(product.system, FULL_AGENT, answers_after=None):
        first = product.call(number(0, FULL_LINE))
        await product.until_told(first, "queued")
        second = product.call(number(0, FULL_LINE))
        await second.sip.ended()
        product.trunk.hang_up(first.sip)
        await first.sip.ended()
    return [second, first]


async def _leave_empty(product: SystemScene) -> list[Placed]:
    """The last agent logs off while a caller waits."""
    async with sipp.telephone(product.system, "agent31", answers_after=None):
        call = product.call(number(0, SWITCHBOARD))
        await product.until_told(call, "queued")
    await call.sip.ended()
    return [call]


async def _withdraw(product: SystemScene) -> list[Placed]:
    """Somebody takes the caller out by the manager."""
    async with sipp.telephone(product.system, SPARE_AGENT, answers_after=None):
        call = product.call(number(0, SPARE_LINE))
        await product.until_told(call, "queued")
        status = await product.waiting_channel(call)
        answer = await product.system.ami.action("QueueWithdrawCaller", Queue=SPARE, Caller=status)
        assert answer["Response"] == "Success", answer
        await call.sip.ended()
    return [call]


async def _join_empty(product: SystemScene) -> list[Placed]:
    """Nobody is logged in."""
    call = product.call(number(1, INFORMATION))
    await call.sip.ended()
    return [call]


async def _unknown(product: SystemScene) -> list[Placed]:
    """The service has a new agent group before Asterisk has its queue."""
    group = AgentGroupRow(name="neu", title="Neu")
    lines = tuple(
        replace(line, agent_group="neu") if (line.tenant, line.name) == (TOWNS[3], "auskunft") else line
        for line in product.rows.service_lines
    )
    with product.frozen("ami"):
        rows = replace(product.rows, agent_groups=(*product.rows.agent_groups, group), service_lines=lines)
        await product.decided_with(await product.publish(rows))
        call = product.call(number(3, INFORMATION))
        await call.sip.ended()
    return [call]
