# SPDX-License-Identifier: EUPL-1.2
"""``python -m amtsleitung.keep_table PARENT``: brings the last good table on disk up to date, for a router.

A process of its own, because reading, compiling and writing a large configuration takes seconds, which callers would
wait. It ends with its parent, and says in one line what became of it: `amtsleitung.keeper.Answer`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from amtsleitung.errors import Problem
from amtsleitung.keeper import Answer
from amtsleitung.processes import die_with_parent, private_directory
from amtsleitung.settings import read_settings
from routing.config.last_good import LastGood, LastGoodError, write_last_good
from routing.core.compile import compile_table
from routing.core.rows import CompileError
from routing.store import Store, StoredVersion, StoreError

LESS_IMPORTANT = 10  # than whoever answers calls: see nice(2)


def last_good_path(state_directory: Path) -> Path:
    """Where a system keeps its last good table."""
    return state_directory / "table" / "last-good.jsonl"


async def keep_table(url: str, path: Path) -> Answer:
    """Write the live version to ``path``, unless it is there already."""
    try:
        store = await Store.connect(url)
        try:
            for newest in await store.versions(limit=1):
                return _is_kept(newest, path) or await _keep(store, path)
            return Answer(outcome="failed", sentence="The database holds no configuration.")
        finally:
            await store.close()
    except StoreError as error:
        return Answer(outcome="away", sentence=str(error))
    except (OSError, Problem) as error:
        return Answer(outcome="failed", sentence=f"{path} cannot be written ({error}).")


def _is_kept(newest: StoredVersion, path: Path) -> Answer | None:
    with suppress(LastGoodError), LastGood(path) as there:
        if there.kept.identity == (newest.version, newest.at):
            return Answer(outcome="kept", version=newest.version, at=newest.at.isoformat())
    return None


async def _keep(store: Store, path: Path) -> Answer:
    loaded = await store.load_rows()
    assert loaded is not None, "versions are never taken away"
    rows, version = loaded
    made = await store.version(version)
    assert made is not None
    at = made.at.isoformat()
    try:
        compile_table(rows, version=version)
    except CompileError as error:
        return Answer(outcome="refused", sentence=str(error), version=version, at=at)
    private_directory(path.parent, None)
    for left in path.parent.glob(f".{path.name}.*"):  # by one that was killed
        left.unlink(missing_ok=True)
    write_last_good(path, rows, version=version, made_at=made.at, kept_at=datetime.now(UTC))
    return Answer(outcome="kept", version=version, at=at)


def main() -> None:
    """The process."""
    die_with_parent(int(sys.argv[1]))
    os.nice(LESS_IMPORTANT)
    settings = read_settings()
    assert settings.database_url is not None, "whoever starts this has a database"
    answer = asyncio.run(keep_table(settings.database_url, last_good_path(settings.state_directory)))
    sys.stdout.buffer.write(answer.line())


if __name__ == "__main__":
    main()
