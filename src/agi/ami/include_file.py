# SPDX-License-Identifier: EUPL-1.2
"""The generated include on disk and in a running Asterisk: the rules, for a dialplan that has nothing else left.

To load it Asterisk reads its whole dialplan again, so it is written only if it says something new, and loaded only if
the running one has not read it. `include-loaded` beside it says what that one has read.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import structlog

from agi.ami.client import AmiConnection
from agi.ami.files import write_if_changed
from agi.ami.publisher import PublishError
from agi.render.include import include_conf, include_digest
from routing.core.table import Table

INCLUDE = "include.conf"
_LOADED = "include-loaded"
_MODULE = "pbx_config"
_RELOAD_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class IncludeFile:
    """``generated``: the folder in which it lies."""

    def __init__(self, generated: Path) -> None:
        self._path = generated / INCLUDE
        self._loaded = generated / _LOADED

    async def write(self, table: Table, *, at: datetime) -> bool:
        """Have the file hold this table's rules as of ``at`` (aware); whether it says something new.

        Raises PublishError.
        """
        try:
            changed = await asyncio.to_thread(self._write, table, at)
        except OSError as error:
            raise PublishError(
                f"{error.filename or self._path} cannot be written ({error.strerror}): let this user write there"
            ) from error
        if changed:
            _log.info("the dialplan's include is written", version=table.version)
        return changed

    async def load(self, connection: AmiConnection) -> bool:
        """Have a running Asterisk read it, if it has not; whether it had to. Raises PublishError and as `act`."""
        digest = include_digest(await asyncio.to_thread(_read, self._path))
        if not digest or await asyncio.to_thread(_read, self._loaded) == digest:
            return False
        reply = await connection.act("Reload", {"Module": _MODULE}, deadline_seconds=_RELOAD_SECONDS)
        if not reply.success:
            raise PublishError(f"Asterisk did not reload its dialplan ({reply.message})")
        await asyncio.to_thread(write_if_changed, self._loaded, digest)
        _log.info("the dialplan's include is loaded", digest=digest)
        return True

    def _write(self, table: Table, at: datetime) -> bool:
        text = include_conf(table, at=at)
        if include_digest(_read(self._path)) == include_digest(text):
            return False
        # First: an Asterisk that starts between two loads reads a text that we shall never have told it to read.
        if self._loaded.exists():
            write_if_changed(self._loaded, "")
        return write_if_changed(self._path, text)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
