# SPDX-License-Identifier: EUPL-1.2
"""The store as the other rooms see it: one object, values in and values out, one transaction for each call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from routing.core.events import CallEvent
from routing.core.rows import Rows
from routing.store import call_log, call_queries, configuration
from routing.store.address import Address
from routing.store.inspection import check_schema, check_server
from routing.store.problems import as_store_errors
from routing.store.records import StoredCall, StoredEvent

APPLICATION = "amtsleitung"
_COMMAND_SECONDS = 30.0
_POOL = 5


class Store:
    """A pool of connections to one database, as one role. Every method may raise StoreError.

    It survives a restart of the database: calls in between raise, later ones find a new connection.
    """

    def __init__(self, address: Address, *, deadline_seconds: float) -> None:
        self.address = address
        self.deadline_seconds = deadline_seconds
        self._engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self.open_connection,
            poolclass=AsyncAdaptedQueuePool,
            pool_size=_POOL,
            max_overflow=0,
            pool_timeout=deadline_seconds,
            pool_pre_ping=True,
            hide_parameters=True,  # they are telephone numbers
        )

    @classmethod
    async def connect(cls, url: str, *, deadline_seconds: float = 10) -> Store:
        """A store whose database answers and has the tables that this program was written for."""
        store = cls(Address.parse(url), deadline_seconds=deadline_seconds)
        try:
            async with store._transaction() as connection:
                await check_server(connection, store.address)
                await check_schema(connection, store.address)
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        await self._engine.dispose()

    async def ping(self) -> None:
        """Return if the database answers."""
        async with self._transaction() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def open_connection(self) -> asyncpg.Connection:
        """A new connection outside the pool, for a feed: a pooled one would keep its listeners when it is lent on."""
        return await asyncpg.connect(
            **self.address.arguments(),
            timeout=self.deadline_seconds,
            command_timeout=_COMMAND_SECONDS,
            server_settings={"application_name": APPLICATION},
        )

    async def load_rows(self) -> tuple[Rows, int] | None:
        """The live configuration and its version; ``None`` if nothing was ever saved."""
        async with self._transaction(isolation_level="REPEATABLE READ") as connection:
            return await configuration.load_rows(connection)

    async def live_version(self) -> int | None:
        """The version that `load_rows` would give."""
        async with self._transaction() as connection:
            return await configuration.live_version(connection)

    async def save_rows(self, rows: Rows, *, author: str, comment: str, at: datetime, base_version: int | None) -> int:
        """Make ``rows`` the live configuration; returns its version, which is the live one if nothing differs.

        ``base_version`` is the version that the change was made to (0: an empty database); StoreError if it is no
        longer live. ``None`` replaces whatever is live. Devices seen for the first time get a secret each.
        """
        async with self._transaction() as connection:
            return await configuration.save_rows(
                connection, rows, author=author, comment=comment, at=at, base_version=base_version
            )

    async def device_secrets(self) -> Mapping[str, str]:
        """The secret with which each device registers. Not for the web role."""
        async with self._transaction() as connection:
            return await configuration.device_secrets(connection)

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

    @asynccontextmanager
    async def _transaction(self, *, isolation_level: str | None = None) -> AsyncIterator[AsyncConnection]:
        with as_store_errors(self.address):
            async with self._engine.connect() as connection:
                if isolation_level is not None:
                    await connection.execution_options(isolation_level=isolation_level)
                async with connection.begin():
                    yield connection
