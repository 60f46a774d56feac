# SPDX-License-Identifier: EUPL-1.2
"""The live event stream inside this process: one feed in, any number of bounded subscriptions out.

The one rule: a subscription is registered *before* the past is read, and whatever it then hears twice is dropped by
its number. So nothing is missed and nothing comes twice, however slowly the past is read.

::

    EventFeed → take() → run(): make the call's card → by agent → Subscription → EventStream → browser
                                       ↳ the newest are kept      ↳ full? the reader is too slow and is disconnected

An agent's reader that comes back gets what it missed, if that was a moment ago, and then in any case what is up now:
the first says why a pop went, the second is right even if numbers began anew with a restored database.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

import structlog

from api.audience import Audience
from api.cards import Directory
from api.sharing import Shared
from api.subscriptions import FeedState, Item, LiveEvent, Ring, Snapshot, Subscription
from api.wire import event_wire
from routing.store import Board, Store, StoredCall, StoredEvent, StoreError

MAXIMUM_SUBSCRIPTIONS = 2000
KEPT_EVENTS = 1000  # the newest, for readers who come back
_PAGE = 500  # events read or told at once
_RECENT_CALLS = 8
_RETRY_SECONDS = 0.5
_DEADLINE_SECONDS = 4.0
KINDS_WITH_CALL = frozenset({"rung", "ring_ended", "answered", "ended"})

_log = structlog.get_logger("api")


class TooManyReadersError(Exception):
    """No further subscription is taken."""


class EventHub:
    """Fans events out. ``take``, ``take_state`` and ``begin_anew`` are called by the feed, in order.

    ``on_told`` hears of every event and how many of an agent's own readers it was offered to.
    """

    def __init__(
        self,
        store: Store,
        directory: Directory,
        *,
        node: str | None,
        on_told: Callable[[LiveEvent, int], None] = lambda _event, _readers: None,
    ) -> None:
        self._store = store
        self._directory = directory
        self._node = node
        self._on_told = on_told
        self._incoming: asyncio.Queue[StoredEvent | FeedState] = asyncio.Queue()
        self._of_all: set[Subscription] = set()
        self._by_agent: dict[str, set[Subscription]] = {}
        self._count = 0
        self._audience = Audience()
        self._kept: deque[LiveEvent] = deque(maxlen=KEPT_EVENTS)
        self._told = 0
        self._generation = 0
        self._closed = False
        self._board = Shared(self._read_board)
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
            self._tell_all(FeedState(live))

    def begin_anew(self) -> None:
        """The numbers are no longer those of before: every reader must come again and see how things are."""
        self._generation += 1
        while not self._incoming.empty():
            self._incoming.get_nowait()
        self._kept.clear()
        self._audience = Audience()
        self._told = 0
        self._end_all()

    def fail(self) -> None:
        """The feed is gone for good."""
        self.take_state(False)

    async def run(self) -> None:
        """Carry events to the readers until cancelled."""
        while True:
            await asyncio.sleep(0)  # readers take what they were told before there is more
            items = [await self._incoming.get()]
            while not self._incoming.empty() and len(items) < _PAGE:
                items.append(self._incoming.get_nowait())
            generation = self._generation
            for item in items:
                if generation != self._generation:
                    break
                if isinstance(item, StoredEvent):
                    self._tell(item)
                elif item.live:
                    await self._know_open_calls(generation)
                    if self.live and generation == self._generation:
                        self._tell_all(item)

    def subscribe(self, agent: str | None) -> Subscription:
        """Register a reader; the caller unsubscribes it. Raises TooManyReadersError."""
        if self._count >= MAXIMUM_SUBSCRIPTIONS:
            raise TooManyReadersError
        subscription = Subscription(agent, told=lambda: self._told)
        if self._closed:
            subscription.over.set()
        readers = self._of_all if agent is None else self._by_agent.setdefault(agent, set())
        readers.add(subscription)
        self._count += 1
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a reader."""
        agent = subscription.agent
        readers = self._of_all if agent is None else self._by_agent.get(agent, set())
        if subscription in readers:
            readers.discard(subscription)
            self._count -= 1
        if agent is not None and not readers:
            self._by_agent.pop(agent, None)

    def close(self) -> None:
        """End all streams, and every one that is still asked for."""
        self._closed = True
        self._board.close()
        self._end_all()

    async def catch_up(self, subscription: Subscription, after: int | None) -> AsyncIterator[Sequence[Item]]:
        """What a reader lacks that knows all up to ``after`` (None: nothing). Raises StoreError, TimeoutError."""
        if subscription.agent is None:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                newest = await self._store.last_seq()
            if after is not None and after <= newest:
                async for events in self._missed(subscription, after):
                    yield events
                return
        elif after is not None and self._kept and self._kept[0].seq <= after + 1 <= self._kept[-1].seq + 1:
            mine = [event for event in self._kept if event.seq > after and subscription.agent in event.audience]
            subscription.seen(self._kept[-1].seq)
            if mine:
                yield mine
        board = await self._board.get()
        subscription.seen(board.seq)
        yield [self._snapshot(board, subscription.agent)]

    async def _missed(self, subscription: Subscription, after: int) -> AsyncIterator[Sequence[LiveEvent]]:
        audience = Audience()  # of the past; its readers see everything
        while True:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                events = await self._store.events_after(after, limit=_PAGE, with_calls_of=KINDS_WITH_CALL)
            subscription.seen(events[-1].seq if events else after)
            if found := [self._live(event, audience) for event in events if self._is_ours(event)]:
                yield found
            if len(events) < _PAGE:
                return
            after = events[-1].seq

    async def _read_board(self) -> Board:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            return await self._store.board()

    async def _know_open_calls(self, generation: int) -> None:
        """Calls that rang before the kept events began: their end concerns whoever has them on the page."""
        while self.live and generation == self._generation:
            try:
                board = await self._board.get()
            except (StoreError, TimeoutError):
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if generation == self._generation:
                for call in board.open:
                    talking = [call.agent] if call.agent and call.answered_at else []
                    self._audience.knows(_name(call), {*call.ringing, *talking})
            return

    def _snapshot(self, board: Board, agent: str | None) -> Snapshot:
        card = self._directory.card
        calls = [call for call in board.open if self._node in (None, call.node)]
        over = (call for call in board.ended if self._node in (None, call.node) and agent in (None, call.agent))
        return Snapshot(
            seq=board.seq,
            ringing=tuple(
                Ring(agent=who, rung=board.rung.get((call.node, call.unique_id, who)), card=card(call))
                for call in calls
                for who in call.ringing
                if agent in (None, who)
            ),
            talking=tuple(
                (call.agent or "", card(call))
                for call in calls
                if call.answered_at is not None and agent in (None, call.agent)
            ),
            recent=tuple(card(call) for call, _ in zip(over, range(_RECENT_CALLS), strict=False)),
        )

    def _tell(self, event: StoredEvent) -> None:
        if self._is_ours(event):
            live = self._live(event, self._audience)
            self._kept.append(live)
            agents = [reader for agent in live.audience for reader in self._by_agent.get(agent, ())]
            for readers in (agents, self._of_all):  # pages first: a person waits there
                _offer(readers, live)
            self._on_told(live, len(self._by_agent.get(live.agent or "", ())))
        self._told = event.seq

    def _tell_all(self, state: FeedState) -> None:
        for readers in (*self._by_agent.values(), self._of_all):
            _offer(readers, state)

    def _end_all(self) -> None:
        for readers in (*self._by_agent.values(), self._of_all):
            for subscription in readers:
                subscription.over.set()

    def _live(self, event: StoredEvent, audience: Audience) -> LiveEvent:
        call = event.call
        agent = event.payload.get("agent")
        payload = dict(event.payload)
        if event.kind == "ended" and call is not None and call.answered_at is not None:
            agent = call.agent
        if event.kind == "ring_ended":
            # One telephone can be rung again before the end of its first ring is told: then the pop stays.
            payload["still_ringing"] = call is not None and agent in call.ringing
        name = f"{event.node}/{event.unique_id}"
        shown = None if call is None or event.kind == "ring_ended" else self._directory.card(call)
        return LiveEvent(
            seq=event.seq,
            kind=event.kind,
            call=name,
            agent=agent,
            audience=audience.of(event.kind, name, agent),
            wire=event_wire(event.kind, payload, seq=event.seq, card=shown),
        )

    def _is_ours(self, event: StoredEvent) -> bool:
        return self._node in (None, event.node)


def _offer(readers: Iterable[Subscription], item: LiveEvent | FeedState) -> None:
    for subscription in readers:
        subscription.offer(item)


def _name(call: StoredCall) -> str:
    return f"{call.node}/{call.unique_id}"
