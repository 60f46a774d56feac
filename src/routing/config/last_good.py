# SPDX-License-Identifier: EUPL-1.2
"""The last good table: the rows of a version that compiled, in a file that a router starts from without a database.

::

    {"format": 1, "version": 7, "made_at": "…", "kept_at": "…", "rows": 900, "numbers": 700}
    ["tenants", {"slug": "stadt-x", …}]         a row, one for each line; those of numbers come last, blocks first
    …
    {"sha256": "…"}                             of everything before this line

It is written whole under another name and then given its own, so that there is never half of one. Rows are
configuration and hold no personal data; the file is its owner's alone all the same.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from routing.core.compile import NUMBER_ROWS, take_steps
from routing.core.compile_numbers import NumberRow
from routing.core.places import COLLECTIONS
from routing.core.row_json import RowJsonError, read_row, row_json
from routing.core.rows import CompileError, Row, Rows
from routing.core.steps import Steps
from routing.core.table import Table

FORMAT = 1
_NUMBERS = tuple(name for name, row_type in COLLECTIONS.items() if row_type in NUMBER_ROWS)
_OTHERS = tuple(name for name in COLLECTIONS if name not in _NUMBERS)
_CHUNK_BYTES = 1 << 18
_LONGEST_HEAD_BYTES = 4096


class LastGoodError(Exception):
    """The file is not to be used; ``str(error)`` says why, in one sentence."""


class NoLastGoodError(LastGoodError):
    """There is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept: a version, the instant it was made, the instant it was written here (aware), and how many rows."""

    version: int
    made_at: datetime
    kept_at: datetime
    rows: int
    numbers: int

    @property
    def identity(self) -> tuple[int, datetime]:
        """What tells the version from another of the same number."""
        return self.version, self.made_at


def write_last_good(path: Path, rows: Rows, *, version: int, made_at: datetime, kept_at: datetime) -> None:
    """Keep the rows of a version that compiled. Raises OSError, and then leaves the file as it was."""
    head = {
        "format": FORMAT,
        "version": version,
        "made_at": made_at.isoformat(),
        "kept_at": kept_at.isoformat(),
        "rows": sum(len(getattr(rows, name)) for name in COLLECTIONS),
        "numbers": sum(len(getattr(rows, name)) for name in _NUMBERS),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            digest = hashlib.sha256()
            for line in _lines(head, rows):
                digest.update(line)
                file.write(line)
            file.write(_line({"sha256": digest.hexdigest()}))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _keep_name(path.parent)


def _lines(head: object, rows: Rows) -> Iterator[bytes]:
    yield _line(head)
    for name in (*_OTHERS, *_NUMBERS):
        for row in getattr(rows, name):
            yield _line([name, row_json(row)])


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def _keep_name(folder: Path) -> None:
    """A power failure may not take the new name back."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def look_at_last_good(path: Path) -> Kept:
    """What the file says of itself; the rest of it is not looked at. Raises LastGoodError."""
    with _open(path) as file:
        return _read_head(path, file)


class LastGood:
    """An intact file, open: whatever takes its name from now on, this one is read.

    Opening it reads all of it once and raises LastGoodError: a process that must not wait does that in a thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)
        try:
            self.kept = _read_head(path, self._file)
            self._start = self._file.tell()
            _check_sum(path, self._file)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_about: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._file.close()

    def table_steps(self) -> Steps[Table]:
        """Its table, in steps. Raises LastGoodError if the rows make none."""
        self._file.seek(self._start)
        first = self.kept.rows - self.kept.numbers
        found: dict[str, list[Row]] = {name: [] for name in _OTHERS}
        for number in range(first):
            collection, row = self._row(number, _OTHERS)
            found[collection].append(row)
            yield
        others: dict[str, Any] = {name: tuple(rows) for name, rows in found.items()}
        numbers: Iterable[Any] = (self._row(number, _NUMBERS)[1] for number in range(first, self.kept.rows))
        typed: Iterable[NumberRow] = numbers
        try:
            return (yield from take_steps(replace(Rows(), **others), typed, version=self.kept.version))
        except CompileError as error:
            raise LastGoodError(f"{self._path} does not compile, so it is not used: {error}") from error

    def _row(self, number: int, collections: tuple[str, ...]) -> tuple[str, Row]:
        place = f"{self._path}, line {number + 2}"
        try:
            collection, value = json.loads(self._file.readline())
            if collection in collections:
                return collection, read_row(collection, value, place=place)
        except RowJsonError as error:
            raise LastGoodError(f"{error}; the file is not used.") from None
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise LastGoodError(f"{place} holds no row ({error}), so the file is not used.") from None
        raise LastGoodError(f"{place} holds a row of {collection!r} where none may stand, so the file is not used.")


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise NoLastGoodError(f"There is no last good table at {path} yet.") from None
    except OSError as error:
        raise LastGoodError(f"{path} cannot be read ({error.strerror}), so it is not used.") from None


def _read_head(path: Path, file: BufferedReader) -> Kept:
    try:
        head = json.loads(file.readline(_LONGEST_HEAD_BYTES))
        written = head["format"]
        if written == FORMAT:
            kept = Kept(
                version=int(head["version"]),
                made_at=datetime.fromisoformat(head["made_at"]),
                kept_at=datetime.fromisoformat(head["kept_at"]),
                rows=int(head["rows"]),
                numbers=int(head["numbers"]),
            )
            if kept.made_at.tzinfo is not None and kept.kept_at.tzinfo is not None:
                return kept
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        written = None
    if isinstance(written, int) and written > FORMAT:
        raise LastGoodError(f"{path} has format {written}, and this program reads {FORMAT}: a newer one has kept it.")
    raise LastGoodError(f"{path} does not begin as a last good table does, so it is not used.")


def _check_sum(path: Path, file: BufferedReader) -> None:
    """The last line holds the sum of all before it; a file that was cut off has no such line."""
    digest, behind = hashlib.sha256(), b""
    file.seek(0)
    try:
        while chunk := file.read(_CHUNK_BYTES):
            behind += chunk
            last_line = behind.rfind(b"\n", 0, -1) + 1  # may still be the file's last one
            digest.update(behind[:last_line])
            behind = behind[last_line:]
    except OSError as error:
        raise LastGoodError(f"{path} cannot be read ({error.strerror}), so it is not used.") from None
    try:
        expected = json.loads(behind)["sha256"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise LastGoodError(f"{path} is cut off: its checksum is missing, so it is not used.") from None
    if expected != digest.hexdigest():
        raise LastGoodError(f"{path} was damaged: its checksum is wrong, so it is not used.")
