# SPDX-License-Identifier: EUPL-1.2
"""Reading calls and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.store.call_tables import call, call_event, event_counter
from routing.store.records import StoredCall, StoredEvent, UnknownNumber

_FIELDS = tuple(item.name for item in fields(StoredCall))
_NEWEST_FIRST = (call.c.first_at.desc(), call.c.node, call.c.unique_id)


async def events_after(connection: AsyncConnection, seq: int, limit: int) -> tuple[StoredEvent, ...]:
    columns = call_event.c
    query = (
        select(columns.seq, columns.node, columns.unique_id, columns.kind, columns.at, columns.payload)
        .where(columns.seq > seq)
        .order_by(columns.seq)
        .limit(limit)
    )
    return tuple(StoredEvent(**row) for row in (await connection.execute(query)).mappings())


async def last_seq(connection: AsyncConnection) -> int:
    seq: int = (await connection.execute(select(event_counter.c.last_seq))).scalar_one()
    return seq


async def calls(
    connection: AsyncConnection, *, limit: int, before: datetime | None, tenant: str | None
) -> tuple[StoredCall, ...]:
    query = select(call).order_by(*_NEWEST_FIRST).limit(limit)
    if before is not None:
        query = query.where(call.c.first_at < before)
    if tenant is not None:
        query = query.where(call.c.tenant == tenant)
    return await _calls(connection, query)


async def unknown_numbers(connection: AsyncConnection, since: datetime, limit: int) -> tuple[UnknownNumber, ...]:
    count, last = func.count().label("calls"), func.max(call.c.first_at).label("last_at")
    query = (
        select(call.c.trunk, call.c.dialled_number, count, last)
        .where(call.c.first_at >= since, call.c.reasons.contains(["unknown_number"]))
        .group_by(call.c.trunk, call.c.dialled_number)
        .order_by(count.desc(), last.desc())
        .limit(limit)
    )
    return tuple(UnknownNumber(**row) for row in (await connection.execute(query)).mappings())


async def one_call(connection: AsyncConnection, node: str, unique_id: str) -> StoredCall | None:
    found = await _calls(connection, select(call).where(call.c.node == node, call.c.unique_id == unique_id))
    return found[0] if found else None


async def ringing(connection: AsyncConnection, agent: str) -> tuple[StoredCall, ...]:
    rung = func.jsonb_each_text(call.c.ringing).table_valued("key", "value")
    query = select(call).where(call.c.ended_at.is_(None), exists(select(rung.c.key).where(rung.c.value == agent)))
    return await _calls(connection, query.order_by(*_NEWEST_FIRST))


async def open_calls(connection: AsyncConnection, node: str) -> tuple[StoredCall, ...]:
    query = select(call).where(call.c.node == node, call.c.ended_at.is_(None))
    return await _calls(connection, query.order_by(*_NEWEST_FIRST))


async def _calls(connection: AsyncConnection, query: Select[Any]) -> tuple[StoredCall, ...]:
    return tuple(_stored(row) for row in (await connection.execute(query)).mappings())


def _stored(row: Mapping[str, Any]) -> StoredCall:
    values = {name: row[name] for name in _FIELDS}
    values["reasons"] = tuple(row["reasons"])
    values["ringing"] = tuple(sorted(set(row["ringing"].values())))
    return StoredCall(**values)
