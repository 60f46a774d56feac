# SPDX-License-Identifier: EUPL-1.2
"""``restart`` and ``status`` beside a whole running system."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest

from tests.support.system import System, running_system
from tests.support.wait import until

pytestmark = pytest.mark.system


async def stand(system: System) -> dict[str, Any]:
    status, out, err = await system.command("status", "--json")
    assert status == 0, err
    seen: dict[str, Any] = json.loads(out)
    return seen


async def test_each_service_is_replaced_and_the_status_shows_it() -> None:
    async with running_system(short_prompts=True) as system:
        for name in ("fastagi", "ami", "api"):
            old, others = system.pid(name), {k: v for k, v in system.running.processes.items() if k != name}
            status, out, err = await system.command("restart", name, seconds=150)
            assert status == 0, err
            new = system.pid(name)
            assert out.startswith(f"{name} runs as process {new} instead of process {old}, after ")
            assert {k: v for k, v in system.running.processes.items() if k != name} == others
        status, out, err = await system.command("route", "05372 89-0")
        assert status == 0, err
        os.kill(system.pid("fastagi"), signal.SIGSTOP)  # its watchdog ends it
        await system.restarted("fastagi", system.pid("fastagi"))
        seen = await stand(system)
        restarts = {name: service["restarts"] for name, service in seen["services"].items()}
        assert restarts == {"postgres": 0, "asterisk": 0, "fastagi": 2, "ami": 1, "api": 1}
        assert seen["last_good"]["version"] == 1

        async def the_new_one_speaks() -> bool:
            router = (await stand(system))["router"]
            return router is not None and router["pid"] == system.pid("fastagi") and router["database"] is True

        await until(the_new_one_speaks, deadline_seconds=60, what="the new router tells that it has its database")
        status, out, err = await system.command("status", "--language", "de")
        assert status == 0, err
        assert "Router: Fassung 1, " in out


async def test_a_successor_that_does_not_get_ready_leaves_the_old_one() -> None:
    async with running_system(short_prompts=True) as system:
        old = system.pid("fastagi")
        # Nobody can write there any more, so that no successor can say that it is ready.
        ready = system.state / "fastagi.ready"
        ready.unlink()
        ready.mkdir()
        try:
            status, out, err = await system.command("restart", "fastagi", seconds=150)
        finally:
            ready.rmdir()
        assert (status, out) == (1, "")
        assert "fastagi.ready" in err
        assert err.count("\n") == 1
        assert system.pid("fastagi") == old
        status, out, err = await system.command("restart", "fastagi", seconds=150)
        assert status == 0, err
