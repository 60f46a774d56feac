# SPDX-License-Identifier: EUPL-1.2
"""The feed of the running table, kept up to date over every reconnect."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from routing.core.compile import change_steps, compile_steps
from routing.core.rows import CompileError
from routing.core.steps import Steps
from routing.core.table import Table
from routing.store.listening import follow
from routing.store.problems import StoreError
from routing.store.records import StoredVersion
from routing.store.schema import TABLE_CHANNEL
from routing.store.slices import in_slices
from routing.store.store import Store

_FEW_CHANGES = 100  # what the driver hands over in one piece must not stop the process either
_SAFETY_READ_SECONDS = 0.5  # a change whose notification is lost is still in use within a second


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionedTable:
    """A table with the instant at which its version was made.

    Only the two together name a version: a database restored from a backup gives the same number again.
    """

    table: Table
    at: datetime

    @property
    def identity(self) -> tuple[int, datetime]:
        return self.table.version, self.at


class RefusedError(Exception):
    """A version does not compile; ``str(error)`` says what is wrong."""

    def __init__(self, sentence: str, *, version: int, at: datetime) -> None:
        super().__init__(sentence)
        self.identity = version, at


Load = Callable[[], Awaitable[VersionedTable]]
"""Gives the live table as a whole. Raises StoreError, and RefusedError if it does not compile."""


class TableFeed:
    """Gives ``on_table`` the live table at the start and each new version once.

    A few changed rows are put into the table that was given last; for more, and at the start, ``load`` gives a whole
    one (left out: it is read and compiled here, in slices). ``start`` is a table to begin with: it spares the load if
    the database still knows its version, and is given as it is if the database is away.

    A version that does not compile goes to ``on_problem`` as a sentence, once, and never to ``on_table``; so does a
    loss of the database, once until it is back.
    """

    def __init__(
        self,
        store: Store,
        *,
        on_table: Callable[[Table], None],
        on_problem: Callable[[str], None],
        start: VersionedTable | None = None,
        load: Load | None = None,
    ) -> None:
        self._store = store
        self._on_table = on_table
        self._on_problem = on_problem
        self._base = start
        self._load = load or (lambda: load_here(store))
        self.connected = False
        """Whether the database is there, as far as is known."""
        self._given = False
        self._seen: tuple[int, datetime] | None = None

    async def run(self) -> None:
        """Runs until cancelled."""
        await follow(
            self._store,
            TABLE_CHANNEL,
            read=self._read,
            on_state=self._state,
            safety_read_seconds=_SAFETY_READ_SECONDS,
        )

    async def _read(self) -> None:
        for newest in await self._store.versions(limit=1):
            if (newest.version, newest.at) != self._seen:
                await self._follow(newest)

    async def _follow(self, newest: StoredVersion) -> None:
        try:
            found = await self._changed(newest) or await self._load()
        except RefusedError as error:
            self._seen = error.identity
            self._on_problem(
                f"Version {error.identity[0]} of the configuration is not used, it does not compile: {error}"
            )
            self._give_start()
            return
        pieces = [] if self._base is None else _pieces(self._base.table)
        self._base, self._seen, self._given = found, found.identity, True
        self._on_table(found.table)
        await in_slices(_let_go(pieces))

    async def _changed(self, newest: StoredVersion) -> VersionedTable | None:
        """The table before with a few rows changed; ``None`` if that is not the way to this version."""
        base = self._base
        if base is None:
            return None
        known = await self._store.version(base.table.version)
        if known is None or (known.version, known.at) != base.identity:
            return None
        changes = await self._store.few_changes(known.version, newest.version, at_most=_FEW_CHANGES)
        if changes is None:
            return None
        try:
            table = await in_slices(change_steps(base.table, changes, version=newest.version))
        except CompileError as error:
            raise RefusedError(str(error), version=newest.version, at=newest.at) from error
        except ValueError:  # the table is not what the database has: it is read anew
            return None
        return VersionedTable(table=table, at=newest.at)

    def _state(self, connected: bool, problem: str) -> None:
        self.connected = connected
        if not connected:
            self._on_problem(problem)
            self._give_start()

    def _give_start(self) -> None:
        if self._base is not None and not self._given:
            self._given = True
            self._on_table(self._base.table)


def _pieces(table: Table) -> list[object]:
    """What a table is made of, for letting go of it."""
    pieces: list[object] = [*table.rows.service_lines, *table.frame.lines.values()]
    for numbers in (table.index.meanings, table.index.blocks, table.index.ranges, table.index.dids_of_block):
        pieces += numbers.shards()
    return pieces


def _let_go(pieces: list[object]) -> Steps[None]:
    """A large table that nobody uses any more ends piece by piece: at once, it would stop the process."""
    while pieces:
        pieces.pop()
        yield


async def load_here(store: Store) -> VersionedTable:
    """The live table, read and compiled by this process. Raises StoreError and RefusedError."""
    loaded = await store.load_rows()
    if loaded is None:
        raise StoreError("The database holds no configuration any more.")
    rows, version = loaded
    made = await store.version(version)
    if made is None:
        raise StoreError(f"The database no longer knows version {version} of its configuration.")
    try:
        table = await in_slices(compile_steps(rows, version=version))
    except CompileError as error:
        raise RefusedError(str(error), version=version, at=made.at) from error
    return VersionedTable(table=table, at=made.at)
