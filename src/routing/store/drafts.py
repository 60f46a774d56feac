# SPDX-License-Identifier: EUPL-1.2
"""Drafts: lists of row changes that are worked on for a while, and then published or discarded.

Each change says which row it was made to. An edit of a row takes what is live there now for that, so that setting a
row again settles its conflict. Whoever edits or closes a draft holds its row in ``draft`` locked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.core.changes import RowChange, reverse
from routing.core.changes import in_utc as in_utc_row
from routing.core.row_json import RowJsonError, read_row, row_json
from routing.core.rows import OverrideRow, Row
from routing.store.configuration import live_version
from routing.store.configuration_tables import ROW_TABLE_OF
from routing.store.draft_tables import draft, draft_change
from routing.store.problems import StoreError
from routing.store.records import StoredDraft
from routing.store.values import in_utc, storable
from routing.store.versions import changes_between, row_of_version

_Numbered = dict[int, RowChange]


async def create(
    connection: AsyncConnection,
    changes: Iterable[RowChange],
    *,
    title: str,
    author: str,
    at: datetime,
    base_version: int,
) -> int:
    made = {
        "title": storable("The title", title),
        "author": storable("The author", author),
        "at": in_utc(at),
        "base_version": base_version,
        "changed_by": author,
        "changed_at": in_utc(at),
    }
    number: int = (await connection.execute(draft.insert().values(made).returning(draft.c.number))).scalar_one()
    rows = [{"draft": number, "position": place, **_columns(item)} for place, item in enumerate(changes, start=1)]
    if rows:
        await connection.execute(draft_change.insert(), rows)
    return number


async def roll_back(
    connection: AsyncConnection,
    changes: Iterable[RowChange],
    *,
    title: str,
    author: str,
    at: datetime,
    base_version: int,
) -> int:
    """A draft that undoes the changes; overrides are left as they are."""
    undone = reverse(change for change in changes if not isinstance(change.row, OverrideRow))
    if not undone:
        raise StoreError("There is nothing to roll back: nothing was changed, or overrides alone.")
    return await create(connection, undone, title=title, author=author, at=at, base_version=base_version)


async def drafts(connection: AsyncConnection, *, closed: bool) -> tuple[StoredDraft, ...]:
    query = _SUMMARY.order_by(draft.c.number)
    if not closed:
        query = query.where(draft.c.closed_at.is_(None))
    return tuple(StoredDraft(**row) for row in (await connection.execute(query)).mappings())


async def one(connection: AsyncConnection, number: int) -> tuple[StoredDraft, tuple[RowChange, ...]]:
    row = (await connection.execute(_SUMMARY.where(draft.c.number == number))).mappings().one_or_none()
    if row is None:
        raise _no_such_draft(number)
    return StoredDraft(**row), tuple((await _changes(connection, number)).values())


async def edit(
    connection: AsyncConnection,
    number: int,
    row: Row,
    kind: Literal["set", "remove", "undo"],
    *,
    author: str,
    at: datetime,
) -> None:
    """Set the row, remove the one that has its key, or leave that one as it is live."""
    found, changes = await locked(connection, number)
    newest = await live_version(connection) or 0
    about = RowChange(before=row, after=row)
    live = await row_of_version(connection, about, newest)
    position = next((place for place, item in changes.items() if _identity(item) == _identity(about)), None)
    if kind == "undo" and position is None:
        raise StoreError(f"Draft {number} does not change {about.place}: there is nothing to undo.")
    if kind == "remove" and position is None and live is None:
        raise StoreError(f"There is no {about.place} to remove.")
    after = {"set": in_utc_row(row), "remove": None, "undo": live}[kind]
    if position is not None:
        del changes[position]
        which = (draft_change.c.draft == number) & (draft_change.c.position == position)
        await connection.execute(delete(draft_change).where(which))
    if after != live:
        place = position or max(changes, default=0) + 1
        changes[place] = RowChange(before=live, after=after)
        values = {"draft": number, "position": place, **_columns(changes[place])}
        await connection.execute(draft_change.insert(), values)
    fits = await _fits(connection, found.base_version, newest, changes.values())
    base = {"base_version": newest if fits else found.base_version}
    await connection.execute(update(draft).where(draft.c.number == number).values(base | _changed(author, at)))


async def discard(connection: AsyncConnection, number: int, *, author: str, at: datetime) -> None:
    await locked(connection, number)
    await close(connection, number, author=author, at=at, published_version=None)


async def close(
    connection: AsyncConnection, number: int, *, author: str, at: datetime, published_version: int | None
) -> None:
    """Of a draft that is `locked`."""
    closed = {"closed_at": in_utc(at), "published_version": published_version} | _changed(author, at)
    await connection.execute(update(draft).where(draft.c.number == number).values(closed))


async def locked(connection: AsyncConnection, number: int) -> tuple[StoredDraft, _Numbered]:
    """An open draft that nobody else can change before the transaction ends; its changes by their position."""
    await connection.execute(select(draft.c.number).where(draft.c.number == number).with_for_update())
    row = (await connection.execute(_SUMMARY.where(draft.c.number == number))).mappings().one_or_none()
    if row is None:
        raise _no_such_draft(number)
    found = StoredDraft(**row)
    if found.state == "published":
        raise StoreError(f"Draft {number} was published as version {found.published_version}: make a new draft.")
    if found.state == "discarded":
        raise StoreError(f"Draft {number} was discarded: make a new draft.")
    return found, await _changes(connection, number)


async def _fits(connection: AsyncConnection, base: int, newest: int, changes: Iterable[RowChange]) -> bool:
    """Whether each change still finds what it was made to, so that the draft's base may move on to ``newest``."""
    since = {_identity(change): change.after for change in await changes_between(connection, base, newest)}
    return all(
        since[_identity(change)] in (change.before, change.after) for change in changes if _identity(change) in since
    )


async def _changes(connection: AsyncConnection, number: int) -> _Numbered:
    query = select(draft_change).where(draft_change.c.draft == number).order_by(draft_change.c.position)
    rows = (await connection.execute(query)).mappings()
    return {row["position"]: _change(number, dict(row)) for row in rows}


def _change(number: int, row: dict[str, Any]) -> RowChange:
    collection, place = row["collection"], f"{row['collection']} {row['key']}"
    try:
        before, after = [
            None if value is None else in_utc_row(read_row(collection, value, place=place))
            for value in (row["before"], row["after"])
        ]
    except (RowJsonError, KeyError) as error:
        raise StoreError(
            f"Draft {number} was made by another release of Amtsleitung and cannot be read ({error}): "
            "discard it, and make it again."
        ) from None
    return RowChange(before=before, after=after)


def _columns(change: RowChange) -> dict[str, Any]:
    """Raises StoreError for an override, and for what the database cannot keep."""
    if isinstance(change.row, OverrideRow):
        raise StoreError(
            f"{change.place}: a draft holds no override, which is live as soon as it is thrown: "
            "use `amtsleitung override`."
        )
    for row in (change.before, change.after):
        if row is not None:
            ROW_TABLE_OF[change.collection].encode(row)
    key = [part.isoformat() if isinstance(part, datetime) else part for part in change.key]
    return {
        "collection": change.collection,
        "key": json.dumps(key, ensure_ascii=False),
        "before": None if change.before is None else row_json(change.before),
        "after": None if change.after is None else row_json(change.after),
    }


def _identity(change: RowChange) -> tuple[str, tuple[object, ...]]:
    return change.collection, change.key


def _changed(author: str, at: datetime) -> dict[str, Any]:
    return {"changed_by": storable("The author", author), "changed_at": in_utc(at)}


def _no_such_draft(number: int) -> StoreError:
    return StoreError(f"There is no draft {number}: `amtsleitung draft list` shows those that are open.")


_COUNTED = (
    select(func.count()).select_from(draft_change).where(draft_change.c.draft == draft.c.number).scalar_subquery()
)
_SUMMARY = select(draft, _COUNTED.label("changes"))
