# SPDX-License-Identifier: EUPL-1.2
"""What the three services share as processes: signals that end them, and the file that says they are ready."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from amtsleitung.errors import Problem
from amtsleitung.logs import configure_logs, flush_logs
from amtsleitung.settings import PREFIX, Settings, without_settings
from amtsleitung.watchdog import Watchdog

PATIENCE_SECONDS = 10.0
"""Without a turn of its event loop a process is ended: nobody's call waits for ``ami`` or ``api``."""
CALL_PATH_PATIENCE_SECONDS = 2.0
_watchdog: Watchdog | None = None  # a process is one service


def run_service(
    main: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Runs ``main(stop)`` until it returns; SIGTERM and SIGINT set ``stop``. Raises what ``main`` raises.

    Once it has said that it is ready, a loop that stands still for ``patience_seconds`` is the process's end.

    :param new_loop: makes the event loop; without it asyncio's own is used.
    """
    global _watchdog
    configure_logs()
    _watchdog = Watchdog(patience_seconds=patience_seconds)
    _watchdog.start()
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(_until_stopped(main))
    finally:
        _watchdog.close()
        flush_logs()


async def _until_stopped(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await main(stop)


def say_ready(ready_file: Path | None, address: str) -> None:
    """Writes the ready file in one step: this process's id and the address it listens on. The watchdog begins."""
    if _watchdog is not None:
        _watchdog.begin()
    if ready_file is None:
        return
    text = f"{os.getpid()} {address}\n"
    temporary = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
    try:
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(ready_file)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            _write_over(ready_file, text.encode())
    except OSError as error:
        raise Problem(f"{ready_file} cannot be written ({error.strerror}): choose another --ready-file.") from error


def _write_over(path: Path, text: bytes) -> None:
    """A full disk has no room for a new file, but for these bytes in the one that the process before has left."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, text, 0)
        os.ftruncate(descriptor, len(text))
    finally:
        os.close(descriptor)


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
