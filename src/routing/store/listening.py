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

import asyncpg

from routing.store.problems import StoreError, as_store_errors
from routing.store.store import Store

_SAFETY_READ_SECONDS = 5.0
_ANSWER_SECONDS = 5.0
_FIRST_BACK_OFF_SECONDS = 0.1
_LONGEST_BACK_OFF_SECONDS = 1.0  # a change reaches whoever is back within about a second


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
) -> None:
    """Call ``read`` first, after every notification, and every few seconds without one. Runs until cancelled.

    A StoreError out of ``read`` counts as a loss of the database. ``on_state(True, "")`` when all there was
    has been read after a LISTEN, ``on_state(False, sentence)`` when the database is lost or not there at the start.
    """
    connected: bool | None = None
    back_off = _FIRST_BACK_OFF_SECONDS
    while True:
        try:
            async with _listening(store, channel) as (connection, wake):
                await read()
                connected = True
                on_state(True, "")
                back_off = _FIRST_BACK_OFF_SECONDS
                while True:
                    woken = await wake.wait(safety_read_seconds or _SAFETY_READ_SECONDS)
                    await read()
                    if not woken:
                        await _still_there(store, connection)
        except StoreError as error:
            if connected is not False:
                connected = False
                on_state(False, str(error))
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


async def _still_there(store: Store, connection: asyncpg.Connection) -> None:
    """A connection can be dead without anybody telling: a firewall forgot it, the peer's power failed."""
    with as_store_errors(store.address):
        await connection.execute("SELECT 1", timeout=_ANSWER_SECONDS)
