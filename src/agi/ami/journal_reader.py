# SPDX-License-Identifier: EUPL-1.2
"""The call path's own journal, read to fill the gaps that this process or the database has left in the call log.

::

    fastagi ──▶ STATE_DIR/journal/decisions-….jsonl ──▶ here, once it is 10 s old
                                                         └ nobody has recorded that call's routing? then it is now

Its one rule: the observer comes first. It knows how a call went on and ended, the journal only that it was routed; so
an entry is looked at when Asterisk has just answered, and all that it said before is in the database. Which of the two
came first is decided in the database (`routing.store.call_log`), once for each call.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from routing.config.journal import FINISHED_MODE, Entry, dropped, read_entry, segment_paths, segment_pid
from routing.core.events import PERSONAL_DATA_PERIOD, CallEnded, CallEvent, CallReceived, CallRouted

INTERVAL_SECONDS = 5.0
LOOK_SECONDS = 60.0
AGE = timedelta(seconds=10)
IDLE_SECONDS = 60.0
QUIET_SECONDS = 3_600.0
_BATCH = 100
_PIECE_BYTES = 256 * 1_024

_log = structlog.get_logger(__name__)


class _UnknownError(Exception):
    """Nobody knows just now which calls there are."""


class GapStore(Protocol):
    """Where gaps are filled; `routing.store.Store` is one."""

    async def fill_gaps(self, events: Sequence[CallEvent]) -> int:
        """Record those events of whose call no routing is recorded; of how many calls."""


class JournalReader:
    """`run` in one task.

    ``calls`` gives the callers' channels that Asterisk has just now, None while that cannot be known; ``written``
    returns when all that was heard by now is in the database. ``filled`` counts the calls that were recorded from here,
    ``lost`` the decisions that the journal had no room for, ever.
    """

    def __init__(
        self,
        folder: Path,
        *,
        node: str,
        store: GapStore,
        calls: Callable[[], Awaitable[Collection[str] | None]],
        written: Callable[[], Awaitable[None]],
        clock: Callable[[], datetime],
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._folder = folder
        self._node = node
        self._store = store
        self._calls = calls
        self._written = written
        self._clock = clock
        self._interval_seconds = interval_seconds
        #: Up to this byte every line of the segment is recorded, torn, or too old to be kept.
        self._settled: dict[Path, int] = {}
        self._log = _log.bind(node=node)
        self.filled = 0
        self.lost: int | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.look()
            except Exception as error:  # the database is away, or the disk: it is all still there the next time
                with suppress(Exception):
                    self._log.warning("the journal waits", problem=f"{type(error).__name__}: {error}")
            await asyncio.sleep(self._interval_seconds)

    async def look(self) -> None:
        """Fill the gaps there are now, and remove what is settled. Raises what the store raises, and OSError."""
        paths = await asyncio.to_thread(segment_paths, self._folder)
        self._settled = {path: self._settled.get(path, 0) for path in paths}
        await self._report()
        newest = {segment_pid(path): path for path in paths}
        with suppress(_UnknownError):
            for path in paths:
                # Asked before it is read: what is written behind our look is written into another one then.
                done = newest[segment_pid(path)] is not path or await asyncio.to_thread(_is_left, path)
                if await self._settle(path) and done:
                    await asyncio.to_thread(path.unlink, missing_ok=True)
                    del self._settled[path]

    async def _settle(self, path: Path) -> bool:
        """Whether nothing in the segment is left to do."""
        while True:
            data = await asyncio.to_thread(_read, path, self._settled[path])
            if data is None:
                return True
            settled, torn = 0, 0
            due: list[Entry] = []
            for line in data.splitlines(keepends=True):
                if not line.endswith(b"\n") or len(due) >= _BATCH:
                    break
                entry = read_entry(line[:-1])
                if entry is not None and entry.at > self._clock() - AGE:
                    break
                if entry is None:
                    torn += 1
                elif entry.at > self._clock() - PERSONAL_DATA_PERIOD:
                    due.append(entry)
                settled += len(line)
            if due:
                await self._fill(due)
            if torn:
                self._log.warning("lines of the journal cannot be read", lines=torn, segment=path.name)
            self._settled[path] += settled
            if not settled:
                # A last line without an end is being written, or was by one that is dead: then nobody completes it.
                return not data or (b"\n" not in data and await asyncio.to_thread(_is_left, path))

    async def _fill(self, entries: Sequence[Entry]) -> None:
        calls = await self._calls()
        if calls is None:
            raise _UnknownError
        # Whoever is not among these has ended before now: if that was heard, it is written before we go on.
        there = {entry.unique_id for entry in entries if entry.unique_id in calls}
        await self._written()
        events = [event for entry in entries for event in self._told(entry, ended=entry.unique_id not in there)]
        filled = await self._store.fill_gaps(events)
        if filled:
            self.filled += filled
            self._log.warning("calls recorded from the journal", calls=filled)

    def _told(self, entry: Entry, *, ended: bool) -> list[CallEvent]:
        received = CallReceived(
            node=self._node,
            unique_id=entry.unique_id,
            at=entry.at,
            linked_id=entry.unique_id,
            trunk=entry.trunk or None,
            received=entry.received,
            caller_number=entry.caller,
        )
        routed = CallRouted(
            node=self._node,
            unique_id=entry.unique_id,
            at=entry.at,
            level=entry.level,
            dialled_number=entry.dialled,
            tenant=entry.tenant,
            service_line=entry.line,
            destination_kind=entry.kind,
            queue=entry.queue,
            announcement=entry.announcement,
            target=entry.target,
            table_version=entry.version or None,
            reasons=entry.reasons,
        )
        if not ended:
            return [received, routed]
        end = CallEnded(node=self._node, unique_id=entry.unique_id, at=self._clock(), outcome="unknown", cause=None)
        return [received, routed, end]

    async def _report(self) -> None:
        lost = await asyncio.to_thread(dropped, self._folder)
        if lost > (self.lost or 0):
            # At our start too: while nobody read the journal nobody said so either.
            self._log.error("decisions are lost: the journal was full", lost=lost - (self.lost or 0), lost_ever=lost)
        self.lost = lost


def _read(path: Path, begin: int) -> bytes | None:
    """The segment from this byte on, as much as is looked at in one go; None if it is gone."""
    try:
        with path.open("rb") as file:
            file.seek(begin)
            return file.read(_PIECE_BYTES)
    except FileNotFoundError:
        return None


def _is_left(path: Path) -> bool:
    """Whether its writer has finished it, or is dead and has been quiet: in containers its number says nothing.

    One that lives and has been quiet for long begins another segment: it looks before it writes.
    """
    try:
        status = path.stat()
        quiet_seconds = time.time() - status.st_mtime
        if stat.S_IMODE(status.st_mode) == FINISHED_MODE or quiet_seconds > QUIET_SECONDS:
            return True
        os.kill(segment_pid(path), 0)
    except (ProcessLookupError, OverflowError):
        return quiet_seconds > IDLE_SECONDS
    except FileNotFoundError:
        return True
    except PermissionError:
        return False
    return False
