# SPDX-License-Identifier: EUPL-1.2
"""The configuration in versions: reading the live one, and saving another as the next."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.core.rows import Row, Rows
from routing.store.configuration_tables import ROW_TABLES, RowTable, configuration_version, device_secret
from routing.store.problems import StoreError
from routing.store.schema import TABLE_CHANNEL
from routing.store.values import in_utc

_SAVE_LOCK = 0x616D7473_00000001  # "amts", 1
_SECRET_BYTES = 16
_Columns = Mapping[str, Any]


async def live_version(connection: AsyncConnection) -> int | None:
    version: int | None = (await connection.execute(select(func.max(configuration_version.c.version)))).scalar_one()
    return version


async def load_rows(connection: AsyncConnection) -> tuple[Rows, int] | None:
    """The connection must read one snapshot (REPEATABLE READ): this is more than one query."""
    version = await live_version(connection)
    if version is None:
        return None
    collections = {}
    for rows in ROW_TABLES:
        live = await _live(connection, rows)
        collections[rows.collection] = tuple(rows.decode(columns) for columns in live)
    return Rows(**collections), version  # type: ignore[arg-type]


async def save_rows(
    connection: AsyncConnection, rows: Rows, *, author: str, comment: str, at: datetime, base_version: int | None
) -> int:
    """Within the caller's transaction. Raises StoreError if another version than ``base_version`` is live."""
    await connection.execute(select(func.pg_advisory_xact_lock(_SAVE_LOCK)))
    live = await live_version(connection)
    if base_version is not None and base_version != (live or 0):
        raise StoreError(
            f"The configuration has changed meanwhile: this change was made to version {base_version}, "
            f"but version {live or 0} is live. Make it again, to that one."
        )
    changes = [(table, *await _difference(connection, table, getattr(rows, table.collection))) for table in ROW_TABLES]
    if live is not None and not any(gone or new for _, gone, new in changes):
        return live
    version = (live or 0) + 1
    stamp = {"version": version, "author": author, "comment": comment, "at": in_utc(at)}
    await connection.execute(configuration_version.insert(), stamp)
    for rows_table, gone, new in changes:
        table = rows_table.table
        if gone:  # first, for the unique index on live keys
            await connection.execute(update(table).where(table.c.row_id.in_(gone)).values(version_to=version))
        if new:
            await connection.execute(table.insert(), [{**columns, "version_from": version} for columns in new])
    await _keep_secrets(connection, {agent.device for agent in rows.agents})
    await connection.execute(select(func.pg_notify(TABLE_CHANNEL, cast(str(version), Text))))
    return version


async def _difference(
    connection: AsyncConnection, table: RowTable, rows: tuple[Row, ...]
) -> tuple[list[int], list[_Columns]]:
    """The ids of live rows that are gone or changed, and the columns of rows that are new or changed."""
    wanted: dict[tuple[object, ...], _Columns] = {}
    for row in rows:
        columns = table.encode(row)
        if wanted.setdefault(table.key(columns), columns) is not columns:
            key = "/".join(str(part) for part in table.key(columns))
            raise StoreError(f"{table.collection}[{key}] is there twice: remove one of the two.")
    kept, gone = set(), []
    for live in await _live(connection, table):
        key_columns = table.key(live)
        if wanted.get(key_columns) == {name: live[name] for name in table.columns}:
            kept.add(key_columns)
        else:
            gone.append(live["row_id"])
    return gone, [columns for key, columns in wanted.items() if key not in kept]


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
