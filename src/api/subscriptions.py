# SPDX-License-Identifier: EUPL-1.2
"""What one reader of the event stream is told: nothing twice, nothing that is not its business, never too late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from api.cards import CallCard

QUEUE_LENGTH = 1024  # items a reader may be behind: twice of what the hub tells at once. Readers share the items

_log = structlog.get_logger("api")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent:
    """A call's event as it goes over the wire, once made for all its readers.

    ``agent``: who is rung or talks; of an ended call: who talked. ``audience``: the agents whom it concerns.
    """

    seq: int
    kind: str
    call: str
    agent: str | None
    audience: frozenset[str]
    wire: bytes


@dataclass(frozen=True, slots=True)
class FeedState:
    """Whether events reach this process at all."""

    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """An agent's telephone rings for a call: the pop. ``rung`` is the number of the event that said so, if known."""

    agent: str
    rung: int | None
    card: CallCard


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is up right now. ``seq`` is the last event within it."""

    seq: int
    ringing: tuple[Ring, ...]
    talking: tuple[tuple[str, CallCard], ...]
    recent: tuple[CallCard, ...]


Item = LiveEvent | FeedState | Snapshot


class Subscription:
    """One reader. ``over`` is set when it must be disconnected: too slow, or the service ends.

    ``told`` gives the number up to which all events have been offered to whom they concern.
    """

    def __init__(
        self, agent: str | None, *, told: Callable[[], int] = lambda: 0, queue_length: int = QUEUE_LENGTH
    ) -> None:
        self.agent = agent
        self.over = asyncio.Event()
        self._told = told
        self._queue: asyncio.Queue[LiveEvent | FeedState] = asyncio.Queue(queue_length)
        self._idle = False
        self.last = 0  # what the reader knows, up to here

    @property
    def position(self) -> int:
        """The number up to which nothing is left to say to this reader: from there on it may ask again."""
        # Events that are not its business pass it by. Without this it would ask for a whole day after a break.
        return max(self.last, self._told()) if self._idle and self._queue.empty() else self.last

    def offer(self, item: LiveEvent | FeedState) -> None:
        """Take an item, or be over: a reader that lost one event must not go on as if it had not."""
        if self.over.is_set():
            return
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            _log.warning("event reader too slow, disconnected", agent=self.agent)
            self.over.set()

    async def burst(self) -> list[LiveEvent | FeedState]:
        """All that is new for this reader, as soon as there is something."""
        while True:
            self._idle = True
            try:
                item = await self._queue.get()
            finally:
                self._idle = False
            found = [item] if self._is_new(item) else []
            while not self._queue.empty():
                item = self._queue.get_nowait()
                if self._is_new(item):
                    found.append(item)
            if found:
                return found

    def seen(self, seq: int) -> None:
        """The reader knows everything up to ``seq``."""
        self.last = max(self.last, seq)

    def _is_new(self, item: LiveEvent | FeedState) -> bool:
        if isinstance(item, FeedState):
            return True
        if item.seq <= self.last:
            return False
        self.last = item.seq
        return True
