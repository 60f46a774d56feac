# SPDX-License-Identifier: EUPL-1.2
"""Pure: what an event changes in its call's row.

The row's columns are those of ``call_tables.call``. Events come in order for each call, but one may be missing: every
event therefore tells what it knows, and none relies on an earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any, assert_never, get_args

from routing.core.events import (
    AgentRung,
    CallAnswered,
    CallEnded,
    CallEvent,
    CallQueued,
    CallReceived,
    CallRouted,
    CallStepped,
    QueueLeft,
    RingEnded,
)
from routing.store.values import UNSTORABLE, in_utc

_NAMES = {kind: tuple(item.name for item in fields(kind)) for kind in get_args(CallEvent)}


def storable(event: CallEvent) -> CallEvent:
    """The event with its instant in UTC and without characters that a database cannot keep.

    A caller may send NUL or half a surrogate pair; U+FFFD, the replacement character, stands for each. Raises
    ValueError if ``at`` is naive.
    """
    at = in_utc(event.at)
    clean = {
        name: UNSTORABLE.sub("\ufffd", value)
        for name in _NAMES[type(event)]
        if isinstance(value := getattr(event, name), str) and UNSTORABLE.search(value)
    }
    return event if at is event.at and not clean else replace(event, **clean, at=at)  # type: ignore[arg-type]


def new_call(event: CallEvent, expires_after: timedelta) -> dict[str, Any]:
    """The row of a call of which this is the first event that reached us, before it is folded in."""
    return {
        "node": event.node,
        "unique_id": event.unique_id,
        "caller_withheld": False,
        "reasons": [],
        "ringing": {},
        "first_at": event.at,
        "expires_at": event.at + expires_after,
    }


def changes(call: Mapping[str, Any], event: CallEvent) -> dict[str, Any]:
    """The columns that this event changes, with their new values."""
    match event:
        case CallReceived():
            return {
                "linked_id": event.linked_id,
                "trunk": event.trunk,
                "received": event.received,
                "caller_number": event.caller_number,
                "caller_withheld": event.caller_number is None,
            } | _first(call, "received_at", event.at)
        case CallRouted():
            return _routed(call, event) | _first(call, "routed_at", event.at)
        case CallQueued():
            return {"queue": event.queue} | _first(call, "queued_at", event.at)
        case AgentRung():
            return _rung(call, event) | _first(call, "rung_at", event.at)
        case RingEnded():
            # After a restart the observer knows only who was rung, not on which channel.
            over = {event.agent_channel} if event.agent_channel else set(call["ringing"])
            ringing = {k: agent for k, agent in call["ringing"].items() if k not in over or agent != event.agent}
            return _rings_left(call, ringing)
        case CallAnswered():
            # Whoever else is being rung is so no longer, also if the event that says it is lost.
            answered = {"queue": event.queue, "agent": event.agent, "ringing": {}}
            return answered | _first(call, "answered_at", event.at)
        case QueueLeft() | CallStepped():
            return _rings_left(call, {})
        case CallEnded():
            ended = {"outcome": event.outcome, "cause": event.cause}
            return ended | _rings_left(call, {}) | _first(call, "ended_at", event.at)
        case _:
            assert_never(event)


def _routed(call: Mapping[str, Any], event: CallRouted) -> dict[str, Any]:
    return {
        "level": event.level,
        "fallback_cause": event.fallback_cause,
        "dialled_number": event.dialled_number,
        "tenant": event.tenant,
        "service_line": event.service_line,
        "kind": event.destination_kind,
        # The queue from which the caller was taken stays: the reasons say why they are not in it.
        "queue": call.get("queue") if event.again and event.queue is None else event.queue,
        "announcement": event.announcement,
        "target": event.target,
        "table_version": event.table_version,
        "reasons": list(event.reasons),
    }


def _rung(call: Mapping[str, Any], event: AgentRung) -> dict[str, Any]:
    if call.get("ended_at") is not None:
        return {}  # a pop that nothing would ever withdraw
    rung = {"queue": event.queue, "ringing": {**call["ringing"], event.agent_channel: event.agent}}
    return rung | ({"agent": event.agent} if call.get("answered_at") is None else {})


def _rings_left(call: Mapping[str, Any], ringing: Mapping[str, str]) -> dict[str, Any]:
    """``ringing`` rings are left; who answered stays the call's agent, else it is one of those still being rung."""
    agent = call.get("agent")
    if call.get("answered_at") is None and agent not in ringing.values():
        agent = min(ringing.values(), default=None)
    return {"ringing": ringing, "agent": agent}


def _first(call: Mapping[str, Any], column: str, at: datetime) -> dict[str, Any]:
    return {column: at} if call.get(column) is None else {}
