# SPDX-License-Identifier: EUPL-1.2
"""Following a NOTIFY channel for ever: connect, LISTEN, then read; again after every loss, with back-off.

::

    connect → LISTEN → read all there is → wait → read → wait → …
       ↑                                     │ notified, or every few seconds
       └──────── back-off ←──── lost ────────┘

LISTEN comes before the first read, so that nothing committed in between is missed; whoever reads must go by numbers
that were committed, never by the payload, so that one notification too many or too few does no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg

from routing.store.problems import StoreError, as_store_errors
from routing.store.store import Store

_SAFETY_READ_SECONDS = 5.0
_ANSWER_SECONDS = 5.0
_FIRST_BACK_OFF_SECONDS = 0.1
_LONGEST_BACK_OFF_SECONDS = 1.0  # a change reaches whoever is back within about a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Probing:
    """How often the database is asked for a sign of life, and how long it may take over it."""

    every_seconds: float
    answer_seconds: float


class _Wake:
    """Set by a notification or by the connection's end."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._lost = False

    def notified(self, *_about: object) -> None:
        self._event.set()

    def lost(self, _connection: object) -> None:
        self._lost = True
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Whether it was woken; False after ``seconds`` without a notification. Raises StoreError if all is lost."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        woken = self._event.is_set()
        self._event.clear()
        if self._lost:
            raise StoreError("The connection that listens to the database is lost: it is made anew by itself.")
        return woken


async def follow(
    store: Store,
    channel: str,
    *,
    read: Callable[[], Awaitable[None]],
    on_state: Callable[[bool, str], None],
    safety_read_seconds: float | None = None,
    probing: Probing | None = None,
) -> None:
    """Call ``read`` first, after every notification, and every few seconds without one. Runs until cancelled.

    A StoreError out of ``read`` counts as a loss of the database, and so does a ``probing`` without an answer, even
    while ``read`` waits for one. ``on_state(True, "")`` when all there was
    has been read after a LISTEN, ``on_state(False, sentence)`` when the database is lost or not there at the start.
    """
    connected: bool | None = None

    def lost(error: StoreError) -> None:
        nonlocal connected
        if connected is not False:
            connected = False
            on_state(False, str(error))

    back_off = _FIRST_BACK_OFF_SECONDS
    while True:
        try:
            async with _listening(store, channel) as (connection, wake), _watched(store, connection, probing, lost):
                await read()
                connected = True
                on_state(True, "")
                back_off = _FIRST_BACK_OFF_SECONDS
                while True:
                    woken = await wake.wait(safety_read_seconds or _SAFETY_READ_SECONDS)
                    await read()
                    if not woken and probing is None:
                        await _still_there(store, connection, _ANSWER_SECONDS)
        except StoreError as error:
            lost(error)
        await asyncio.sleep(back_off)
        back_off = min(2 * back_off, _LONGEST_BACK_OFF_SECONDS)


@asynccontextmanager
async def _listening(store: Store, channel: str) -> AsyncIterator[tuple[asyncpg.Connection, _Wake]]:
    wake = _Wake()
    with as_store_errors(store.address):
        connection = await store.open_connection()
    try:
        connection.add_termination_listener(wake.lost)
        with as_store_errors(store.address):
            await connection.add_listener(channel, wake.notified)
        yield connection, wake
    finally:
        # At once: a connection used for listening has nothing to say good-bye for, and the server may be gone.
        connection.terminate()


@asynccontextmanager
async def _watched(
    store: Store, connection: asyncpg.Connection, probing: Probing | None, lost: Callable[[StoreError], None]
) -> AsyncIterator[None]:
    """What is done within ends with a StoreError as soon as the database does not answer a probe in time."""
    if probing is None:
        yield
        return
    try:
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(_probe(store, connection, probing, lost), name="probe the database")
            yield
            watch.cancel()
    except BaseExceptionGroup as errors:
        known, other = errors.split(StoreError)
        if known is None or other is not None:
            raise
        raise _first(known) from errors


def _first(errors: BaseExceptionGroup[StoreError]) -> StoreError:
    first = errors.exceptions[0]
    return first if isinstance(first, StoreError) else _first(first)


async def _probe(
    store: Store, connection: asyncpg.Connection, probing: Probing, lost: Callable[[StoreError], None]
) -> None:
    while True:
        await asyncio.sleep(probing.every_seconds)
        try:
            await _still_there(store, connection, probing.answer_seconds)
        except StoreError as error:
            lost(error)  # at once: a reading that is under way takes its time to end, since it rolls back
            raise


async def _still_there(store: Store, connection: asyncpg.Connection, seconds: float) -> None:
    """A connection can be dead without anybody telling: a firewall forgot it, the peer's power failed."""
    with as_store_errors(store.address):
        await connection.execute("SELECT 1", timeout=seconds)
