# SPDX-License-Identifier: EUPL-1.2
"""Writes the journal: lines from the event loop, by a thread of its own."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from routing.config.journal import DROPPED, FINISHED_MODE, segment_path, segment_paths

MAXIMUM_SEGMENT_BYTES = 1 << 20
MAXIMUM_BYTES = 16 << 20  # all segments together
MAXIMUM_SEGMENT_SECONDS = 3_600.0  # what is recorded can go at last, though a quiet day fills no segment
MAXIMUM_WAITING_LINES = 16_384  # about 8 MiB: seconds of the heaviest load while the disk is stuck
GATHER_SECONDS = 0.02
TELL_AGAIN_SECONDS = 60.0
STOP_SECONDS = 1.0


class JournalWriter:
    """``append`` costs about a microsecond, never blocks and never raises; ``dropped`` says what that cost.

    With two writers on one folder (a service and its successor) the bound may be exceeded by one segment.

    :param say: is told in one sentence, from the thread and at most once a minute, that lines are dropped.
    """

    def __init__(
        self,
        folder: Path,
        *,
        say: Callable[[str], None],
        maximum_bytes: int = MAXIMUM_BYTES,
        maximum_segment_bytes: int = MAXIMUM_SEGMENT_BYTES,
        maximum_segment_seconds: float = MAXIMUM_SEGMENT_SECONDS,
        maximum_waiting_lines: int = MAXIMUM_WAITING_LINES,
    ) -> None:
        self._folder = folder
        self._say = say
        self._maximum_bytes = maximum_bytes
        self._maximum_segment_bytes = maximum_segment_bytes
        self._maximum_segment_seconds = maximum_segment_seconds
        self._maximum_waiting_lines = maximum_waiting_lines
        self._waiting: deque[str] = deque()
        self._something = threading.Event()
        self._stopping = threading.Event()
        self._file = -1
        self._path: Path | None = None
        self._bytes = 0
        self._finished_at = 0.0  # when no more is written into it
        self._latest_milliseconds = 0
        # Each is changed by one thread alone: what ``append`` took and refused; what the thread took from there, what
        # was lost behind it, and what of it is in the file ``dropped``.
        self._put = self._taken = 0
        self._refused = self._lost = self._counted = 0
        self._told_at: float | None = None
        self._why = "they came faster than the disk takes them"
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    @property
    def dropped(self) -> int:
        """How many lines this writer has dropped: its own, and those in segments that had to go."""
        return self._refused + self._lost

    def start(self) -> None:
        self._thread.start()

    def append(self, lines: str) -> None:
        """Takes one line or several, each with its line feed, as ``Entry.text`` writes it."""
        count = lines.count("\n")
        if self._put + count - self._taken > self._maximum_waiting_lines:
            self._refused += count
            return
        self._put += count
        self._waiting.append(lines)
        if not self._something.is_set():
            self._something.set()

    def stop(self) -> None:
        """Writes what is waiting, for at most a second; what a stuck disk keeps is lost with the process."""
        self._stopping.set()
        self._something.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set() or self._waiting:
            wait = None if self._file < 0 else max(self._finished_at - time.monotonic(), 0.0)
            if not self._something.wait(wait):
                self._finish()
                continue
            self._stopping.wait(GATHER_SECONDS)
            self._something.clear()  # before they are taken: what comes behind wakes us again
            pieces = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if pieces:
                self._taken += _count(pieces)
                self._write(pieces)
            self._count()
        self._close()

    def _write(self, pieces: list[str]) -> None:
        begin = 0
        for end in _ends(pieces, self._maximum_segment_bytes):
            try:
                self._write_part("".join(pieces[begin:end]).encode("utf-8", errors="replace"))
            except OSError as error:
                self._why = error.strerror or str(error)
                self._lost += _count(pieces[begin:end])
                self._give_up()
            begin = end

    def _write_part(self, data: bytes) -> None:
        if time.monotonic() >= self._finished_at:
            self._finish()
        if self._file < 0 or self._bytes + len(data) > self._maximum_segment_bytes or not os.fstat(self._file).st_nlink:
            self._close()
            self._make_room(len(data))
            self._open()
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError:
            with suppress(OSError):  # a torn line costs itself alone, but need not stay
                os.ftruncate(self._file, self._bytes)
            raise
        self._bytes += written

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Never a name again that was ours: their order is that of the entries, even when the clock is put back.
        milliseconds = max(time.time_ns() // 1_000_000, self._latest_milliseconds + 1)
        while self._file < 0:
            with suppress(FileExistsError):
                path = segment_path(self._folder, milliseconds=milliseconds, pid=os.getpid())
                self._file, self._path = self._opened(path), path
            self._latest_milliseconds = milliseconds
            milliseconds += 1
        self._bytes = 0
        self._finished_at = time.monotonic() + self._maximum_segment_seconds

    def _opened(self, path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _close(self) -> None:
        if self._file >= 0:
            with suppress(OSError):
                os.close(self._file)
        self._file = -1

    def _finish(self) -> None:
        """Its writer lives but is done with this segment: that it may not be written to says so to the reader."""
        if self._file >= 0 and self._path is not None:
            with suppress(OSError):
                self._path.chmod(FINISHED_MODE)
        self._close()

    def _give_up(self) -> None:
        """What cannot be written to is begun anew; while the disk is full that must not leave one file for each try."""
        if self._file >= 0 and self._path is not None and not self._bytes:
            with suppress(OSError):
                self._path.unlink()
        self._close()

    def _make_room(self, more: int) -> None:
        """Whole segments go, the oldest first, until a full one more is within the bound."""
        sizes: dict[Path, int] = {}
        for path in segment_paths(self._folder):
            with suppress(FileNotFoundError):
                sizes[path] = path.stat().st_size
        room = self._maximum_bytes - max(more, self._maximum_segment_bytes)
        while sizes and sum(sizes.values()) > room:
            oldest = next(iter(sizes))
            del sizes[oldest]
            with suppress(FileNotFoundError):  # the reader, or another writer, was faster
                lines = oldest.read_bytes().count(b"\n")
                oldest.unlink()
                self._lost += lines
                self._why = f"more than {self._maximum_bytes >> 20} MiB wait for the process ami"

    def _count(self) -> None:
        """Brings the file ``dropped`` up to date, which two writers may share; later, if that does not go now."""
        lines = self.dropped - self._counted
        if not lines:
            return
        with suppress(OSError):
            file = os.open(self._folder / DROPPED, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                text = os.pread(file, 32, 0).strip()
                os.pwrite(file, b"%-20d\n" % ((int(text) if text.isdigit() else 0) + lines), 0)
            finally:
                os.close(file)
            self._counted += lines
        now = time.monotonic()
        if self._told_at is None or now >= self._told_at + TELL_AGAIN_SECONDS:
            self._told_at = now
            with suppress(Exception):
                self._say(f"The journal in {self._folder} has dropped {self.dropped} lines so far: {self._why}.")


def _count(pieces: list[str]) -> int:
    return sum(piece.count("\n") for piece in pieces)


def _ends(pieces: list[str], maximum_bytes: int) -> Iterator[int]:
    """Where to cut, so that what lies between fits into a segment; a piece alone may be too long."""
    size = 0
    for place, piece in enumerate(pieces):
        more = len(piece) if piece.isascii() else len(piece.encode("utf-8", errors="replace"))
        if size and size + more > maximum_bytes:
            yield place
            size = 0
        size += more
    yield len(pieces)
