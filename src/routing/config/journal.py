# SPDX-License-Identifier: EUPL-1.2
"""What the call path decided, on disk until the observer has recorded it: lines of JSON in bounded segments.

::

    journal/decisions-1795314100123-4711.jsonl    begun at that millisecond by that process; at most 1 MiB
            └ {"at": "…", "unique_id": "…", …}    one decision that was carried out, one line
            └ readable only, it is finished; its writer goes on in another one
    journal/dropped                               how many lines were lost so far, because there were too many

The one rule: a call never waits for the disk. Lines are handed to a thread; what it cannot write in time is dropped
and counted. Together the segments have at most 16 MiB: beyond that the oldest goes, and its lines are counted.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

PREFIX, SUFFIX = "decisions-", ".jsonl"
DROPPED = "dropped"
FINISHED_MODE = 0o400  # of a segment that its writer, who lives, writes no more into
_NAME = re.compile(r"decisions-([0-9]{13})-([0-9]{1,10})\.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One decision that was carried out. ``received`` is the dialled text as asked, ``at`` aware; 0 = no version.

    ``queue``, ``announcement`` and ``target`` are the destination's, as far as its kind has them.
    """

    at: datetime
    unique_id: str
    trunk: str
    received: str
    caller: str | None
    level: str
    dialled: str
    tenant: str | None
    line: str | None
    kind: str
    queue: str | None
    announcement: str | None
    target: str | None
    version: int
    reasons: tuple[str, ...]

    def text(self) -> str:
        """The line, with its line feed."""
        values = asdict(self) | {"at": self.at.isoformat(timespec="microseconds")}
        return json.dumps(values) + "\n"


def segment_paths(folder: Path) -> list[Path]:
    """The oldest first; nothing if there is no such folder."""
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(names) if _NAME.fullmatch(name)]


def segment_path(folder: Path, *, milliseconds: int, pid: int) -> Path:
    """Where a process's segment of that moment is."""
    return folder / f"{PREFIX}{milliseconds:013d}-{pid}{SUFFIX}"


def segment_pid(path: Path) -> int:
    """Whose segment it is: the process that writes or wrote it."""
    return int(path.stem.rpartition("-")[2])


def dropped(folder: Path) -> int:
    """How many lines were ever dropped here; 0 if nobody can say."""
    try:
        return int((folder / DROPPED).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


_TYPES: dict[str, tuple[type, ...]] = {
    name: (str, type(None)) for name in ("caller", "tenant", "line", "queue", "announcement", "target")
}
_TYPES |= {"version": (int,), "reasons": (list,)}
_KEYS = tuple(field.name for field in fields(Entry))


def read_entry(line: bytes) -> Entry | None:
    """The entry in a line without its line feed; ``None`` if it is none."""
    try:
        values = json.loads(line)
        if not isinstance(values, dict) or tuple(values) != _KEYS:
            return None
        if not all(isinstance(value, _TYPES.get(key, (str,))) for key, value in values.items()):
            return None
        at = datetime.fromisoformat(values["at"])
        if at.utcoffset() is None or not all(isinstance(rule, str) for rule in values["reasons"]):
            return None
    except (ValueError, RecursionError):
        return None
    return Entry(**values | {"at": at, "reasons": tuple(values["reasons"])})
