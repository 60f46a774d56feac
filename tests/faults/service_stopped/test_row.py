# SPDX-License-Identifier: EUPL-1.2
"""The service is stopped for half a minute. If its watchdog ends it in between, it is started again meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

import pytest

from tests.support.faults.replaced import replaced_service
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

STOPPED_SECONDS = 30
RATE = 5.0


async def test_row(scene: ServiceScene, verdict: Verdict) -> None:
    verdict.begin(scene.pbx)
    async with replaced_service(scene) as service:
        dials = scene.mixed(round((STOPPED_SECONDS + 12) * RATE))
        async with scene.storming(dials, rate=RATE, at_call=20) as going:
            pid = service.pid
            os.kill(pid, signal.SIGSTOP)
            await asyncio.wait({going}, timeout=STOPPED_SECONDS)
            assert not going.done()
            with suppress(ProcessLookupError):  # ended meanwhile
                os.kill(pid, signal.SIGCONT)
            verdict.add(await going)
        await service.ready()
        verdict.add(await scene.calls(scene.mixed(10)))
        verdict.more["ended_by_watchdog"] = len(service.lives) - 1
    await verdict.check()
    verdict.fell_back_and_returned()
