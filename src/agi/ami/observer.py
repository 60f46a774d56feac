# SPDX-License-Identifier: EUPL-1.2
"""Watches one Asterisk: connects, looks at everything once, then follows what happens, for as long as it runs.

::

    connect → subscribe → snapshot ── resync ──→ events heard meanwhile ──→ live ── doubt ──→ snapshot …
       ↑ back-off with jitter, 0.5–30 s                                       │ connection ended
       └──────────────────────────────────────────────────────────────────────┘
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import random
from typing import Protocol

import structlog

from agi.ami.address import AmiAddress
from agi.ami.call_resync import resync
from agi.ami.call_state import Call, TrackerState
from agi.ami.call_tracker import fold
from agi.ami.client import (
    EVENT_LIMIT,
    PING_INTERVAL_SECONDS,
    AmiConnection,
    AmiLoginError,
    AmiTimeoutError,
    Heard,
)
from agi.ami.observations import CallerGaveUp, QueueReturned
from agi.ami.protocol import AmiDisconnectedError
from agi.ami.snapshot import SnapshotError, take_snapshot
from agi.ami.translate import translate
from routing.core.events import CallEvent

FIRST_WAIT_SECONDS = 1.0  # less up to half by chance
LONGEST_WAIT_SECONDS = 30.0
RESYNC_INTERVAL_SECONDS = 2.0

_log = structlog.get_logger(__name__)


class Sink(Protocol):
    """Takes call events without waiting; `EventWriter` is one."""

    def put(self, events: Sequence[CallEvent]) -> None:
        """Have these recorded after all that came before."""


class Observer:
    """`run` in one task. ``on_connection`` is told of each new connection, None when it has ended."""

    def __init__(
        self,
        *,
        address: AmiAddress,
        node: str,
        sink: Sink,
        clock: Callable[[], datetime],
        on_connection: Callable[[AmiConnection | None], None] = lambda _connection: None,
        on_resynced: Callable[[bool], None] = lambda _resynced: None,
        first_wait_seconds: float = FIRST_WAIT_SECONDS,
        longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
        resync_interval_seconds: float = RESYNC_INTERVAL_SECONDS,
        ping_interval_seconds: float = PING_INTERVAL_SECONDS,
        event_limit: int = EVENT_LIMIT,
    ) -> None:
        self.state = TrackerState(node=node)
        self._address = address
        self._sink = sink
        self._clock = clock
        self._on_connection = on_connection
        self._on_resynced = on_resynced
        self._first_wait_seconds = first_wait_seconds
        self._longest_wait_seconds = longest_wait_seconds
        self._resync_interval_seconds = resync_interval_seconds
        self._ping_interval_seconds = ping_interval_seconds
        self._event_limit = event_limit
        self._connection: AmiConnection | None = None
        self._folded = 0
        self._moved = asyncio.Event()
        self._log = _log.bind(node=node, asterisk=f"{address.host}:{address.port}")

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        while True:
            try:
                async with await self._open() as connection:
                    self._log.info("connected to Asterisk")
                    self._folded = 0
                    await connection.subscribe()
                    await self._look(connection)
                    failures = 0
                    self._connection = connection
                    self._on_connection(connection)
                    await self._follow(connection)
            except AmiLoginError as error:
                # Soon again would only fill Asterisk's security log.
                failures = 100
                self._log.error("cannot log in to Asterisk", problem=str(error))
            except (OSError, AmiTimeoutError, AmiDisconnectedError, SnapshotError) as error:
                failures += 1
                self._log.warning("no connection to Asterisk", problem=str(error))
            finally:
                self._connection = None
                self._moved.set()
                self._on_resynced(False)
                self._on_connection(None)
            await asyncio.sleep(self._wait_seconds(failures))

    async def _open(self) -> AmiConnection:
        return await AmiConnection.open(
            self._address,
            clock=self._clock,
            ping_interval_seconds=self._ping_interval_seconds,
            event_limit=self._event_limit,
        )

    async def calls_now(self) -> Mapping[str, Call] | None:
        """The calls there are, with all folded in that Asterisk said before this was asked; None if it does not answer.

        Also None while something that was heard cannot be believed.
        """
        connection = self._connection
        if connection is None:
            return None
        try:
            await connection.act("Ping")  # its answer comes behind every event that was sent before
        except (AmiTimeoutError, AmiDisconnectedError):
            return None
        mark = connection.arrived
        while self._connection is connection and self._folded < mark:
            self._moved.clear()
            await self._moved.wait()
        return None if self._connection is not connection or self.state.doubts else self.state.calls

    def _wait_seconds(self, failures: int) -> float:
        whole = min(self._longest_wait_seconds, self._first_wait_seconds * 2.0 ** min(max(failures - 1, 0), 10))
        return whole * (1 - random() / 2)  # noqa: S311  # spread, not secrecy

    async def _look(self, connection: AmiConnection, *, again: bool = False) -> None:
        """Bring the state in line with Asterisk, then fold what was heard before and meanwhile."""
        snapshot = await take_snapshot(connection)
        heard = connection.heard_so_far()
        coming = [found for item in heard if (found := translate(item.message)) is not None]
        self.state, events = resync(self.state, snapshot, self._clock(), coming=coming)
        self._sink.put(events)
        for item in heard:
            self._take(item)
        if not again and any(isinstance(item, CallerGaveUp | QueueReturned) for item in coming):
            # Said before or after the lists were made? If before, it has just ended rings that there are.
            await self._look(connection, again=True)
            return
        self._log.info("looked at Asterisk", calls=len(self.state.calls), events=len(events))
        self._on_resynced(True)

    async def _follow(self, connection: AmiConnection) -> None:
        loop = asyncio.get_running_loop()
        next_look = loop.time() + self._resync_interval_seconds
        while True:
            if self.state.doubts and loop.time() >= next_look:
                self._log.warning("looking at Asterisk again", doubts=sorted(self.state.doubts)[:5])
                await self._look(connection)
                next_look = loop.time() + self._resync_interval_seconds
            try:
                async with asyncio.timeout_at(next_look if self.state.doubts else None):
                    self._take(await connection.heard())
            except TimeoutError:
                continue
            for item in connection.heard_so_far():
                self._take(item)

    def _take(self, item: Heard) -> None:
        self._folded += 1
        self._moved.set()
        observation = translate(item.message)
        if observation is None:
            return
        self.state, events = fold(self.state, observation, item.at)
        self._sink.put(events)
