# SPDX-License-Identifier: EUPL-1.2
"""Feeds: the running table and the stream of events, kept up to date over every reconnect."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from routing.core.compile import compile_table
from routing.core.rows import CompileError
from routing.core.table import Table
from routing.store.listening import follow
from routing.store.records import StoredEvent
from routing.store.schema import EVENT_CHANNEL, TABLE_CHANNEL
from routing.store.store import Store

_BATCH = 500


class TableFeed:
    """Gives ``on_table`` the live table at the start and each new version once.

    A version that does not compile goes to ``on_problem`` as a sentence, once, and never to ``on_table``; so does a
    loss of the database, once until it is back.
    """

    def __init__(self, store: Store, *, on_table: Callable[[Table], None], on_problem: Callable[[str], None]) -> None:
        self._store = store
        self._on_table = on_table
        self._on_problem = on_problem
        self._version: int | None = None

    async def run(self) -> None:
        """Runs until cancelled."""
        await follow(self._store, TABLE_CHANNEL, read=self._read, on_state=self._state)

    async def _read(self) -> None:
        if await self._store.live_version() == self._version:
            return
        loaded = await self._store.load_rows()
        if loaded is None or loaded[1] == self._version:
            return
        rows, version = loaded
        try:
            table = compile_table(rows, version=version)
        except CompileError as error:
            self._version = version
            self._on_problem(f"Version {version} of the configuration is not used, it does not compile: {error}")
            return
        self._on_table(table)
        self._version = version

    def _state(self, connected: bool, problem: str) -> None:
        if not connected:
            self._on_problem(problem)


class EventFeed:
    """Gives ``on_events`` every event after number ``after``, each once, in order, without gaps.

    ``after=None`` begins with what comes after the start. ``on_state`` hears whether the database can be heard.
    """

    def __init__(
        self,
        store: Store,
        *,
        after: int | None,
        on_events: Callable[[Sequence[StoredEvent]], None],
        on_state: Callable[[bool], None] = lambda _connected: None,
    ) -> None:
        self._store = store
        self._seq = after
        self._on_events = on_events
        self._on_state = on_state

    async def run(self) -> None:
        """Runs until cancelled."""
        await follow(
            self._store, EVENT_CHANNEL, read=self._read, on_state=lambda connected, _problem: self._on_state(connected)
        )

    async def _read(self) -> None:
        if self._seq is None:
            self._seq = await self._store.last_seq()
        while events := await self._store.events_after(self._seq, limit=_BATCH):
            self._on_events(events)
            self._seq = events[-1].seq
