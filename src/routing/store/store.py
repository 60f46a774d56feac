# SPDX-License-Identifier: EUPL-1.2
"""The store as the other rooms see it: one object, values in and values out, one transaction for each call."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from routing.core.events import PERSONAL_DATA_PERIOD, CallEvent
from routing.store import call_log, call_queries, fallback_counts, pop_log
from routing.store.configuration_store import ConfigurationStore
from routing.store.records import (
    Board,
    DrawnPop,
    FallbackCount,
    PopFigures,
    StoredCall,
    StoredEvent,
    UnknownNumber,
)


class Store(ConfigurationStore):
    """One database as one role: the configuration, and calls with their events. Every method may raise StoreError."""

    async def record(self, events: Sequence[CallEvent], *, expires_after: timedelta = PERSONAL_DATA_PERIOD) -> int:
        """Append events and fold them into their calls, all or nothing; returns the last number given so far.

        Recording an event again (same node, call, kind, instant and agent's channel) adds nothing, nor does telling
        again that a call was received, routed (but for the last resort) or has ended. What a caller sent goes
        ``expires_after`` the call's first event.
        """
        async with self._transaction() as connection:
            return await call_log.record(connection, events, expires_after)

    async def fill_gaps(self, events: Sequence[CallEvent], *, expires_after: timedelta = PERSONAL_DATA_PERIOD) -> int:
        """As `record`, but only those events of whose call no routing is recorded; returns of how many calls."""
        async with self._transaction() as connection:
            return await call_log.fill_gaps(connection, events, expires_after)

    async def events_after(
        self, seq: int, *, limit: int = 500, with_calls_of: Collection[str] = ()
    ) -> tuple[StoredEvent, ...]:
        """The next events after number ``seq``, in order and without gaps; events of these kinds with their calls."""
        async with self._transaction() as connection:
            events = await call_queries.events_after(connection, seq, limit)
            return await call_queries.with_calls(connection, events, with_calls_of)

    async def last_seq(self) -> int:
        """The last number given; 0 before the first event."""
        async with self._transaction() as connection:
            return await call_queries.last_seq(connection)

    async def calls(
        self, *, limit: int = 50, before: datetime | None = None, tenant: str | None = None
    ) -> tuple[StoredCall, ...]:
        """Calls by their first event, newest first; only those that began before ``before``, only one tenant's."""
        async with self._transaction() as connection:
            return await call_queries.calls(connection, limit=limit, before=before, tenant=tenant)

    async def unknown_numbers(self, since: datetime, *, limit: int = 50) -> tuple[UnknownNumber, ...]:
        """The numbers that were dialled since then and are none of ours, the most frequent first."""
        async with self._transaction() as connection:
            return await call_queries.unknown_numbers(connection, since, limit)

    async def call(self, node: str, unique_id: str) -> StoredCall | None:
        async with self._transaction() as connection:
            return await call_queries.one_call(connection, node, unique_id)

    async def board(self) -> Board:
        """How things stand, all at the same instant."""
        async with self._transaction(isolation_level="REPEATABLE READ") as connection:
            return await call_queries.board(connection)

    async def acknowledge(self, pops: Sequence[DrawnPop]) -> None:
        """Note when pops were drawn: each once, and only a ring of that agent from the minutes before."""
        async with self._transaction() as connection:
            await pop_log.acknowledge(connection, pops)

    async def pop_figures(self, since: datetime, until: datetime) -> PopFigures:
        """How soon pops were drawn whose telephone began to ring in this period; no agent is told apart."""
        async with self._transaction() as connection:
            return await pop_log.pop_figures(connection, since, until)

    async def ringing(self, agent: str) -> tuple[StoredCall, ...]:
        """The calls whose pop is up for this agent now."""
        async with self._transaction() as connection:
            return await call_queries.ringing(connection, agent)

    async def open_calls(self, node: str) -> tuple[StoredCall, ...]:
        """The node's calls that have not ended."""
        async with self._transaction() as connection:
            return await call_queries.open_calls(connection, node)

    async def expire_personal_data(self, at: datetime) -> int:
        """Remove what callers sent from calls whose ``expires_at`` has come; returns from how many calls."""
        async with self._transaction() as connection:
            return await call_log.expire_personal_data(connection, at)

    async def count_fallbacks(
        self, node: str, since: str, counters: Mapping[tuple[str, str], int], at: datetime
    ) -> None:
        """Keep what Asterisk has counted (level and cause → calls) since the mark; said twice it counts once."""
        async with self._transaction() as connection:
            await fallback_counts.count(connection, node, since, counters, at)

    async def fallbacks(self) -> tuple[FallbackCount, ...]:
        """How often which level decided instead of the service, and why."""
        async with self._transaction() as connection:
            return await fallback_counts.counts(connection)
