# SPDX-License-Identifier: EUPL-1.2
"""Making a draft live, and overrides, which are live at once. Each is one transaction that holds the save lock."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from routing.core.changes import apply, without_ended
from routing.core.compile import compile_table
from routing.core.rows import OverrideRow, Rows
from routing.store import drafts
from routing.store.configuration import live_for_saving, save_over
from routing.store.problems import StoreError
from routing.store.records import Stamp
from routing.store.values import in_utc


async def publish(connection: AsyncConnection, number: int, stamp: Stamp) -> int:
    """Raises ConflictError and CompileError, each with all that it has to say, and StoreError."""
    found, changes = await drafts.locked(connection, number)
    if not changes:
        raise StoreError(f"Draft {number} changes nothing yet: there is nothing to publish.")
    live = await live_for_saving(connection)
    rows = apply(live[0], changes.values())
    version = await _save(connection, live, rows, replace(stamp, comment=stamp.comment or found.title))
    await drafts.close(connection, number, author=stamp.author, at=stamp.at, published_version=version)
    return version


async def throw_override(connection: AsyncConnection, row: OverrideRow, stamp: Stamp) -> int:
    """Raises CompileError if it does not fit the live rows."""
    if _end(row) <= stamp.at:
        raise StoreError(f"The override {row.name} would have ended already: give a later end.")
    rows, version = await live_for_saving(connection)
    others = without_ended(rows, stamp.at).overrides
    if any(other.name == row.name for other in others):
        raise StoreError(f"There is an override {row.name} already: end it first, or choose another name.")
    return await _save(connection, (rows, version), replace(rows, overrides=(*others, row)), stamp)


def _end(row: OverrideRow) -> datetime:
    try:
        return in_utc(row.valid_to)
    except ValueError as error:
        raise StoreError(f"The end of the override {row.name} {error}: give another.") from None


async def end_override(connection: AsyncConnection, name: str, stamp: Stamp) -> int:
    """The new version no longer holds it."""
    rows, version = await live_for_saving(connection)
    there = without_ended(rows, stamp.at).overrides
    others = tuple(row for row in there if row.name != name)
    if len(others) == len(there):
        known = f"there are {', '.join(sorted(row.name for row in there))}" if there else "there is none"
        raise StoreError(f"There is no override {name} that could be ended: {known}.")
    return await save_over(connection, (rows, version), replace(rows, overrides=others), stamp)


async def _save(connection: AsyncConnection, live: tuple[Rows, int], rows: Rows, stamp: Stamp) -> int:
    after = without_ended(rows, stamp.at)
    await asyncio.to_thread(compile_table, after, version=live[1] + 1)  # a large one takes seconds
    return await save_over(connection, live, rows, stamp)
