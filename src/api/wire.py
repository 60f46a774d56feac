# SPDX-License-Identifier: EUPL-1.2
"""Items of the event stream in wire format (Server-Sent Events).

::

    id: 41
    event: rung
    data: {"seq": 41, "kind": "rung", "agent": "agent01", …, "call": {"tenant_name": …}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

from fastapi.sse import format_sse_event

from api.cards import CallCard
from api.subscriptions import FeedState, Item, LiveEvent, Snapshot

_RETRY_MILLISECONDS = 1000

BEGINNING = format_sse_event(retry=_RETRY_MILLISECONDS)


def event_wire(kind: str, payload: Mapping[str, Any], *, seq: int, card: CallCard | None) -> bytes:
    """A call's event, with the call where a page needs it."""
    call = {} if card is None else {"call": card.model_dump(mode="json")}
    return _event(kind, dict(payload) | {"seq": seq} | call, seq=seq)


def encoded(item: Item, at: datetime, position: int) -> bytes:
    """One item. ``at``: the server's present, by which a page corrects its own clock; ``position``: see `heartbeat`."""
    match item:
        case LiveEvent():
            return item.wire
        case FeedState():
            return _event("feed", {"live": item.live, "at": at.isoformat()}, seq=position or None)
        case Snapshot():
            data = {
                "seq": item.seq,
                "ringing": [
                    {"agent": ring.agent, "rung": ring.rung, "call": ring.card.model_dump(mode="json")}
                    for ring in item.ringing
                ],
                "talking": [{"agent": who, "call": card.model_dump(mode="json")} for who, card in item.talking],
                "recent": [card.model_dump(mode="json") for card in item.recent],
            }
            return _event("snapshot", data, seq=item.seq)
        case never:
            assert_never(never)


def heartbeat(at: datetime, position: int) -> bytes:
    """``position`` is the number from which the reader asks after a break; 0 before it knows any."""
    # A comment keeps proxies content, but a page cannot see one: the event lets it notice a connection that is dead
    # without having been closed.
    data = json.dumps({"at": at.isoformat()})
    return format_sse_event(comment="heartbeat", event="beat", data_str=data, id=str(position) if position else None)


def _event(name: str, data: dict[str, Any], *, seq: int | None) -> bytes:
    # json.dumps escapes every line end within the data, so that no caller's text can begin a field of its own.
    text = json.dumps(data, ensure_ascii=True)
    return format_sse_event(event=name, data_str=text, id=None if seq is None else str(seq))
