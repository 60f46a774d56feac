# SPDX-License-Identifier: EUPL-1.2
"""Call events on their way to the database: in order, in batches, through any outage.

Its one rule: putting an event in never waits. While the database is away events wait here, up to a limit; beyond it
the oldest are dropped, counted and logged, because a live page needs the newest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import random
from typing import Protocol

import structlog

from routing.core.events import CallEvent
from routing.store.problems import RefusedValuesError, StoreError

EVENT_LIMIT = 50_000
BATCH = 200
GATHER_SECONDS = 0.005
RECORD_SECONDS = 30.0
FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 5.0
_TRIES_OF_ONE = 5

_log = structlog.get_logger(__name__)


class Recorder(Protocol):
    """Where events go; `routing.store.Store` is one."""

    async def record(self, events: Sequence[CallEvent]) -> int:
        """Write them in one transaction, each once however often it is asked; the last sequence number."""

    async def ping(self) -> None:
        """Raise if the database is away."""


class EventWriter:
    """`put` from anywhere, `run` in one task. ``dropped`` counts events that were lost for good."""

    def __init__(
        self,
        recorder: Recorder,
        *,
        prepare: Callable[[], Awaitable[None]] | None = None,
        limit: int = EVENT_LIMIT,
        first_wait_seconds: float = FIRST_WAIT_SECONDS,
    ) -> None:
        """``prepare`` is awaited, again after each failure, before the first event is written."""
        self._recorder = recorder
        self._prepare = prepare
        self._limit = limit
        self._first_wait_seconds = first_wait_seconds
        self._waiting: deque[CallEvent] = deque()
        self._arrived = asyncio.Event()
        self._moved = asyncio.Event()
        self._taken = 0
        self.dropped = 0
        self.failures = 0

    def put(self, events: Sequence[CallEvent]) -> None:
        """Have these written after all that came before."""
        if not events:
            return
        self._waiting.extend(events)
        self._taken += len(events)
        before = self.dropped
        while len(self._waiting) > self._limit:
            self._waiting.popleft()
            self.dropped += 1
        if before == 0 and self.dropped:
            _say(
                _log.error, "call events are being dropped: the database has been away for too long", limit=self._limit
            )
        self._moved.set()
        self._arrived.set()

    async def written(self) -> None:
        """Return when all that was put in by now has been written (or dropped)."""
        mark = self._taken
        while self._taken - len(self._waiting) < mark:
            self._moved.clear()
            await self._moved.wait()

    async def run(self) -> None:
        """Write until cancelled. An event may be written twice after a failure; the recorder sees to that."""
        while True:
            try:
                if self._prepare is not None:
                    async with asyncio.timeout(RECORD_SECONDS):
                        await self._prepare()
                    self._prepare = None
                await self._write_waiting()
            except Exception as error:
                await self._wait_after(error)

    async def _write_waiting(self) -> None:
        while self._waiting:
            # After a failure one at a time: if one event is the reason, it is found.
            batch = [self._waiting[i] for i in range(min(len(self._waiting), 1 if self.failures else BATCH))]
            dropped = self.dropped
            async with asyncio.timeout(RECORD_SECONDS):
                await self._recorder.record(batch)
            for _ in range(len(batch) - (self.dropped - dropped)):
                self._waiting.popleft()
            self._moved.set()
            if self.failures:
                _say(_log.info, "call events are being written again", waiting=len(self._waiting), dropped=self.dropped)
            self.failures = 0
            if len(batch) < BATCH:
                # Under load: a transaction costs as much for one event as for ten. Who comes after a pause waits for
                # nothing.
                await asyncio.sleep(GATHER_SECONDS)
        self._arrived.clear()
        await self._arrived.wait()

    async def _wait_after(self, error: Exception) -> None:
        self.failures += 1
        _say(_log.warning, "call events wait for the database", problem=str(error), waiting=len(self._waiting))
        if self.failures >= _TRIES_OF_ONE and self._waiting and self._prepare is None and await self._is_refused():
            event = self._waiting.popleft()
            self._moved.set()
            self.dropped += 1
            self.failures = 1
            _say(
                _log.error, "a call event cannot be written and is dropped", kind=event.kind, unique_id=event.unique_id
            )
            return
        wait = min(LONGEST_WAIT_SECONDS, self._first_wait_seconds * 2.0 ** min(self.failures - 1, 10))
        await asyncio.sleep(wait * (1 - random() / 2))  # noqa: S311  # spread, not secrecy

    async def _is_refused(self) -> bool:
        """Whether the oldest event itself is the reason, with a database that answers before and after.

        One that is read-only, full, locked or slow refuses every event, for as long as it may last: they wait.
        """
        if not await self._is_there():
            return False
        oldest = self._waiting[0]
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                await self._recorder.record([oldest])
        except (StoreError, OSError) as error:  # a TimeoutError is an OSError
            refused = isinstance(error, RefusedValuesError)
            return refused and await self._is_there() and self._waiting[0] is oldest
        except Exception:
            return await self._is_there() and self._waiting[0] is oldest
        return False

    async def _is_there(self) -> bool:
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                await self._recorder.ping()
        except Exception:
            return False
        return True


def _say(write: Callable[..., object], event: str, **fields: object) -> None:
    """A line of the log. One that cannot be written must not cost what happened to calls."""
    with suppress(Exception):
        write(event, **fields)
