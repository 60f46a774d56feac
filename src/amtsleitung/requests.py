# SPDX-License-Identifier: EUPL-1.2
"""What a running ``run`` is asked over its control socket, from both ends."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from amtsleitung.control import ask
from amtsleitung.errors import Problem
from amtsleitung.run_file import read_run_file
from amtsleitung.settings import read_settings
from amtsleitung.supervisor import Supervisor

SERVICES = ("fastagi", "ami", "api")
RESTART_SECONDS = 150.0  # longer than a service may take to get ready and another one to end
VITALS_SECONDS = 5.0


def answers_of(supervisor: Supervisor) -> Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]:
    """What the running system answers."""

    async def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
        match request:
            case {"do": "restart", "service": str(name)} if name in SERVICES:
                return {"ok": True, "sentence": await _restart(supervisor, name)}
            case {"do": "vitals"}:
                return {"ok": True, "services": _vitals(supervisor)}
            case _:
                raise Problem("That is nothing a running system can be asked: both must be of one release.")

    return answer


def restart_service(name: str) -> str:
    """Has the running system replace a service, and says what it did. Raises ``Problem``, with why it did not."""
    settings = read_settings()
    running = read_run_file(settings.state_directory)
    if running is None:
        raise Problem("No system is running here: start one with ./amtsleitung run (in another terminal).")
    if running.prepared:
        raise Problem(
            f"The services of {settings.state_directory} are started elsewhere: have systemd or the container engine "
            f"restart {name} (docs/operations.md)."
        )
    request = {"do": "restart", "service": name}
    return str(ask(settings.state_directory, request, deadline_seconds=RESTART_SECONDS)["sentence"])


async def _restart(supervisor: Supervisor, name: str) -> str:
    before, started = supervisor.pids().get(name), time.monotonic()
    after = await supervisor.replace(name)
    seconds = time.monotonic() - started
    old = "" if before is None else f" instead of process {before}"
    return f"{name} runs as process {after}{old}, after {seconds:.1f} s."


def _vitals(supervisor: Supervisor) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "pid": vitals.pid,
            "started_at": None if vitals.started_at is None else vitals.started_at.isoformat(),
            "restarts": vitals.restarts,
        }
        for name, vitals in supervisor.vitals().items()
    }
