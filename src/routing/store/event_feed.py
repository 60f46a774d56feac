# SPDX-License-Identifier: EUPL-1.2
"""The feed of events, over every reconnect, and over a database that was restored from a backup."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from routing.store.listening import Probing, follow
from routing.store.records import StoredEvent
from routing.store.schema import EVENT_CHANNEL
from routing.store.store import Store

_BATCH = 500
_PROBING = Probing(every_seconds=0.5, answer_seconds=1.5)  # a frozen database is known as lost within two seconds


class EventFeed:
    """Gives ``on_events`` every event after number ``after``, each once, in order, without gaps.

    ``after=None`` begins with what comes after the start, and ``history`` events before it. Events of the kinds
    ``with_calls_of`` bring their calls with them. ``on_state`` hears whether the database can be heard. A restored
    database gives the same numbers to other events: then ``on_anew`` is called and the feed begins as at a start.
    """

    def __init__(
        self,
        store: Store,
        *,
        after: int | None,
        on_events: Callable[[Sequence[StoredEvent]], None],
        on_state: Callable[[bool], None] = lambda _connected: None,
        on_anew: Callable[[], None] = lambda: None,
        history: int = 0,
        with_calls_of: Collection[str] = (),
    ) -> None:
        self._store = store
        self._seq = after
        self._last: StoredEvent | None = None
        self._sure = after is None
        self._history = history
        self._with_calls_of = with_calls_of
        self._on_events = on_events
        self._on_state = on_state
        self._on_anew = on_anew

    async def run(self) -> None:
        """Runs until cancelled."""
        await follow(self._store, EVENT_CHANNEL, read=self._read, on_state=self._state, probing=_PROBING)

    def _state(self, connected: bool, _problem: str) -> None:
        self._sure = self._sure and connected
        self._on_state(connected)

    async def _read(self) -> None:
        if self._seq is not None and not self._sure and not await self._is_same(self._seq):
            self._seq = self._last = None
            self._on_anew()
        if self._seq is None:
            self._seq = max(0, await self._store.last_seq() - self._history)
        self._sure = True
        more = True
        while more:
            events = await self._store.events_after(self._seq, limit=_BATCH, with_calls_of=self._with_calls_of)
            more = len(events) == _BATCH
            if not events:
                return
            self._last = events[-1]
            self._seq = self._last.seq
            self._on_events(events)

    async def _is_same(self, seq: int) -> bool:
        """Whether event ``seq`` is still the one that was given last."""
        if self._last is None:
            return await self._store.last_seq() >= seq
        return await self._store.events_after(seq - 1, limit=1) == (self._last,)
