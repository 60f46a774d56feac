# SPDX-License-Identifier: EUPL-1.2
"""The watched end of the watchdog: starts it, and lets the event loop beat.

Asterisk waits for a FastAGI server without any limit, and a process whose loop stands still answers nobody and closes
nothing. Nothing inside that process can be trusted to end it; the watchdog (`amtsleitung.watchdog_process`) does.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import subprocess
import sys
from pathlib import Path

import structlog

from amtsleitung.settings import without_settings
from amtsleitung.watchdog_process import TICK_SECONDS

_PROGRAM = Path(__file__).with_name("watchdog_process.py")
_END_SECONDS = 1.0
_MOST_STARTS = 4
log = structlog.get_logger()


class Watchdog:
    """Ends this process after ``patience_seconds`` without a turn of the event loop, once that has begun to beat.

    Made and closed by one owner, in the main thread: the watchdog ends with the thread that started it.
    """

    def __init__(self, *, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._starts = 0

    def start(self) -> None:
        """Starts it; nothing is watched yet. A machine that has no process left for it is told in the log."""
        faulthandler.register(signal.SIGUSR2, all_threads=True)
        self._starts += 1
        try:
            self._process, self._pipe = _spawn(self._patience_seconds, beating=self._timer is not None)
        except OSError as error:
            why = error.strerror or str(error)
            log.warning("no watchdog can be started: the process goes on unwatched", problem=why)

    def begin(self) -> None:
        """From now on the running loop is watched. Nothing the second time."""
        if self._timer is None and self._pipe is not None:
            self._beat()

    def close(self) -> None:
        """Ends the watchdog."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._let_go()

    def _beat(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._beat)
        if self._pipe is None:
            return
        try:
            os.write(self._pipe, b".")
        except BlockingIOError:  # it was halted for hours: it has enough to read
            pass
        except OSError:
            self._replace()

    def _replace(self) -> None:
        """It was killed, which nobody should have done."""
        self._let_go()
        if self._starts < _MOST_STARTS:
            log.warning("the watchdog has gone: another one is started")
            self.start()
        else:
            log.error("the watchdog has gone again and again: the process goes on unwatched")

    def _let_go(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _spawn(patience_seconds: float, *, beating: bool) -> tuple[subprocess.Popen[bytes], int]:
    """The watchdog and the writing end of its pipe. It gets no other descriptor of ours but standard error."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        if beating:
            os.write(writing, b".")  # it watches from its first moment
        process = subprocess.Popen(
            (sys.executable, "-I", "-S", str(_PROGRAM), str(os.getpid()), str(reading), str(patience_seconds)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=without_settings(),
            cwd="/",
            close_fds=True,
            pass_fds=(reading,),
        )
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    return process, writing
