# SPDX-License-Identifier: EUPL-1.2
"""What was live when, and what changed between two versions.

A version never changes once it is committed, so that several queries about one need no snapshot.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.core.changes import RowChange, reverse
from routing.core.rows import Row, Rows
from routing.store.configuration import live_version
from routing.store.configuration_tables import ROW_TABLE_OF, ROW_TABLES, RowTable, configuration_version
from routing.store.problems import StoreError
from routing.store.records import StoredVersion
from routing.store.values import in_utc


async def versions(connection: AsyncConnection, limit: int, newest: int | None) -> tuple[StoredVersion, ...]:
    query = select(configuration_version).order_by(configuration_version.c.version.desc()).limit(limit)
    if newest is not None:
        query = query.where(configuration_version.c.version <= newest)
    return tuple(StoredVersion(**row) for row in (await connection.execute(query)).mappings())


async def version_at(connection: AsyncConnection, at: datetime) -> StoredVersion | None:
    table = configuration_version
    query = select(table).where(table.c.at <= in_utc(at)).order_by(table.c.version.desc()).limit(1)
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else StoredVersion(**row)


async def one_version(connection: AsyncConnection, version: int) -> StoredVersion | None:
    query = select(configuration_version).where(configuration_version.c.version == version)
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else StoredVersion(**row)


async def rows_of_version(connection: AsyncConnection, version: int) -> Rows:
    await _require(connection, version)
    collections = {}
    for rows in ROW_TABLES:
        query = select(rows.table).where(*_live_in(rows, version)).order_by(rows.table.c.row_id)
        found = (await connection.execute(query)).mappings()
        collections[rows.collection] = tuple(rows.decode(dict(row)) for row in found)
    return Rows(**collections)  # type: ignore[arg-type]


async def row_of_version(connection: AsyncConnection, about: RowChange, version: int) -> Row | None:
    """The row that was live in this version under the key of ``about``."""
    rows = ROW_TABLE_OF[about.collection]
    columns = rows.table.c
    is_row = [
        columns[name].is_(None) if part is None else columns[name] == part
        for name, part in zip(rows.row_type.key_fields, about.key, strict=True)
    ]
    query = select(rows.table).where(*is_row, *_live_in(rows, version))
    found = (await connection.execute(query)).mappings().one_or_none()
    return None if found is None else rows.decode(dict(found))


async def changes_between(connection: AsyncConnection, old: int, new: int) -> tuple[RowChange, ...]:
    """What makes version ``old`` into ``new``, which may be the older one; 0 is the empty configuration."""
    for version in (old, new):
        if version != 0:
            await _require(connection, version)
    if old > new:
        return reverse([change for rows in ROW_TABLES for change in await _changes(connection, rows, new, old)])
    return tuple([change for rows in ROW_TABLES for change in await _changes(connection, rows, old, new)])


async def changes_of_version(connection: AsyncConnection, version: int) -> tuple[RowChange, ...]:
    await _require(connection, version)
    return await changes_between(connection, version - 1, version)


async def changes_since(connection: AsyncConnection, version: int) -> tuple[tuple[RowChange, ...], int]:
    newest = await live_version(connection) or 0
    if version > newest:
        raise StoreError(
            f"The database's newest version is {newest}, and version {version} was seen before: "
            "it was restored from an older backup, and everything must be read again."
        )
    return await changes_between(connection, version, newest), newest


async def few_changes(connection: AsyncConnection, old: int, new: int, at_most: int) -> tuple[RowChange, ...] | None:
    """Only the tables in which something changed are asked for it, and only if it is little."""
    found: Counter[str] = Counter()
    for collection, count in await connection.execute(_COUNTS, {"old": old, "new": new}):
        found[collection] += count
    if found.total() > at_most:
        return None
    changed = [rows for rows in ROW_TABLES if found[rows.collection]]
    return tuple([change for rows in changed for change in await _changes(connection, rows, old, new)])


_COUNTS = text(
    " UNION ALL ".join(
        f"SELECT '{rows.collection}', count(*) FROM {rows.table.fullname} WHERE {column} > :old AND {column} <= :new"  # noqa: S608, constants
        for rows in ROW_TABLES
        for column in ("version_from", "version_to")
    )
)


async def _changes(connection: AsyncConnection, rows: RowTable, old: int, new: int) -> list[RowChange]:
    """Two ways into the table, each by an index: what ended between the versions, and what began."""
    columns = rows.table.c
    ended = and_(columns.version_to > old, columns.version_to <= new, columns.version_from <= old)
    begun = and_(columns.version_from > old, *_live_in(rows, new))
    before, after = [
        {
            rows.key(row): rows.decode(row)
            for row in map(dict, (await connection.execute(select(rows.table).where(which))).mappings())
        }
        for which in (ended, begun)
    ]
    return [
        RowChange(before=before.get(key), after=after.get(key))
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


def _live_in(rows: RowTable, version: int) -> tuple[ColumnElement[bool], ...]:
    columns = rows.table.c
    return columns.version_from <= version, or_(columns.version_to.is_(None), columns.version_to > version)


async def _require(connection: AsyncConnection, version: int) -> None:
    table = configuration_version
    found = (await connection.execute(select(table.c.version).where(table.c.version == version))).scalar_one_or_none()
    if found is None:
        newest = await live_version(connection)
        known = f"there are versions 1 to {newest}" if newest else "nothing was ever saved"
        raise StoreError(f"There is no version {version} of the configuration: {known}.")
