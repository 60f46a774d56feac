# SPDX-License-Identifier: EUPL-1.2
"""The disk that holds the service's log is full. ``/dev/full`` answers as such a disk does, for any user."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.faults.bad_log import logging_to
from tests.support.faults.following import by_service
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system


async def test_row(scene: ServiceScene, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    async with logging_to(scene, Path("/dev/full"), monkeypatch) as service:
        await scene.calls(scene.mixed(4))
        verdict.begin(scene.pbx, fastagi=service.process.pid)
        verdict.add(await scene.calls(scene.mixed(80), rate=20))
        await verdict.check()
        assert service.process.returncode is None
        assert service.said == "", "nothing was logged elsewhere"
    by_service(verdict.calls)
