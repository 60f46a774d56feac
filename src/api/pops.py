# SPDX-License-Identifier: EUPL-1.2
"""Which pops were drawn: what pages tell is written in batches, and what no page tells is said in the log.

A page's request only puts a value into a bounded queue, so that it costs no query and waits for no database.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime

import structlog

from api.subscriptions import LiveEvent
from routing.store import DrawnPop, Store, StoreError

OVERDUE_SECONDS = 5.0
_WAITING = 2000  # acknowledgements, and pops that are to be acknowledged
_BATCH = 200
_GATHER_SECONDS = 0.1
_RETRY_SECONDS = 1.0
_DEADLINE_SECONDS = 10.0

_log = structlog.get_logger("api")


class Acknowledgements:
    """``clock`` gives the present as an aware instant, ``monotonic`` seconds that never go back."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._waiting: deque[DrawnPop] = deque()
        self._some = asyncio.Event()
        self._expected: dict[int, tuple[str, str | None, float]] = {}  # number → call, agent, until when

    def take(self, seq: int, *, agent: str, how: str) -> bool:
        """A page says that it has drawn this pop; False if too many wait to be written."""
        self._expected.pop(seq, None)
        if len(self._waiting) >= _WAITING:
            return False
        self._waiting.append(DrawnPop(seq=seq, agent=agent, at=self._clock(), how=how))
        self._some.set()
        return True

    def told(self, event: LiveEvent, pages: int) -> None:
        """An event has been offered to this many pages of its agent; one of them must draw it if it is a pop."""
        if event.kind == "rung":
            if pages and len(self._expected) < _WAITING:
                self._expected[event.seq] = (event.call, event.agent, self._monotonic() + OVERDUE_SECONDS)
        elif self._expected and event.kind in ("ring_ended", "answered", "ended"):
            over = {event.agent} if event.kind == "ring_ended" else None
            for seq, (call, agent, _) in list(self._expected.items()):
                if call == event.call and (over is None or agent in over):
                    del self._expected[seq]

    def overdue(self) -> list[int]:
        """The numbers of pops that some page should have drawn by now; each is given once."""
        present = self._monotonic()
        late = [seq for seq, (_, _, until) in self._expected.items() if until <= present]
        for seq in late:
            del self._expected[seq]
        return late

    async def watch(self) -> None:
        """Say in the log what is overdue, until cancelled."""
        while True:
            await asyncio.sleep(OVERDUE_SECONDS / 5)
            for seq in self.overdue():
                _log.warning("a pop was sent to a page and not drawn", seq=seq, seconds=OVERDUE_SECONDS)

    async def write(self) -> None:
        """Write what pages say, until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write one batch; what the database does not take now stays for the next."""
        batch = [self._waiting[place] for place in range(min(_BATCH, len(self._waiting)))]
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                await self._store.acknowledge(batch)
        except (StoreError, TimeoutError):
            _log.warning("drawn pops cannot be written, trying again", waiting=len(self._waiting))
            await asyncio.sleep(_RETRY_SECONDS)
            return
        for _ in batch:
            self._waiting.popleft()
        if not self._waiting:
            self._some.clear()
