# SPDX-License-Identifier: EUPL-1.2
"""``STATE_DIR/status/fastagi.json``: what the router says of itself every few seconds, for ``amtsleitung status``.

::

    {"pid": 7, "started_at": "…", "at": "…", "table_version": 12, "numbers": 700, "database": true,
     "decisions": {"enter_queue": 90}, "failures": {"peer_closed": 1}, "open_connections": 0}

``database`` is null where there is none. A thread of its own writes it: a disk that is full or hangs costs this file
and nothing else. No personal data.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from amtsleitung.run_file import write_private

PERIOD_SECONDS = 3.0


def status_path(state_directory: Path) -> Path:
    """Where the router of this state directory writes."""
    return state_directory / "status" / "fastagi.json"


@contextmanager
def status_written(path: Path, look: Callable[[], Mapping[str, Any]]) -> Iterator[None]:
    """Writes what ``look`` says until the end of the block; then the file goes, if it is not a successor's by then."""
    ended = threading.Event()
    start = {"pid": os.getpid(), "started_at": datetime.now(UTC).isoformat()}

    def write() -> None:
        while not ended.is_set():
            with suppress(OSError, RuntimeError):  # the loop counts on while this thread reads
                path.parent.mkdir(mode=0o700, exist_ok=True)  # not its parents: alone, it leaves nothing behind
                write_private(path, json.dumps(start | {"at": datetime.now(UTC).isoformat()} | dict(look())) + "\n")
            ended.wait(PERIOD_SECONDS)

    threading.Thread(target=write, name="status file", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        with suppress(OSError):
            if (read_status(path) or {}).get("pid") == os.getpid():
                path.unlink()


def read_status(path: Path) -> dict[str, Any] | None:
    """What the router wrote last; ``None`` if there is nothing to be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
