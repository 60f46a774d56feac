# SPDX-License-Identifier: EUPL-1.2
"""The store as the other rooms see it: one object, values in and values out, one transaction for each call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from routing.core.events import CallEvent
from routing.store import call_log, call_queries
from routing.store.configuration_store import ConfigurationStore
from routing.store.records import StoredCall, StoredEvent, UnknownNumber


class Store(ConfigurationStore):
    """One database as one role: the configuration, and calls with their events. Every method may raise StoreError."""

    async def record(self, events: Sequence[CallEvent], *, expires_after: timedelta = timedelta(days=30)) -> int:
        """Append events and fold them into their calls, all or nothing; returns the last number given so far.

        Recording an event again (same node, call, kind, instant and agent's channel) adds nothing. What a caller sent
        goes ``expires_after`` the call's first event.
        """
        async with self._transaction() as connection:
            return await call_log.record(connection, events, expires_after)

    async def events_after(self, seq: int, *, limit: int = 500) -> tuple[StoredEvent, ...]:
        """The next events after number ``seq``, in order and without gaps."""
        async with self._transaction() as connection:
            return await call_queries.events_after(connection, seq, limit)

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
