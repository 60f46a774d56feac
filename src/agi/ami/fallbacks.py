# SPDX-License-Identifier: EUPL-1.2
"""Fallbacks as Asterisk has counted them, taken over into the database.

::

    amtsleitung-fallback/<level>/<cause>/<place>    calls; eight places, so that no call waits for another one's
    amtsleitung-fallback/since                      our mark: it is gone only if Asterisk's database was emptied

The dialplan counts with every process dead; whoever connects next reads what has come together.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from agi.ami.astdb_entries import AstDbEntries, AstDbError
from agi.ami.client import AmiConnection, AmiTimeoutError
from agi.ami.protocol import AmiDisconnectedError
from routing.core.events import FALLBACK_CAUSES, LEVELS, CallEvent, CallRouted

FAMILY = "amtsleitung-fallback"
SINCE = "since"
LOOK_SECONDS = 300.0
TOGETHER_SECONDS = 1.0
STORE_SECONDS = 10.0

_log = structlog.get_logger(__name__)


class FallbackStore(Protocol):
    """Where the counts are kept; `routing.store.Store` is one."""

    async def count_fallbacks(
        self, node: str, since: str, counters: Mapping[tuple[str, str], int], at: datetime
    ) -> None:
        """Keep what was counted since the mark; said twice it counts once."""


class Fallbacks:
    """`run` in one task; the rest from anywhere."""

    def __init__(
        self,
        store: FallbackStore,
        *,
        node: str,
        clock: Callable[[], datetime],
        together_seconds: float = TOGETHER_SECONDS,
    ) -> None:
        self._store = store
        self._node = node
        self._clock = clock
        self._together_seconds = together_seconds
        self._connection: AmiConnection | None = None
        self._due = asyncio.Event()

    def use_connection(self, connection: AmiConnection | None) -> None:
        """Read from this Asterisk from now on; None: from nobody."""
        self._connection = connection
        if connection is not None:
            self._due.set()

    def notice(self, events: Sequence[CallEvent]) -> None:
        """A call that the service did not decide means that there is something to read."""
        if any(isinstance(event, CallRouted) and event.level != "service" for event in events):
            self._due.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._due.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(self._together_seconds)  # fallbacks come in bursts
            self._due.clear()
            if self._connection is not None:
                await self._take(self._connection)

    async def _take(self, connection: AmiConnection) -> None:
        try:
            since, counters = await read_counters(connection, self._clock())
            async with asyncio.timeout(STORE_SECONDS):
                await self._store.count_fallbacks(self._node, since, counters, self._clock())
        except (AstDbError, AmiTimeoutError, AmiDisconnectedError) as error:
            _log.warning("Asterisk does not say how often it fell back", problem=str(error))
        except Exception as error:  # whatever the store raises: Asterisk goes on counting
            _log.warning("fallbacks cannot be counted now", problem=f"{type(error).__name__}: {error}")


async def read_counters(connection: AmiConnection, at: datetime) -> tuple[str, Mapping[tuple[str, str], int]]:
    """The mark, made if there is none, and the calls by level and cause. Raises AstDbError and as `act`."""
    entries = AstDbEntries(connection, family=FAMILY)
    found = await entries.tree()
    since = found.get(SINCE, "")
    if not since:
        since = at.isoformat()
        await entries.put(SINCE, since)
    counters: Counter[tuple[str, str]] = Counter()
    for path, value in found.items():
        level, _, rest = path.partition("/")
        cause = rest.partition("/")[0]
        if level in LEVELS[1:] and cause in FALLBACK_CAUSES and value.isdecimal() and len(value) < 16:
            counters[level, cause] += int(value)
    return since, counters
