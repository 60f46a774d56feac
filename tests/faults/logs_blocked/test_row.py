# SPDX-License-Identifier: EUPL-1.2
"""Whoever should read the service's log has stopped reading."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.faults.bad_log import full_pipe, logging_to
from tests.support.faults.following import by_service
from tests.support.faults.service_scene import ServiceScene
from tests.support.faults.verdict import Verdict
from tests.support.living import until

pytestmark = pytest.mark.system

PIPE_BYTES = 65_536


async def test_row(scene: ServiceScene, verdict: Verdict, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with full_pipe(tmp_path / "log") as reading:
        async with logging_to(scene, tmp_path / "log", monkeypatch) as service:
            await scene.calls(scene.mixed(4))
            verdict.begin(scene.pbx, fastagi=service.process.pid)
            verdict.add(await scene.calls(scene.mixed(80), rate=20))
            await verdict.check()
            assert service.process.returncode is None
            said = bytearray()

            def goes_again() -> bool:
                with suppress(BlockingIOError):
                    said.extend(os.read(reading, PIPE_BYTES))
                return b"fastagi listens" in said

            await until(goes_again, "what it had to say")
    by_service(verdict.calls)
