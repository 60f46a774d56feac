# SPDX-License-Identifier: EUPL-1.2
"""One reading for all who ask at about the same time, as one bus takes all who wait at its stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Nobody gets what was read before they asked: who comes while a reading is under way waits for the next one.

    So however many ask at once (a thousand pages after a restart), at most two readings follow.
    """

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._under_way: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """What ``read`` gives, or raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._begin_after(self._under_way), name="shared reading")
            self._next.add_done_callback(_is_heard)
        return await asyncio.shield(self._next)

    def close(self) -> None:
        """End what is under way; whoever waits for it is cancelled."""
        for task in (self._under_way, self._next):
            if task is not None:
                task.cancel()

    async def _begin_after(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait({before})
        self._under_way, self._next = self._next, None
        return await self._read()


def _is_heard(task: asyncio.Task[object]) -> None:
    # All who waited may have gone meanwhile; what failed has then nobody to be told.
    if not task.cancelled():
        task.exception()
