# SPDX-License-Identifier: EUPL-1.2
"""Writing what happens to calls: events in commit order, folded into the calls' rows, and the end of personal data.

One rule makes the feed gap-free: the row of ``event_counter`` is locked before anything is read or written, and the
lock ends with the commit. So number n can be seen before n + 1 is given to anybody.

The same lock makes it known who came first: a call is received once, ends once, and is routed once (and by the last
resort, or because its line was closed by hand, once more), whether the observer saw it or the call path's journal
tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, bindparam, case, cast, func, null, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.core.events import CallEnded, CallEvent, CallReceived, CallRouted, payload_of
from routing.store.call_tables import call, call_event, event_counter, holds_personal_data
from routing.store.fold import changes, new_call, storable
from routing.store.schema import EVENT_CHANNEL

_Key = tuple[str, str]
_Once = tuple[_Key, str, datetime | None, str]
_ONCE_IN_A_CALL = (CallReceived.kind, CallRouted.kind, CallEnded.kind)
_LAST_RESORT = "last_resort"
_AGAIN = "again"
_COLUMNS = [column.name for column in call.columns]
_DEFAULTS = dict.fromkeys(_COLUMNS)

# Made once: this runs for every few events of every call, and to put a statement together takes longer than to run it.
_HOLD_COUNTER = select(event_counter.c.last_seq).with_for_update()
_GIVE_NUMBERS = (
    update(event_counter)
    .values(last_seq=bindparam("last"))
    .returning(func.pg_notify(EVENT_CHANNEL, cast(event_counter.c.last_seq, Text)))
)
_KNOWN = select(
    call_event.c.node,
    call_event.c.unique_id,
    call_event.c.kind,
    call_event.c.at,
    call_event.c.agent_channel,
    case((call_event.c.payload["again"].astext == "true", _AGAIN), else_=call_event.c.payload["level"].astext),
).where(tuple_(call_event.c.node, call_event.c.unique_id).in_(bindparam("keys", expanding=True)))
# Locked, so that personal data expired meanwhile is not written back.
_CALLS_LOCKED = (
    select(call).where(tuple_(call.c.node, call.c.unique_id).in_(bindparam("keys", expanding=True))).with_for_update()
)
_inserted = insert(call)
_PUT_CALL = _inserted.on_conflict_do_update(
    index_elements=["node", "unique_id"],
    set_={name: _inserted.excluded[name] for name in _COLUMNS if name not in call.primary_key.columns},
)
_PUT_EVENT = call_event.insert()


async def record(connection: AsyncConnection, events: Sequence[CallEvent], expires_after: timedelta) -> int:
    """Within the caller's transaction; the last number given, to these events or before them."""
    last: int = (await connection.execute(_HOLD_COUNTER)).scalar_one()
    coming = [storable(event) for event in events]
    return await _append(connection, last, coming, await _known(connection, coming), expires_after)


async def fill_gaps(connection: AsyncConnection, events: Sequence[CallEvent], expires_after: timedelta) -> int:
    """Within the caller's transaction: as `record`, but only of calls whose routing nobody has recorded; their number.

    Which calls these are is looked up while we hold the counter, so that nobody can record them meanwhile. Nearly
    always there are none, and then nobody needs to wait for us: what is recorded stays recorded.
    """
    coming = [storable(event) for event in events]
    coming = _unrouted(coming, await _known(connection, coming))
    if not coming:
        return 0
    last: int = (await connection.execute(_HOLD_COUNTER)).scalar_one()
    known = await _known(connection, coming)
    missing = _unrouted(coming, known)
    await _append(connection, last, missing, known, expires_after)
    return len({_key(event) for event in missing})


def _unrouted(events: Sequence[CallEvent], known: set[_Once]) -> list[CallEvent]:
    routed = {key for key, kind, _, _ in known if kind == CallRouted.kind}
    return [event for event in events if _key(event) not in routed]


async def _append(
    connection: AsyncConnection, last: int, events: Sequence[CallEvent], known: set[_Once], expires_after: timedelta
) -> int:
    fresh = _fresh(events, known)
    if not fresh:
        return last
    await _fold(connection, fresh, expires_after)
    rows = [_row(seq, event) for seq, event in enumerate(fresh, start=last + 1)]
    await connection.execute(_PUT_EVENT, rows)
    last += len(rows)
    await connection.execute(_GIVE_NUMBERS, {"last": last})
    return last


async def _known(connection: AsyncConnection, events: Sequence[CallEvent]) -> set[_Once]:
    """What is recorded of these events' calls. Nobody can add to it meanwhile: we hold the counter."""
    keys = sorted({_key(event) for event in events})
    return {
        _once((node, unique_id), kind, at, channel, which)
        for node, unique_id, kind, at, channel, which in await connection.execute(_KNOWN, {"keys": keys})
    }


def _fresh(events: Sequence[CallEvent], known: set[_Once]) -> list[CallEvent]:
    """Those not recorded before, each once."""
    seen, fresh = set(known), []
    for event in events:
        once = _once(_key(event), event.kind, event.at, _channel(event), _which(event))
        # Who was routed by the last resort is past every other decision: one that comes now was not followed.
        overtaken = event.kind == CallRouted.kind and _once(once[0], event.kind, event.at, "", _LAST_RESORT) in seen
        if once not in seen and not overtaken:
            seen.add(once)
            fresh.append(event)
    return fresh


async def _fold(connection: AsyncConnection, events: Sequence[CallEvent], expires_after: timedelta) -> None:
    keys = sorted({_key(event) for event in events})
    found = (await connection.execute(_CALLS_LOCKED, {"keys": keys})).mappings()
    calls: dict[_Key, dict[str, Any]] = {(row["node"], row["unique_id"]): dict(row) for row in found}
    for event in events:
        row = calls.setdefault(_key(event), _DEFAULTS | new_call(event, expires_after))
        row |= changes(row, event)
    await connection.execute(_PUT_CALL, list(calls.values()))


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


def _once(key: _Key, kind: str, at: datetime, channel: str, which: str | None) -> _Once:
    """What no two events may have alike."""
    if kind in _ONCE_IN_A_CALL:
        return key, kind, None, which if which in {_LAST_RESORT, _AGAIN} else ""
    return key, kind, at, channel


def _which(event: CallEvent) -> str | None:
    """Of the decisions about a call: the second one, or who made it."""
    return (_AGAIN if event.again else event.level) if isinstance(event, CallRouted) else None


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
