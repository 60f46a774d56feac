# SPDX-License-Identifier: EUPL-1.2
"""The frame around a supervisor: it runs a body that starts services and does its work, turns SIGINT, SIGTERM and
SIGHUP into the cancellation of that body, and stops everything whichever way the body ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from signal import Handlers, Signals, getsignal
from typing import Any, Generic, TypeVar

from amtsleitung.supervisor import Supervisor

T = TypeVar("T")
_BODY_ENDS_SECONDS = 15.0
_STOP_SIGNALS = (Signals.SIGINT, Signals.SIGTERM, Signals.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Generic[T]):
    """How a supervised body ended: with its value, or by a signal."""

    value: T | None
    signal: Signals | None


async def supervise(supervisor: Supervisor, body: Callable[[], Coroutine[Any, Any, T]]) -> Ended[T]:
    """Run ``body``, which starts services on ``supervisor``; stop them all however it ends.

    A first SIGINT, SIGTERM or SIGHUP cancels the body and stops in order; a second one shortens the deadlines.
    Raises what the body raises, or the Problem of a service that was given up.
    """
    loop = asyncio.get_running_loop()
    received: list[Signals] = []
    work = asyncio.create_task(body(), name="supervised body")

    def on_signal(number: Signals) -> None:
        if received:
            supervisor.hurried.set()
        received.append(number)
        work.cancel()

    caught = [number for number in _STOP_SIGNALS if number != Signals.SIGHUP or not _ignored(number)]
    for number in caught:
        loop.add_signal_handler(number, on_signal, number)
    waited: set[asyncio.Future[Any]] = {work, supervisor.given_up}
    try:
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        try:
            await _to_the_end(_wind_up(supervisor, work), supervisor.hurried)
        finally:
            for number in caught:
                loop.remove_signal_handler(number)
    failure = work.exception() if work.done() and not work.cancelled() else None
    if received:
        return Ended(value=None, signal=received[0])
    if failure is not None:
        raise failure
    if supervisor.given_up.done():
        raise supervisor.given_up.result()
    return Ended(value=work.result(), signal=None)


def _ignored(number: Signals) -> bool:
    """As ``nohup`` leaves it: whoever asked for that wants us to outlive the terminal."""
    return getsignal(number) is Handlers.SIG_IGN


async def _wind_up(supervisor: Supervisor, work: asyncio.Task[Any]) -> None:
    work.cancel()
    hurry = asyncio.create_task(supervisor.hurried.wait())
    waited: set[asyncio.Future[Any]] = {work, hurry}
    await asyncio.wait(waited, timeout=_BODY_ENDS_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    await supervisor.stop()


async def _to_the_end(stopping: Coroutine[Any, Any, None], hurried: asyncio.Event) -> None:
    """Await ``stopping`` even if we are cancelled meanwhile: half a stop would orphan processes."""
    task = asyncio.create_task(stopping, name="stopping")
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
            hurried.set()
    if cancelled:
        raise asyncio.CancelledError
    task.result()
