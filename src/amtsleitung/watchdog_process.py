# SPDX-License-Identifier: EUPL-1.2
"""The watchdog itself: a small process that ends its parent when the parent's event loop stands still.

Started by `amtsleitung.watchdog` as a file, in isolation: it imports nothing of ours, so that it stays small and
whatever ails its parent cannot ail it.

::

    parent ──a byte every 0.25 s──▶ pipe ──▶ this process ──none for so many seconds──▶ SIGKILL to the parent

It watches from the first byte on, so start-up is not watched. It ends when the pipe is closed or the parent is gone.
"""

import ctypes
import os
import select
import signal
import sys
import time

TICK_SECONDS = 0.25
"""How often the parent's loop beats, and how often this process looks."""
LATE_SECONDS = 2 * TICK_SECONDS
LAST_WORDS_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1
_MOST_BYTES = 65_536


class Patience:
    """Counts silence, but only what this process itself lived through in time.

    Who looks again after seconds instead of a tick was halted, as the parent probably was (a suspended machine, a
    paused container, no processor time for anybody): such an interval says nothing about the parent.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._silent = 0.0
        self.watching = False

    def beat(self) -> None:
        """The parent's loop goes round."""
        self.watching = True
        self._silent = 0.0

    def passed(self, seconds: float) -> bool:
        """So much time went by without a beat. True when patience is at its end."""
        if self.watching and seconds <= LATE_SECONDS:
            self._silent += seconds
        return self._silent >= self._seconds


def watch(parent: int, beats: int, seconds: float) -> None:
    """Watches until the parent is gone, or closes the pipe, or has to be ended."""
    poll = select.poll()
    poll.register(parent, select.POLLIN)
    poll.register(beats, select.POLLIN)
    patience = Patience(seconds)
    looked = time.monotonic()
    while True:
        seen = [descriptor for descriptor, _ in poll.poll(TICK_SECONDS * 1000)]
        before, looked = looked, time.monotonic()
        if parent in seen:
            return
        if beats in seen:
            if not os.read(beats, _MOST_BYTES):
                return
            patience.beat()
        elif patience.passed(looked - before):
            _end(parent, seconds)
            return


def _end(parent: int, seconds: float) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    _say(
        f'timestamp={now} level=error event="the event loop stood still: the process is ended by its watchdog"'
        f" pid={os.getppid()} seconds={seconds:g}\n"
    )
    signal.pidfd_send_signal(parent, signal.SIGUSR2)  # it says where it stands, if it still can: `faulthandler`
    time.sleep(LAST_WORDS_SECONDS)
    signal.pidfd_send_signal(parent, signal.SIGKILL)


def _say(line: str) -> None:
    """On standard error, unless that would block or fail: ending the parent must not wait for it."""
    try:
        if select.select([], [2], [], 0)[1]:
            os.write(2, line.encode())
    except (OSError, ValueError):
        pass


def main() -> None:
    """``watchdog_process.py PARENT_PID PIPE SECONDS``."""
    number, beats, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    # Who ends a whole group or control group means the parent, which may need its watchdog while it ends.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))  # even if this process was halted
    try:
        parent = os.pidfd_open(number)
    except ProcessLookupError:
        return
    if os.getppid() == number:  # else it died meanwhile, and the number may be another's
        watch(parent, beats, seconds)


if __name__ == "__main__":
    main()
