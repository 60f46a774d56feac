# SPDX-License-Identifier: EUPL-1.2
"""The table of a router with a database: the live one, and the last good one on disk while the database is away."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from amtsleitung.errors import Problem
from amtsleitung.keep_table import last_good_path
from amtsleitung.live_table import LiveTable
from routing.core.table import Table
from routing.store import Store, StoreError, TableFeed, VersionedTable

ANSWER_SECONDS = 10.0
ANSWER_SECONDS_WITH_A_TABLE = 2.0
NEXT_TRY_SECONDS = 1.0
log = structlog.get_logger()


class DatabaseTable:
    """Gives ``on_table`` the table to decide with, and each that follows it."""

    def __init__(
        self, store: Store, disk: LiveTable, start: VersionedTable | None, *, on_table: Callable[[Table], None]
    ) -> None:
        self._store = store
        self._disk = disk
        self._start = start
        self._on_table = on_table
        self._in_use: Table | None = None
        self._feed: TableFeed | None = None

    @property
    def connected(self) -> bool:
        """Whether the database is there, as far as is known."""
        return self._feed is not None and self._feed.connected

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, url: str, state_directory: Path, *, on_table: Callable[[Table], None]
    ) -> AsyncIterator[DatabaseTable]:
        """Reads the last good table, if there is one. Raises ``Problem`` for an address that is none."""
        try:
            store = Store.at(url, deadline_seconds=ANSWER_SECONDS)
        except StoreError as error:
            raise Problem(str(error)) from error
        disk = LiveTable(last_good_path(state_directory), store=store, on_problem=_report)
        try:
            start = await disk.start()
            # Whatever was loaded to get here stays: the collector need not look at it while calls are answered.
            gc.collect()
            gc.freeze()
            yield cls(store, disk, start, on_table=on_table)
        finally:
            await disk.close()
            await store.close()

    async def run(self) -> None:
        """Runs until cancelled. Raises ``Problem`` if there is neither a database nor a table on disk."""
        problem = await self._problem(ANSWER_SECONDS if self._start is None else ANSWER_SECONDS_WITH_A_TABLE)
        if problem is not None:
            if self._start is None:
                raise Problem(problem)
            log.error("the database is away, the last good table is in use", problem=problem, **_named(self._start))
            self._use(self._start.table)
            while await self._problem(ANSWER_SECONDS) is not None:  # noqa: ASYNC110 - nothing tells that it is back
                await asyncio.sleep(NEXT_TRY_SECONDS)
            log.info("the database is back")
        feed = self._feed = TableFeed(
            self._store, on_table=self._use, on_problem=_report, start=self._start, load=self._disk.load
        )
        self._start = None
        keeping = asyncio.create_task(self._keep(), name="keeping of the last good table")
        try:
            await feed.run()
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _keep(self) -> None:
        try:
            await self._disk.run()
        except Exception:  # calls go on without it
            log.exception("the last good table is not kept any more")

    async def _problem(self, deadline_seconds: float) -> str | None:
        """Why the database cannot be used, ``None`` if it can."""
        try:
            async with asyncio.timeout(deadline_seconds):
                await self._store.check()
        except TimeoutError:
            return f"The database at {self._store.address} does not answer within {deadline_seconds:g} seconds."
        except StoreError as error:
            return str(error)
        return None

    def _use(self, table: Table) -> None:
        if table is self._in_use:
            return
        self._in_use = table
        self._on_table(table)
        self._disk.changed()


def _named(table: VersionedTable) -> dict[str, str | int]:
    return {"version": table.table.version, "made_at": table.at.isoformat()}


def _report(problem: str) -> None:
    log.error("table refused", problem=problem)
