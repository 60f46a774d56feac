# SPDX-License-Identifier: EUPL-1.2
"""What one reader of the event stream is told: nothing twice, nothing that is not its business, never too late."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from api.cards import CallCard

QUEUE_LENGTH = 256  # events a reader may be behind
_KINDS_FOR_AGENT = frozenset({"rung", "ring_ended", "answered", "ended"})

_log = structlog.get_logger("api")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent:
    """A call's event with, where a page needs it, the call as it stood when the event was read."""

    seq: int
    kind: str
    call: str
    payload: dict[str, Any]
    card: CallCard | None
    agent: str | None
    """Who is rung or talks; of an ended call: who talked."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """Whether events reach this process at all."""

    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is up right now, told to a reader that names no last event. ``seq`` is the last event within it."""

    seq: int
    ringing: tuple[tuple[str, CallCard], ...]
    talking: tuple[tuple[str, CallCard], ...]
    recent: tuple[CallCard, ...]


Item = LiveEvent | FeedState | Snapshot


class Subscription:
    """One reader. ``over`` is set when it must be disconnected: too slow, or the service ends."""

    def __init__(self, agent: str | None, *, queue_length: int = QUEUE_LENGTH) -> None:
        self.agent = agent
        self.over = asyncio.Event()
        self._queue: asyncio.Queue[LiveEvent | FeedState] = asyncio.Queue(queue_length)
        self.last = 0  # what the reader knows, up to here
        self._calls: set[str] = set()

    def offer(self, item: LiveEvent | FeedState) -> None:
        """Take an item, or be over: a reader that lost one event must not go on as if it had not."""
        if self.over.is_set():
            return
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            _log.warning("event reader too slow, disconnected", agent=self.agent)
            self.over.set()

    async def next(self) -> LiveEvent | FeedState:
        """The next item that is new for this reader and meant for it."""
        while True:
            item = await self._queue.get()
            if isinstance(item, FeedState) or self.wants(item):
                return item

    def seen(self, seq: int, calls: Sequence[str] = ()) -> None:
        """The reader knows everything up to ``seq``, and these calls are on its page."""
        self.last = max(self.last, seq)
        self._calls.update(calls)

    def wants(self, event: LiveEvent) -> bool:
        """Whether to tell it: not twice, and to an agent only what concerns a call that rang there."""
        if event.seq <= self.last:
            return False
        self.last = event.seq
        if self.agent is None:
            return True
        mine = event.agent == self.agent
        known = event.call in self._calls
        if mine:
            self._calls.add(event.call)
        if event.kind == "ended":
            self._calls.discard(event.call)
        if event.kind == "answered":
            return mine or known
        return event.kind in _KINDS_FOR_AGENT and (mine or (known and event.kind == "ended"))
