# SPDX-License-Identifier: EUPL-1.2
"""A pool of connections to one database, and its transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from routing.store.address import Address
from routing.store.inspection import check_schema, check_server
from routing.store.problems import as_store_errors

APPLICATION = "amtsleitung"
_COMMAND_SECONDS = 30.0
_POOL = 5


class Pool:
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
    def at(cls, url: str, *, deadline_seconds: float = 10) -> Self:
        """A store of this address, whether its database can be used by now or not."""
        return cls(Address.parse(url), deadline_seconds=deadline_seconds)

    @classmethod
    async def connect(cls, url: str, *, deadline_seconds: float = 10) -> Self:
        """One whose database answers and has the tables that this program was written for."""
        store = cls.at(url, deadline_seconds=deadline_seconds)
        try:
            await store.check()
        except BaseException:
            await store.close()
            raise
        return store

    async def check(self) -> None:
        """Return if the database answers and has the tables that this program was written for."""
        async with self._transaction() as connection:
            await check_server(connection, self.address)
            await check_schema(connection, self.address)

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

    @asynccontextmanager
    async def _transaction(self, *, isolation_level: str | None = None) -> AsyncIterator[AsyncConnection]:
        with as_store_errors(self.address):
            async with self._engine.connect() as connection:
                if isolation_level is not None:
                    await connection.execution_options(isolation_level=isolation_level)
                async with connection.begin():
                    yield connection
