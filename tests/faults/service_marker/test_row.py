# SPDX-License-Identifier: EUPL-1.2
"""Answers that are whole, but whose marker is not this call's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.support.faults.ends import relay, unique_id
from tests.support.faults.service_scene import ServiceScene, address_of, asked_service
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

OTHER = b'EXEC MSet "ROUTE_KIND=reject,ROUTE_CAUSE=1,ROUTE_OK=%s"\n'  # none of the scene's numbers is rejected
WRONG: dict[str, Callable[[str, str], str]] = {
    "of the call before": lambda _, before: f"v1-{before}",
    "of another channel": lambda own, _: f"v1-{own}0",
    "shortened": lambda own, _: f"v1-{own[:-1]}",
    "none": lambda _, __: "",
    "the channel alone": lambda own, _: own,
    "another version": lambda own, _: f"v2-{own}",
    "in capitals": lambda own, _: f"V1-{own}",
    "with a blank": lambda own, _: f"v1-{own} ",
}


@pytest.mark.parametrize("how", WRONG)
async def test_row(scene: ServiceScene, verdict: Verdict, how: str) -> None:
    before = ["node1-1.1"]
    verdict.begin(scene.pbx)

    async def lies(asked: bytes, line: bytes, writer: asyncio.StreamWriter) -> None:
        own = unique_id(asked)
        assert line.rstrip().endswith(f'ROUTE_OK=v1-{own}"'.encode())
        writer.write(OTHER % WRONG[how](own, before[-1]).encode())
        before.append(own)
        await writer.drain()

    async with asked_service(scene) as service, relay(address_of(service), lies) as address:
        await scene.asks_at(address)
        verdict.add(await scene.calls(scene.mixed(10), rate=20, hang_up_after=0.05))
        assert len(before) == 11
        await verdict.check()


async def test_a_whole_answer_of_the_call_before_is_none(scene: ServiceScene, verdict: Verdict) -> None:
    """The answer of another number, as it was, each time: replayed."""
    lines: list[bytes] = []
    verdict.begin(scene.pbx)

    async def replays(_: bytes, line: bytes, writer: asyncio.StreamWriter) -> None:
        lines.append(line)
        writer.write(lines[max(0, len(lines) - 2)])
        await writer.drain()

    async with asked_service(scene) as service, relay(address_of(service), replays) as address:
        await scene.asks_at(address)
        _, *others = await scene.calls(scene.mixed(20), rate=10, hang_up_after=0.05)  # the first has its own
        assert len(lines) == 20
        verdict.add(others)
        await verdict.check()
