# SPDX-License-Identifier: EUPL-1.2
"""Writing what happens to calls: events in commit order, folded into the calls' rows, and the end of personal data.

One rule makes the feed gap-free: the row of ``event_counter`` is locked before anything is read or written, and the
lock ends with the commit. So number n can be seen before n + 1 is given to anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, case, cast, func, null, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.core.events import CallEvent, payload_of
from routing.store.call_tables import call, call_event, event_counter, holds_personal_data
from routing.store.fold import changes, new_call, storable
from routing.store.schema import EVENT_CHANNEL

_Key = tuple[str, str]
_Once = tuple[str, str, str, datetime, str]
_COLUMNS = [column.name for column in call.columns]
_DEFAULTS = dict.fromkeys(_COLUMNS)


async def record(connection: AsyncConnection, events: Sequence[CallEvent], expires_after: timedelta) -> int:
    """Within the caller's transaction; the last number given, to these events or before them."""
    last: int = (await connection.execute(select(event_counter.c.last_seq).with_for_update())).scalar_one()
    fresh = await _unknown(connection, [storable(event) for event in events])
    if not fresh:
        return last
    await _fold(connection, fresh, expires_after)
    rows = [_row(seq, event) for seq, event in enumerate(fresh, start=last + 1)]
    await connection.execute(call_event.insert(), rows)
    last += len(rows)
    await connection.execute(update(event_counter).values(last_seq=last))
    await connection.execute(select(func.pg_notify(EVENT_CHANNEL, cast(str(last), Text))))
    return last


async def _unknown(connection: AsyncConnection, events: Sequence[CallEvent]) -> list[CallEvent]:
    """Those not recorded before, each once. Nobody can add one meanwhile: we hold the counter."""
    columns = call_event.c
    known = select(columns.node, columns.unique_id, columns.kind, columns.at, columns.agent_channel).where(
        tuple_(columns.node, columns.unique_id).in_(sorted({_key(event) for event in events}))
    )
    seen: set[_Once] = {_once(*row) for row in await connection.execute(known)}
    fresh = []
    for event in events:
        once = _once(event.node, event.unique_id, event.kind, event.at, _channel(event))
        if once not in seen:
            seen.add(once)
            fresh.append(event)
    return fresh


async def _fold(connection: AsyncConnection, events: Sequence[CallEvent], expires_after: timedelta) -> None:
    keys = sorted({_key(event) for event in events})
    # Locked, so that personal data expired meanwhile is not written back.
    found = select(call).where(tuple_(call.c.node, call.c.unique_id).in_(keys)).with_for_update()
    calls: dict[_Key, dict[str, Any]] = {
        (row["node"], row["unique_id"]): dict(row) for row in (await connection.execute(found)).mappings()
    }
    for event in events:
        row = calls.setdefault(_key(event), _DEFAULTS | new_call(event, expires_after))
        row |= changes(row, event)
    statement = insert(call)
    replaced = {name: statement.excluded[name] for name in _COLUMNS if name not in call.primary_key.columns}
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["node", "unique_id"], set_=replaced), list(calls.values())
    )


def _row(seq: int, event: CallEvent) -> dict[str, Any]:
    return {
        "seq": seq,
        "node": event.node,
        "unique_id": event.unique_id,
        "kind": event.kind,
        "at": event.at,
        "agent_channel": _channel(event),
        "payload": dict(payload_of(event)),
    }


def _key(event: CallEvent) -> _Key:
    return event.node, event.unique_id


def _once(node: str, unique_id: str, kind: str, at: datetime, agent_channel: str) -> _Once:
    return node, unique_id, kind, at, agent_channel


def _channel(event: CallEvent) -> str:
    return getattr(event, "agent_channel", "")


async def expire_personal_data(connection: AsyncConnection, at: datetime) -> int:
    """Remove what callers sent from calls whose time has come; returns from how many.

    A tenant's own number that was dialled stays: it says nothing about the caller.
    """
    expired = (
        update(call)
        .where(call.c.expires_at <= at, holds_personal_data)
        .values(
            received=null(),
            caller_number=null(),
            dialled_number=case((call.c.tenant.is_(None), null()), else_=call.c.dialled_number),
        )
    )
    return (await connection.execute(expired)).rowcount
