# SPDX-License-Identifier: EUPL-1.2
"""Half a line is the worst that a service can send: Asterisk waits for the rest at full load, deaf to everything."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from tests.support.faults.ends import relay
from tests.support.faults.replaced import replaced_service
from tests.support.faults.service_scene import ServiceScene, address_of, asked_service
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def sends_half(line: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(line[: len(line) // 2])
    await writer.drain()


async def test_a_living_service_closes_by_its_deadline(scene: ServiceScene, verdict: Verdict) -> None:
    async def carries(_: bytes, line: bytes, writer: asyncio.StreamWriter) -> None:
        await sends_half(line, writer)

    verdict.begin(scene.pbx)
    async with asked_service(scene) as service, relay(address_of(service), carries, holds=True) as address:
        await scene.asks_at(address)
        verdict.add(await scene.calls(scene.mixed(10), rate=5))
        await verdict.check()
    assert {call.level for call in verdict.calls} == {"astdb"}


async def test_a_stopped_service_is_ended_by_its_watchdog(scene: ServiceScene, verdict: Verdict) -> None:
    stopped: list[int] = []
    verdict.begin(scene.pbx)
    async with replaced_service(scene) as service:

        async def carries(_: bytes, line: bytes, writer: asyncio.StreamWriter) -> None:
            if stopped:
                writer.write(line)
                await writer.drain()
                return
            stopped.append(service.pid)
            os.kill(service.pid, signal.SIGSTOP)
            await sends_half(line, writer)

        async with relay(address_of(service.lives[0]), carries, holds=True) as address:
            await scene.asks_at(address)
            verdict.add(await scene.calls(scene.mixed(60), rate=5))
            await service.ready()
            verdict.add(await scene.calls(scene.mixed(10)))
            verdict.more["ended_by_watchdog"] = len(service.lives) - 1
            await verdict.check()
    assert len(service.lives) == 2, "it was ended once, and started again"
    levels = [call.level for call in verdict.calls]
    assert levels[0] == "astdb"
    assert "service" in levels[-10:]
