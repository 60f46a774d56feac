# SPDX-License-Identifier: EUPL-1.2
"""The live event stream inside this process: one feed in, any number of bounded subscriptions out.

The one rule: a subscription is registered *before* the past is read, and whatever it then hears twice is dropped by
its number. So nothing is missed and nothing comes twice, however slowly the past is read.

::

    EventFeed → take() → run(): add the call's card → Subscription → EventStream → browser
                                                     ↳ full? the reader is too slow and is disconnected
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import structlog

from api.cards import Directory
from api.subscriptions import FeedState, LiveEvent, Snapshot, Subscription
from routing.store import Store, StoredCall, StoredEvent, StoreError

MAXIMUM_SUBSCRIPTIONS = 500
_PAGE = 500  # events read at once when the past is read
_SEEN_CALLS = 500  # newest calls looked through for what is up right now
_RECENT_CALLS = 8
_RETRY_SECONDS = 0.5
_DEADLINE_SECONDS = 10.0
_KINDS_WITH_CARD = frozenset({"rung", "answered", "ended"})

_log = structlog.get_logger("api")


class TooManyReadersError(Exception):
    """No further subscription is taken."""


class EventHub:
    """Fans events out. ``take`` and ``take_state`` are called by the feed, in order."""

    def __init__(self, store: Store, directory: Directory, *, node: str | None) -> None:
        self._store = store
        self._directory = directory
        self._node = node
        self._incoming: asyncio.Queue[StoredEvent | FeedState] = asyncio.Queue()
        self._subscriptions: set[Subscription] = set()
        self._closed = False
        self.live = False

    def take(self, events: Sequence[StoredEvent]) -> None:
        """New events, each once and in order."""
        for event in events:
            self._incoming.put_nowait(event)

    def take_state(self, live: bool) -> None:
        """The feed has lost or found the database. The loss is told at once, past everything that waits."""
        if live == self.live:
            return
        self.live = live
        if live:
            self._incoming.put_nowait(FeedState(live))
        else:
            self._tell(FeedState(live))

    def fail(self) -> None:
        """The feed is gone for good."""
        self.take_state(False)

    async def run(self) -> None:
        """Carry events to the readers until cancelled."""
        while True:
            item = await self._incoming.get()
            if isinstance(item, StoredEvent):
                if self._node in (None, item.node):
                    self._tell(await self._insistently(item))
            elif item.live == self.live:
                self._tell(item)

    def subscribe(self, agent: str | None) -> Subscription:
        """Register a reader; the caller unsubscribes it. Raises TooManyReadersError."""
        if len(self._subscriptions) >= MAXIMUM_SUBSCRIPTIONS:
            raise TooManyReadersError
        subscription = Subscription(agent)
        if self._closed:
            subscription.over.set()
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a reader."""
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End all streams, and every one that is still asked for."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.over.set()

    async def missed(self, after: int, subscription: Subscription) -> AsyncIterator[LiveEvent]:
        """What happened after ``after`` until now. Raises StoreError."""
        subscription.seen(after)
        while True:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                events = await self._store.events_after(after, limit=_PAGE)
            for event in events:
                if self._node in (None, event.node):
                    live = await self._with_card(event)
                    if subscription.wants(live):
                        yield live
                after = event.seq
            if len(events) < _PAGE:
                return

    async def snapshot(self, subscription: Subscription) -> Snapshot:
        """What is up right now, for the reader's agent or for all. Raises StoreError."""
        async with asyncio.timeout(_DEADLINE_SECONDS):
            seq = await self._store.last_seq()  # first: what comes later is told as an event, at worst once more
            calls = await self._store.calls(limit=_SEEN_CALLS)
        agent = subscription.agent
        calls = tuple(call for call in calls if self._node in (None, call.node))
        ringing = [(who, call) for call in calls for who in call.ringing if agent in (None, who)]
        answered = [call for call in calls if call.answered_at is not None and _is_of(call, agent)]
        talking = [(call.agent or "", call) for call in answered if call.ended_at is None]
        recent = [call for call in answered if call.ended_at is not None][:_RECENT_CALLS]
        subscription.seen(seq, [_name(call) for _, call in ringing + talking])
        card = self._directory.card
        return Snapshot(
            seq=seq,
            ringing=tuple((who, card(call)) for who, call in ringing),
            talking=tuple((who, card(call)) for who, call in talking),
            recent=tuple(card(call) for call in recent),
        )

    def _tell(self, item: LiveEvent | FeedState) -> None:
        for subscription in self._subscriptions:
            subscription.offer(item)

    async def _insistently(self, event: StoredEvent) -> LiveEvent:
        # A pop without its call's names is worth nothing, and order matters: so wait until the database answers.
        while True:
            try:
                async with asyncio.timeout(_DEADLINE_SECONDS):
                    return await self._with_card(event)
            except (StoreError, TimeoutError):
                _log.warning("call not readable, trying again", seq=event.seq)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _with_card(self, event: StoredEvent) -> LiveEvent:
        call = await self._store.call(event.node, event.unique_id) if event.kind in _KINDS_WITH_CARD else None
        agent = event.payload.get("agent")
        if event.kind == "ended" and call is not None and call.answered_at is not None:
            agent = call.agent
        return LiveEvent(
            seq=event.seq,
            kind=event.kind,
            call=f"{event.node}/{event.unique_id}",
            payload=dict(event.payload),
            card=None if call is None else self._directory.card(call),
            agent=agent,
        )


def _is_of(call: StoredCall, agent: str | None) -> bool:
    return agent is None or call.agent == agent


def _name(call: StoredCall) -> str:
    return f"{call.node}/{call.unique_id}"
