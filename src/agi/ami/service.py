# SPDX-License-Identifier: EUPL-1.2
"""The observer's process: everything of this room put together, each task with an owner.

It owns no connection to the database; it is given a store (`routing.store.Store`) and a feed of tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from agi.ami.address import read_ami_url
from agi.ami.call_resync import OpenCall, end_forgotten, restore
from agi.ami.client import AmiConnection
from agi.ami.closing_by_hand import ClosingByHand
from agi.ami.event_writer import EventWriter, Recorder
from agi.ami.fallbacks import Fallbacks, FallbackStore
from agi.ami.journal_reader import GapStore, JournalReader
from agi.ami.observer import Observer
from agi.ami.publisher import Publisher
from agi.ami.publishing import Publishing, Secrets
from routing.core.events import CallEvent
from routing.core.table import Table

EXPIRY_INTERVAL_SECONDS = 3600.0
STORE_SECONDS = 30.0
FIRST_READ_SECONDS = 5.0
FLUSH_SECONDS = 3.0

_log = structlog.get_logger(__name__)


class ObserverStore(Recorder, Secrets, GapStore, FallbackStore, Protocol):
    """What the observer asks of the store."""

    async def open_calls(self, node: str) -> Sequence[OpenCall]:
        """Calls of this node that have not ended."""

    async def expire_personal_data(self, at: datetime) -> int:
        """Remove numbers whose time has come; of how many calls."""


class Feed(Protocol):
    """Delivers each new table until cancelled; `routing.store.TableFeed` is one."""

    async def run(self) -> None:
        """Until cancelled."""


FeedFactory = Callable[[Callable[[Table], None], Callable[[str], None]], Feed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """``resynced``: connected and every call known. ``published``: version of the table Asterisk has, or None."""

    resynced: bool = False
    published: int | None = None

    @property
    def ready(self) -> bool:
        """Calls are observed and Asterisk has a table."""
        return self.resynced and self.published is not None


async def run_observer(
    *,
    ami_url: str,
    node: str,
    store: ObserverStore,
    table_feed: FeedFactory,
    state_directory: Path,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
    on_readiness: Callable[[Readiness], None] = lambda _readiness: None,
    recorded: Path | None = None,
    trunk_passwords: Path | None = None,
) -> None:
    """Observe and publish until ``stop`` is set. Raises ValueError for an unreadable AMI URL, at once.

    ``table_feed`` is given what to call with a new table and with a sentence about one that does not compile.
    """
    service = _Service(
        ami_url=ami_url,
        node=node,
        store=store,
        state_directory=state_directory,
        clock=clock,
        on_readiness=on_readiness,
        recorded=recorded,
        trunk_passwords=trunk_passwords,
    )
    feed = table_feed(service.use_table, service.report_table)
    await service.run(feed, stop)


class _Service:
    def __init__(
        self,
        *,
        ami_url: str,
        node: str,
        store: ObserverStore,
        state_directory: Path,
        clock: Callable[[], datetime],
        on_readiness: Callable[[Readiness], None],
        recorded: Path | None,
        trunk_passwords: Path | None,
    ) -> None:
        self._node = node
        self._store = store
        self._clock = clock
        self._on_readiness = on_readiness
        self._readiness = Readiness()
        self._log = _log.bind(node=node)
        publisher = Publisher(
            state_directory=state_directory, node=node, recorded=recorded, trunk_passwords=trunk_passwords
        )
        self.publishing = Publishing(publisher, store, clock=clock, on_published=self._published)
        self._closing_by_hand = ClosingByHand(node=node, clock=clock)
        self._fallbacks = Fallbacks(store, node=node, clock=clock)
        self._writer = EventWriter(store, prepare=self._end_forgotten)
        self._observer = Observer(
            address=read_ami_url(ami_url),
            node=node,
            sink=self,
            clock=clock,
            on_connection=self._connected,
            on_resynced=self._resynced,
        )
        self._table: Table | None = None
        self._journal = JournalReader(
            state_directory / "journal",
            node=node,
            store=store,
            calls=self._observer.calls_now,
            written=self._writer.written,
            clock=clock,
        )
        self._restored = False
        self._looked = asyncio.Event()

    def put(self, events: Sequence[CallEvent]) -> None:
        """From the observer."""
        self._writer.put(events)
        self._fallbacks.notice(events)

    async def run(self, feed: Feed, stop: asyncio.Event) -> None:
        await self._restore()
        works = {
            "table feed": feed.run,
            "publishing": self.publishing.run,
            "observer": self._observer.run,
            "event writer": self._writer.run,
            "closing by hand": self._closing_by_hand.run,
            "fallbacks": self._fallbacks.run,
            "expiry of personal data": self._expire,
            "reader of the journal": self._journal.run,
        }
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._only_cancelled(name, work), name=name) for name, work in works.items()]
            await stop.wait()
            for task in tasks:
                if task.get_name() != "event writer":
                    task.cancel()
            await self._flush()
            for task in tasks:
                task.cancel()

    async def _only_cancelled(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        await work()
        raise RuntimeError(f"the {name} of the observer has ended by itself")

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._writer.written()
        except TimeoutError:
            self._log.error("the last call events could not be written")

    async def _restore(self) -> None:
        """Calls that an earlier process was following. Without a database the calls are watched all the same."""
        try:
            async with asyncio.timeout(FIRST_READ_SECONDS):
                self._observer.state = restore(self._node, await self._store.open_calls(self._node))
            self._restored = True
        except Exception as error:
            self._log.warning("the database cannot say which calls were going on", problem=str(error))

    async def _end_forgotten(self) -> None:
        """Before the first event is written: what only the database holds to be going on has ended unseen."""
        if self._restored:
            return
        await self._looked.wait()
        open_calls = await self._store.open_calls(self._node)
        ended = end_forgotten(self._node, open_calls, self._observer.state.calls.keys(), self._clock())
        if ended:
            await self._store.record(ended)
        self._restored = True

    async def _expire(self) -> None:
        while True:
            try:
                async with asyncio.timeout(STORE_SECONDS):
                    removed = await self._store.expire_personal_data(self._clock())
                if removed:
                    self._log.info("personal data has expired", calls=removed)
            except Exception as error:
                self._log.warning("personal data cannot be removed now", problem=str(error))
            await asyncio.sleep(EXPIRY_INTERVAL_SECONDS)

    def use_table(self, table: Table) -> None:
        """From the feed."""
        self._table = table
        self.publishing.use_table(table)

    def report_table(self, problem: str) -> None:
        self._log.error("a new table is not used", problem=problem)

    def _connected(self, connection: AmiConnection | None) -> None:
        self.publishing.use_connection(connection)
        self._fallbacks.use_connection(connection)
        self._closing_by_hand.use_connection(connection)

    def _published(self, version: int) -> None:
        if self._table is not None and self._table.version == version:
            self._closing_by_hand.use_table(self._table)
        self._tell(replace(self._readiness, published=version))

    def _resynced(self, resynced: bool) -> None:
        if resynced:
            self._looked.set()
        self._tell(replace(self._readiness, resynced=resynced))

    def _tell(self, readiness: Readiness) -> None:
        if readiness != self._readiness:
            self._readiness = readiness
            self._on_readiness(readiness)
