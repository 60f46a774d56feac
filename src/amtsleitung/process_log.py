# SPDX-License-Identifier: EUPL-1.2
"""What the processes say: whole, harmless lines, each with the process's name, on the terminal and in files."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

MAX_LINE_BYTES = 3_500
"""A longer line is cut into pieces: a pipe or terminal that is writable takes 4,096 bytes without blocking."""
MAX_FILE_BYTES = 5_000_000
PERIOD_SECONDS = 7 * 24 * 3600
"""A file holds lines of one period (counted from 1970, so that a restart does not begin a new one). Older ones go."""
_SWEEP_SECONDS = 3_600.0
_NAME_WIDTH = 10


def harmless(line: bytes) -> str:
    """The text of a log line, with control characters shown as escapes: callers can write into logs, and an
    escape sequence or a turned writing direction would deceive whoever reads them on a terminal."""
    text = line.decode("utf-8", "backslashreplace")
    return "".join(
        character if character == "\t" or character.isprintable() else _escaped(character) for character in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


async def lines_of(output: asyncio.StreamReader) -> AsyncIterator[str]:
    """Every line of ``output``, in bounded memory; the last one also when it has no newline."""
    rest = b""
    while chunk := await output.read(65_536):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            for piece in _pieces(line.removesuffix(b"\r")):
                yield harmless(piece)
        while len(rest) > MAX_LINE_BYTES:
            yield harmless(rest[:MAX_LINE_BYTES])
            rest = rest[MAX_LINE_BYTES:]
    if rest:
        yield harmless(rest)


def _pieces(line: bytes) -> list[bytes]:
    return [line[start : start + MAX_LINE_BYTES] for start in range(0, max(len(line), 1), MAX_LINE_BYTES)]


class ProcessLog:
    """Takes lines and puts them on ``echo`` as ``name | line`` and, bare, into ``directory/<name>.log``.

    A file that has reached its size, or is of an earlier period, becomes ``<name>.log.1`` and a new one begins. An
    older file goes when its last line is a period old: so no line stays for longer than two periods. All files of the
    directory are looked at when this is made and then, while anything is written, every hour.

    A full disk or a closed terminal loses lines, never a process: nothing here raises, and nothing waits for a
    terminal that was halted. How many were lost is told as soon as lines can be written again. ``clock``: seconds
    since 1970, as of the files' times.
    """

    def __init__(
        self,
        directory: Path | None,
        echo: TextIO | None,
        *,
        max_file_bytes: int = MAX_FILE_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._echo = echo
        self._max_file_bytes = max_file_bytes
        self._clock = clock
        self._files: dict[str, int] = {}
        self._lost: Counter[str] = Counter()
        self._torn: set[str] = set()
        self._unshown = 0
        self._swept = 0.0
        self._sweep()

    def path_of(self, name: str) -> Path | None:
        """The log file of a process, for ``run.json``."""
        return None if self._directory is None else self._directory / f"{name}.log"

    def write(self, name: str, line: str) -> None:
        self._show(f"{name:<{_NAME_WIDTH}} | {line}\n")
        self._sweep()
        path = self.path_of(name)
        if path is None:
            return
        try:
            self._store(path, line)
        except OSError:
            self._lost[name] += 1
            self._forget(name)

    def close(self) -> None:
        for name in tuple(self._files):
            self._forget(name)

    def _store(self, path: Path, line: str) -> None:
        name = path.stem
        if name not in self._files:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._files[name] = os.open(path, flags, 0o600)
        lost = self._lost.pop(name, 0)
        try:
            if lost:
                self._append(name, f"({lost} lines were lost here: they could not be written)")
                lost = 0
            self._append(name, line)
        finally:
            if lost:
                self._lost[name] = lost
        if os.fstat(self._files[name]).st_size >= self._max_file_bytes:
            self._move_aside(path)

    def _append(self, name: str, line: str) -> None:
        """Raises OSError, also for a line of which the disk took a part only; what follows begins a new line."""
        data = (f"\n{line}\n" if name in self._torn else f"{line}\n").encode("utf-8", "backslashreplace")
        written = os.write(self._files[name], data)
        if written == len(data):
            self._torn.discard(name)
        else:
            self._torn.add(name)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _sweep(self) -> None:
        now = self._clock()
        # At once in a new period: later the file's time would be the new line's. And not only forwards: a clock that
        # is set back must not stop this.
        if _period(now) == _period(self._swept) and abs(now - self._swept) < _SWEEP_SECONDS:
            return
        self._swept = now
        if self._directory is not None:
            with suppress(OSError):
                for path in sorted(self._directory.glob("*.log.1")):
                    if now - path.stat().st_mtime >= PERIOD_SECONDS:
                        path.unlink()
                for path in sorted(self._directory.glob("*.log")):
                    self._end_period(path, now)

    def _end_period(self, path: Path, now: float) -> None:
        last_line = path.stat().st_mtime
        if now - last_line >= PERIOD_SECONDS:
            self._begin_anew(path.stem)
            path.unlink()
        elif _period(last_line) < _period(now):
            self._move_aside(path)

    def _move_aside(self, path: Path) -> None:
        self._begin_anew(path.stem)
        path.replace(path.with_name(f"{path.name}.1"))

    def _begin_anew(self, name: str) -> None:
        self._forget(name)
        self._torn.discard(name)

    def _forget(self, name: str) -> None:
        descriptor = self._files.pop(name, None)
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)

    def _show(self, text: str) -> None:
        if self._echo is None:
            return
        try:
            if not _takes_text(self._echo):
                self._unshown += 1
                return
            if self._unshown:
                self._echo.write(f"{'supervisor':<{_NAME_WIDTH}} | {self._unshown} lines were not shown\n")
                self._unshown = 0
            self._echo.write(text)
            self._echo.flush()
        except UnicodeEncodeError:  # not in the terminal's alphabet
            self._unshown += 1
        except (OSError, ValueError):  # the terminal has gone, or was closed
            self._echo = None


def _period(seconds: float) -> int:
    return int(seconds // PERIOD_SECONDS)


def offer(stream: TextIO, text: str) -> None:
    """Write this line unless the terminal was halted or has gone: then it is lost, and holds up nobody."""
    with suppress(ValueError):  # a character that is not in its alphabet
        try:
            if _takes_text(stream):
                stream.write(f"{text}\n")
                stream.flush()
        except OSError:
            _silence(stream)


def _silence(stream: TextIO) -> None:
    """What stands in its buffer is tried again when the process ends, and would then change its exit status."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _takes_text(stream: TextIO) -> bool:
    """Whether a write would not block. A stream without a descriptor (a test's) always takes it."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return True
    return bool(select.select([], [descriptor], [], 0)[1])
