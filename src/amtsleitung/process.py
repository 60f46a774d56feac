# SPDX-License-Identifier: EUPL-1.2
"""What the three services share as processes: signals that end them, and the file that says they are ready."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from amtsleitung.errors import Problem
from amtsleitung.logs import configure_logs
from amtsleitung.settings import PREFIX, Settings, without_settings


def run_service(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Runs ``main(stop)`` until it returns; SIGTERM and SIGINT set ``stop``. Raises what ``main`` raises."""
    configure_logs()
    asyncio.run(_until_stopped(main))


async def _until_stopped(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await main(stop)


def say_ready(ready_file: Path | None, address: str) -> None:
    """Writes the ready file in one step: this process's id and the address it listens on."""
    if ready_file is None:
        return
    temporary = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
    try:
        temporary.write_text(f"{os.getpid()} {address}\n", encoding="utf-8")
        temporary.replace(ready_file)
    except OSError as error:
        raise Problem(f"{ready_file} cannot be written ({error.strerror}): choose another --ready-file.") from error


def says_ready(ready_file: Path) -> Callable[[int], Coroutine[Any, Any, bool]]:
    """Whether the process of this id has written the file: the supervisor's question."""

    async def ready(pid: int) -> bool:
        try:
            return _first_word(ready_file) == str(pid)
        except FileNotFoundError:
            return False

    return ready


def _first_word(path: Path) -> str:
    return path.read_text(encoding="utf-8").split(" ")[0]


def service_environment(settings: Settings, *, database_url: str, **chosen: str) -> dict[str, str]:
    """What a service started by ``run`` finds: our environment, but of the settings only these, as chosen by now.

    Ours are the administrator's: with the rest of them a service would use a database or a port that is not its own.
    """
    said = {
        "STATE_DIR": str(settings.state_directory),
        "NODE": settings.node,
        "API_HOSTS": ",".join(settings.api_hosts),
        "LOG_PERSONAL": os.environ.get(f"{PREFIX}LOG_PERSONAL", ""),
        "DATABASE_URL": database_url,
        **chosen,
    }
    return without_settings() | {PREFIX + name: value for name, value in said.items() if value}


def service_argv(*words: str) -> tuple[str, ...]:
    """The command line of a service in this same environment."""
    return (sys.executable, "-m", "amtsleitung", "serve", *words)
