# SPDX-License-Identifier: EUPL-1.2
"""The service's event loop does not turn for five seconds: something in it computes, or waits without the loop."""

from __future__ import annotations

import os
import signal

import pytest

from tests.support.faults.replaced import replaced_service
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

RATE = 5.0
# Python runs this first in every process that has its folder on PYTHONPATH; the product knows nothing of it.
_BLOCKS = """
import signal, sys, time
if "fastagi" in sys.orig_argv:
    signal.signal(signal.SIGUSR1, lambda *_: time.sleep(5))
"""


async def test_row(
    scene: ServiceScene, verdict: Verdict, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("blocks")
    (folder / "sitecustomize.py").write_text(_BLOCKS)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    verdict.begin(scene.pbx)
    async with replaced_service(scene) as service:
        async with scene.storming(scene.mixed(85), rate=RATE, at_call=20) as going:
            os.kill(service.pid, signal.SIGUSR1)
            verdict.add(await going)
        await service.ready()
        verdict.add(await scene.calls(scene.mixed(10)))
        verdict.more["ended_by_watchdog"] = len(service.lives) - 1
    await verdict.check()
    verdict.fell_back_and_returned()
