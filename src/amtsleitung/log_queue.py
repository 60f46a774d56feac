# SPDX-License-Identifier: EUPL-1.2
"""Lines on their way to a descriptor that may be slow, full or gone: whoever writes neither waits nor fails.

::

    put(line) ──▶ bounded queue ──▶ one thread ──▶ descriptor        too much waits: new lines are dropped
                                                                     it fails: they are lost; both are counted

Putting costs less than a microsecond: the thread is woken once for all lines of some milliseconds.
"""

from __future__ import annotations

import os
import re
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

MOST_CHARACTERS = 4_000_000
"""What may wait: some ten thousand lines about calls, a few seconds of the greatest load."""
LONGEST_TEXT = 400_000
COLLECTING_SECONDS = 0.01
_MOST_AT_ONCE = 200
_NEWLINE = 0x0A
_HARMLESS = bytes(range(0x20, 0x7F)) + b"\n"
_STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")  # what callers sent may stand in a line


class LogQueue:
    """Writes lines to ``descriptor`` in the order in which they were put.

    :param lost_line: the line that says how many were lost, told as soon as lines can be written again.
    """

    def __init__(
        self, descriptor: int, *, lost_line: Callable[[int], str], most_characters: int = MOST_CHARACTERS
    ) -> None:
        self._descriptor = descriptor
        self._lost_line = lost_line
        self._most_characters = most_characters
        self._lines: deque[str] = deque()
        self._put = 0  # characters, in all
        self._taken = 0
        self._dropped = 0
        self._unwritten = 0
        self._torn = False
        self._awake = False
        self._work = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def put(self, line: str) -> None:
        """Takes a line, or several, without the last one's end. Never waits, never raises; from any thread."""
        if self._put - self._taken >= self._most_characters:
            self._dropped += 1 + line.count("\n")
            return
        if len(line) > LONGEST_TEXT:
            line = f"{line[:LONGEST_TEXT]} …"
        self._put += len(line)  # two threads at once may count one too few: that moves the bound by a line
        self._lines.append(line)
        if not self._awake:
            self._wake()

    def flush(self, *, deadline_seconds: float) -> bool:
        """Waits until all is written; False if it is not by then."""
        give_up_at = time.monotonic() + deadline_seconds
        while self._lines or not self._idle.is_set():
            if (left := give_up_at - time.monotonic()) <= 0:
                return False
            if self._lines:
                self._wake()
            self._idle.wait(min(left, COLLECTING_SECONDS))
        return True

    def _wake(self) -> None:
        self._awake = True
        self._idle.clear()
        if self._thread is None:
            with self._starting:
                if self._thread is None:  # at the first line: what logs nothing has no thread
                    self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                    with suppress(RuntimeError):  # the machine has no thread left, or the interpreter ends
                        self._thread.start()
        self._work.set()

    def _run(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            time.sleep(COLLECTING_SECONDS)
            while self._lines:
                self._write_some()
            self._awake = False
            self._idle.set()
            if self._lines:  # put between the last look and this moment
                self._wake()

    def _write_some(self) -> None:
        lines = [self._lines.popleft() for _ in range(min(len(self._lines), _MOST_AT_ONCE))]
        lost = self._dropped + self._unwritten
        self._dropped = self._unwritten = 0
        if lost and self._write(f"{self._lost_line(lost)}\n"):
            self._unwritten = lost + sum(1 + line.count("\n") for line in lines)
        else:
            self._unwritten = self._write("".join(f"{line}\n" for line in lines))
        self._taken += sum(map(len, lines))

    def _write(self, text: str) -> int:
        """How many lines of it were not written whole, because something failed."""
        start = "\n" if self._torn else ""  # behind half a line
        data = (start + text).encode("utf-8", "backslashreplace")
        if data.translate(None, _HARMLESS):  # nearly always nothing is left
            data = (start + _STEERS.sub(_escaped, text)).encode("utf-8", "backslashreplace")
        written = 0
        while written < len(data):
            try:
                written += os.write(self._descriptor, data[written:])
            except BlockingIOError:  # somebody made it so: it is shared with other processes
                select.select([], [self._descriptor], [])
            except (OSError, ValueError):
                break
        if written:
            self._torn = data[written - 1] != _NEWLINE
        return data.count(b"\n", max(written, len(start)))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
