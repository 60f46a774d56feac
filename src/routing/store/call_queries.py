# SPDX-License-Identifier: EUPL-1.2
"""Reading calls and events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.store.call_tables import call, call_event, event_counter
from routing.store.records import Board, StoredCall, StoredEvent, UnknownNumber

_FIELDS = tuple(item.name for item in fields(StoredCall))
_OPEN_CALLS = 2000
_ENDED_CALLS = 500  # newest calls looked through for those an agent has talked
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


async def with_calls(
    connection: AsyncConnection, events: Sequence[StoredEvent], kinds: Collection[str]
) -> tuple[StoredEvent, ...]:
    """The same events, those of these kinds with their calls."""
    names = sorted({(event.node, event.unique_id) for event in events if event.kind in kinds})
    if not names:
        return tuple(events)
    found = await _calls(connection, select(call).where(tuple_(call.c.node, call.c.unique_id).in_(names)))
    named = {(item.node, item.unique_id): item for item in found}
    return tuple(
        replace(event, call=named.get((event.node, event.unique_id))) if event.kind in kinds else event
        for event in events
    )


async def board(connection: AsyncConnection) -> Board:
    """The connection must read one snapshot (REPEATABLE READ): this is more than one query."""
    seq = await last_seq(connection)
    unended = select(call).where(call.c.ended_at.is_(None)).order_by(*_NEWEST_FIRST).limit(_OPEN_CALLS)
    found = await _calls(connection, unended)
    newest = select(call).order_by(*_NEWEST_FIRST).limit(_ENDED_CALLS).subquery()
    over = select(newest).where(newest.c.ended_at.is_not(None), newest.c.answered_at.is_not(None))
    ended = await _calls(connection, over.order_by(newest.c.first_at.desc(), newest.c.node, newest.c.unique_id))
    ringing = [(row.node, row.unique_id) for row in found if row.ringing]
    return Board(seq=seq, open=found, ended=ended, rung=await _last_rung(connection, ringing) if ringing else {})


async def _last_rung(connection: AsyncConnection, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str, str], int]:
    columns = call_event.c
    agent = columns.payload["agent"].astext
    query = (
        select(columns.node, columns.unique_id, agent, func.max(columns.seq))
        .where(tuple_(columns.node, columns.unique_id).in_(names), columns.kind == "rung")
        .group_by(columns.node, columns.unique_id, agent)
    )
    return {(node, unique_id, who): seq for node, unique_id, who, seq in await connection.execute(query)}


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
