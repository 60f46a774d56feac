# SPDX-License-Identifier: EUPL-1.2
"""``/events``: what happens to calls, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from api.dependencies import Parts, Services
from api.errors import ApiError
from api.live import TooManyReadersError
from api.stream import EventStream, with_heartbeat
from api.subscriptions import FeedState, Item, Subscription
from routing.store import StoreError

router = APIRouter(tags=["events"])
_LARGEST_SEQ = 2**63 - 1
_log = structlog.get_logger("api")


@router.get(
    "/events",
    response_class=EventStream,
    status_code=200,  # the class takes none from which FastAPI could read it
    response_description="Server-Sent Events, without end",
)
async def events(
    parts: Parts,
    agent: Annotated[str | None, Query(max_length=64, description="Only what concerns this agent")] = None,
    after: Annotated[str | None, Query(max_length=32, description="As Last-Event-ID, for a first request")] = None,
    last_event_id: Annotated[str | None, Header(max_length=32)] = None,
) -> Response:
    """Every event of every call: ``id`` = number, ``event`` = kind.

    With ``Last-Event-ID`` first what was missed, without it (and for an agent in any case) a ``snapshot`` of what is
    up; then an event ``feed``, which comes again whenever the service loses or finds its source (``{"live": false}``).
    """
    last = _seq_of(last_event_id if last_event_id is not None else after)
    if agent is not None and parts.directory.is_known and agent not in parts.directory.agents:
        raise ApiError(404, "agent-not-found", "There is no agent of this name.")
    try:
        subscription = parts.hub.subscribe(agent)
    except TooManyReadersError:
        raise ApiError(503, "too-many-readers", "Too many event streams are open; close some and retry.") from None
    chunks = with_heartbeat(
        _items(parts, subscription, last),
        seconds=parts.heartbeat_seconds,
        clock=parts.clock,
        position=lambda: subscription.position,
    )
    return EventStream(chunks, over=subscription.over, on_end=lambda: parts.hub.unsubscribe(subscription))


def _seq_of(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and int(text) <= _LARGEST_SEQ):
        raise ApiError(400, "bad-last-event-id", "Last-Event-ID must be the number of an event, as sent in its id.")
    return int(text)


async def _items(parts: Services, subscription: Subscription, after: int | None) -> AsyncIterator[Sequence[Item]]:
    hub = parts.hub
    try:
        if hub.live:  # else the database would be asked in vain, and the reader wait for it unknowing
            async for items in hub.catch_up(subscription, after):
                yield items
        yield [FeedState(hub.live)]
        while True:
            burst = await subscription.burst()
            if not any(isinstance(item, FeedState) and item.live for item in burst):
                yield burst
                continue
            if events := [item for item in burst if not isinstance(item, FeedState)]:
                yield events
            # What this reader lacks lies before the feed's new beginning.
            async for items in hub.catch_up(subscription, subscription.last or after):
                yield items
            yield [FeedState(hub.live)]
    except (StoreError, TimeoutError):
        # The reader comes again with the last number it got.
        _log.warning("event stream ended: the past is not readable")
