# SPDX-License-Identifier: EUPL-1.2
"""Feeds under test: run for a while, and cut off from their database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.support.database import Server

LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query LIKE 'LISTEN%'"


@asynccontextmanager
async def running(run: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(run)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Killer:
    """Ends connections to one database."""

    def __init__(self, server: Server, database: str) -> None:
        self._admin = server.admin
        self._database = database

    async def kill(self) -> int:
        """All of them; how many there were."""
        killed: int = await self._admin.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = $1 AND application_name = 'amtsleitung'",
            self._database,
        )
        return killed

    async def kill_listener(self) -> bool:
        killed = await self._admin.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1 AND query LIKE 'LISTEN%'",
            self._database,
        )
        return bool(killed)

    async def listeners(self) -> int:
        count: int = await self._admin.fetchval(LISTENING, self._database)
        return count
