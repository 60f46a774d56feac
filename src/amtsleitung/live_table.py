# SPDX-License-Identifier: EUPL-1.2
"""The router's tables: the first from disk, whole ones by way of another process, and each kept on disk afterwards.

::

    database ──▶ another process ──▶ last good table ──in slices──▶ this process
        └─────────── a few changed rows ────────────────in slices──────▶ ┘

Nothing here keeps the event loop for longer than a slice. Python's collector of unreachable objects would: it looks at
every object there is, so it rests while a table is made, and what a table is made of is then out of its sight.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

from amtsleitung.keeper import Answer, Keeper
from routing.config.last_good import Kept, LastGood, LastGoodError, NoLastGoodError
from routing.store import RefusedError, Store, StoreError, VersionedTable, in_slices, load_here

SETTLING_SECONDS = 2.0
NEXT_TRY_SECONDS = 60.0
log = structlog.get_logger()


class LiveTable:
    """Where a router's whole tables come from. ``on_problem`` hears, as sentences, what went wrong on the way."""

    def __init__(
        self,
        path: Path,
        *,
        store: Store,
        on_problem: Callable[[str], None],
        settling_seconds: float = SETTLING_SECONDS,
    ) -> None:
        self._path = path
        self._store = store
        self._on_problem = on_problem
        self._settling_seconds = settling_seconds
        self._changed = asyncio.Event()
        self._keeper = Keeper()

    async def close(self) -> None:
        """No table is kept any more."""
        await self._keeper.close()

    async def start(self) -> VersionedTable | None:
        """The last good table, if there is a sound one. Nobody should wait for a call yet."""
        with suppress(OSError):  # it is tried again when there is something to keep
            await self._keeper.start()
        try:
            table, kept = await self._taken()
        except NoLastGoodError:
            return None
        except LastGoodError as error:
            self._on_problem(str(error))
            return None
        log.info("last good table read", version=kept.version, **times_of(kept, datetime.now(UTC)))
        return table

    async def load(self) -> VersionedTable:
        """The live table as a whole. Raises StoreError, and RefusedError if it does not compile."""
        answer = await self._keeper.ask()
        if answer.outcome == "refused":
            raise RefusedError(answer.sentence, version=answer.version, at=datetime.fromisoformat(answer.at))
        if answer.outcome == "away":
            raise StoreError(answer.sentence)
        if answer.outcome == "kept":
            try:
                return (await self._taken())[0]
            except LastGoodError as error:
                answer = Answer(outcome="failed", sentence=str(error))
        self._on_problem(f"The last good table is not kept: {answer.sentence}")
        async with undisturbed():
            return await load_here(self._store)

    def changed(self) -> None:
        """Another version is in use: it is to be kept."""
        self._changed.set()

    async def run(self) -> None:
        """Keep each version on disk, some seconds after it changed; runs until cancelled."""
        good = True
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._settling_seconds)  # a person often makes several changes in a row
            self._changed.clear()
            answer = await self._keeper.ask()
            if answer.outcome != "failed":
                good = True  # a version that is refused, or a lost database, is the feed's to tell
                continue
            if good:
                self._on_problem(f"The last good table is not kept: {answer.sentence}")
            good = False
            await asyncio.sleep(NEXT_TRY_SECONDS)
            self._changed.set()

    async def _taken(self) -> tuple[VersionedTable, Kept]:
        file = await asyncio.to_thread(LastGood, self._path)
        with file:
            async with undisturbed():
                table = await in_slices(file.table_steps())
            return VersionedTable(table=table, at=file.kept.made_at), file.kept


def times_of(kept: Kept, at: datetime) -> dict[str, str | int]:
    """When the version was made and kept, and how many seconds it has been on disk: fields of a log."""
    return {
        "made_at": kept.made_at.isoformat(),
        "kept_at": kept.kept_at.isoformat(),
        "age_seconds": round((at - kept.kept_at).total_seconds()),
    }


@asynccontextmanager
async def undisturbed() -> AsyncIterator[None]:
    """No collection of unreachable objects while a table is made; what there is at the end is never looked at again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
