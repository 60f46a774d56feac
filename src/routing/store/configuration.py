# SPDX-License-Identifier: EUPL-1.2
"""The configuration in versions: reading the live one, and saving another as the next.

Overrides stand apart: they are live from the moment they are thrown until they end, whatever is saved meanwhile. A
version that is made after an override has ended no longer holds it.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Text, and_, bindparam, cast, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.core.changes import DoubledRowError, RowChange, difference, without_ended
from routing.core.rows import Rows
from routing.store.configuration_tables import (
    ROW_TABLE_OF,
    ROW_TABLES,
    RowTable,
    configuration_version,
    device_secret,
)
from routing.store.problems import StoreError
from routing.store.records import Stamp
from routing.store.schema import TABLE_CHANNEL

_SAVE_LOCK = 0x616D7473_00000001  # "amts", 1
_SECRET_BYTES = 16
_Columns = Mapping[str, Any]


async def live_version(connection: AsyncConnection) -> int | None:
    version: int | None = (await connection.execute(select(func.max(configuration_version.c.version)))).scalar_one()
    return version


async def load_rows(connection: AsyncConnection) -> tuple[Rows, int] | None:
    """The connection must read one snapshot (REPEATABLE READ), or hold the save lock: this is more than one query."""
    version = await live_version(connection)
    if version is None:
        return None
    collections = {}
    for rows in ROW_TABLES:
        live = await _live(connection, rows)
        collections[rows.collection] = tuple(rows.decode(columns) for columns in live)
    return Rows(**collections), version  # type: ignore[arg-type]


async def live_for_saving(connection: AsyncConnection) -> tuple[Rows, int]:
    """The live rows (none: version 0), once no other transaction can save before this one ends."""
    await connection.execute(select(func.pg_advisory_xact_lock(_SAVE_LOCK)))
    return await load_rows(connection) or (Rows(), 0)


async def save_rows(connection: AsyncConnection, rows: Rows, stamp: Stamp, *, base_version: int | None) -> int:
    """Within the caller's transaction. Raises StoreError if another version than ``base_version`` is live."""
    live, version = await live_for_saving(connection)
    if base_version is not None and base_version != version:
        raise StoreError(
            f"The configuration has changed meanwhile: this change was made to version {base_version}, "
            f"but version {version} is live. Make it again, to that one."
        )
    return await save_over(connection, (live, version), replace(rows, overrides=live.overrides), stamp)


async def save_over(connection: AsyncConnection, live: tuple[Rows, int], rows: Rows, stamp: Stamp) -> int:
    """Make ``rows``, with their overrides, the next version after ``live``, for which the save lock is held.

    If nothing differs there is none, and the live version is returned.
    """
    before, version = live
    try:
        changes = difference(before, rows)
    except DoubledRowError as error:
        raise StoreError(str(error)) from None
    if version and not changes:
        return version
    after = without_ended(rows, stamp.at)
    overrides = difference(Rows(overrides=before.overrides), Rows(overrides=after.overrides))
    others = [change for change in changes if change.collection != "overrides"]
    await _write(connection, [*others, *overrides], stamp, version + 1)
    await _keep_secrets(connection, {agent.device for agent in after.agents})
    await connection.execute(select(func.pg_notify(TABLE_CHANNEL, cast(str(version + 1), Text))))
    return version + 1


async def _write(connection: AsyncConnection, changes: Iterable[RowChange], stamp: Stamp, version: int) -> None:
    await connection.execute(configuration_version.insert(), {"version": version, **stamp.columns()})
    by_collection: defaultdict[str, list[RowChange]] = defaultdict(list)
    for change in changes:
        by_collection[change.collection].append(change)
    for collection, found in by_collection.items():
        table = ROW_TABLE_OF[collection]
        gone = [table.encode(change.before) for change in found if change.before is not None]
        new = [table.encode(change.after) for change in found if change.after is not None]
        await _end(connection, table, gone, version)  # first, for the unique index on live keys
        if new:
            await connection.execute(table.table.insert(), [{**columns, "version_from": version} for columns in new])


async def _end(connection: AsyncConnection, rows: RowTable, gone: Sequence[_Columns], version: int) -> None:
    """One statement for all rows of which the same parts of the key are null: only so can the index find them."""
    by_nulls: defaultdict[tuple[str, ...], list[_Columns]] = defaultdict(list)
    for columns in gone:
        filled = tuple(name for name in rows.row_type.key_fields if columns[name] is not None)
        by_nulls[filled].append({f"key_{name}": columns[name] for name in filled})
    table = rows.table
    for filled, keys in by_nulls.items():
        is_row = [
            table.c[name] == bindparam(f"key_{name}") if name in filled else table.c[name].is_(None)
            for name in rows.row_type.key_fields
        ]
        statement = update(table).where(and_(table.c.version_to.is_(None), *is_row)).values(version_to=version)
        await connection.execute(statement, keys)


async def _live(connection: AsyncConnection, rows: RowTable) -> list[_Columns]:
    table = rows.table
    query = select(table).where(table.c.version_to.is_(None)).order_by(table.c.row_id)
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def _keep_secrets(connection: AsyncConnection, devices: set[str]) -> None:
    """A secret for each device, made when the device is first seen and kept as long as it is there."""
    known = set((await connection.execute(select(device_secret.c.device))).scalars())
    if gone := known - devices:
        await connection.execute(delete(device_secret).where(device_secret.c.device.in_(sorted(gone))))
    if new := sorted(devices - known):
        # Hexadecimal: the secret also stands in pjsip.conf, where ";" begins a comment.
        rows = [{"device": device, "secret": secrets.token_hex(_SECRET_BYTES)} for device in new]
        await connection.execute(device_secret.insert(), rows)


async def device_secrets(connection: AsyncConnection) -> Mapping[str, str]:
    rows = await connection.execute(select(device_secret.c.device, device_secret.c.secret))
    return {row.device: row.secret for row in rows}
