# SPDX-License-Identifier: EUPL-1.2
"""Waiting in tests: for a condition, with a deadline, never for a while."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

_LOOK_AGAIN_SECONDS = 0.01


async def until(
    condition: Callable[[], object | Awaitable[object]], *, deadline_seconds: float = 10, what: str = ""
) -> None:
    """Return as soon as ``condition()`` (or what it awaits to) is true; AssertionError after the deadline."""
    last: object = None
    try:
        async with asyncio.timeout(deadline_seconds):
            while True:
                last = condition()
                if inspect.isawaitable(last):
                    last = await last
                if last:
                    return
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    except TimeoutError:
        raise AssertionError(
            f"not within {deadline_seconds:g} seconds: {what or condition!r} (the last look gave {last!r})"
        ) from None
