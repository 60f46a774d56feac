# SPDX-License-Identifier: EUPL-1.2
"""Long work between calls: a slice of it, then whatever else the event loop has to do, then the next slice."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TypeVar

from routing.core.steps import Steps

T = TypeVar("T")
SLICE_SECONDS = 0.001


async def in_slices(steps: Steps[T], *, slice_seconds: float = SLICE_SECONDS) -> T:
    """What the steps make. The loop is free again after ``slice_seconds`` and one step at the latest."""
    while True:
        until = perf_counter() + slice_seconds
        try:
            next(steps)
            while perf_counter() < until:
                next(steps)
        except StopIteration as done:
            made: T = done.value
            return made
        await asyncio.sleep(0)
