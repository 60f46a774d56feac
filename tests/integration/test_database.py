# SPDX-License-Identifier: EUPL-1.2
"""Two starts, or a start and an import, on one empty database: the first one wins and nobody's work is overwritten."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from amtsleitung.cli.configuration import _import
from amtsleitung.database import EXAMPLE, import_example_if_empty
from amtsleitung.tables import rows_of_file
from routing.core.rows import Rows
from routing.store import RoleUrls, Store, StoreError


async def test_two_starts_on_one_empty_database_import_the_example_once(
    database: RoleUrls, owner_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = asyncio.Barrier(2)
    really = Store.load_rows

    async def load_together(store: Store) -> tuple[Rows, int] | None:
        found = await really(store)
        async with asyncio.timeout(30):
            await both.wait()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Store, "load_rows", load_together)
        starts = (import_example_if_empty(database.owner) for _ in range(2))
        assert await asyncio.gather(*starts) == [1, 1]
    assert await owner_store.live_version() == 1


async def test_a_start_leaves_what_was_imported_meanwhile_alone(
    database: RoleUrls, owner_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = _mine()
    await _imported_meanwhile(owner_store, mine, monkeypatch)
    assert await import_example_if_empty(database.owner) == 1
    monkeypatch.undo()
    assert await owner_store.load_rows() == (mine, 1)


async def test_an_import_into_an_empty_database_overwrites_nothing(
    owner_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = _mine()
    await _imported_meanwhile(owner_store, mine, monkeypatch)
    with pytest.raises(StoreError, match=r"made to version 0, but version 1 is live"):
        await _import(
            owner_store, rows_of_file(EXAMPLE), Path(EXAMPLE), replace=False, dry_run=False, author="test", comment=""
        )
    monkeypatch.undo()
    assert await owner_store.load_rows() == (mine, 1)


def _mine() -> Rows:
    rows = rows_of_file(EXAMPLE)
    return replace(rows, trunks=rows.trunks[:-1])


async def _imported_meanwhile(store: Store, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on whoever asks sees the empty database of a moment ago; ``rows`` are already live."""
    await store.save_rows(rows, author="somebody", comment="", at=datetime.now(UTC), base_version=0)

    async def nothing(_store: Store) -> None:
        return None

    monkeypatch.setattr(Store, "load_rows", nothing)
