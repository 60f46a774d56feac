# SPDX-License-Identifier: EUPL-1.2
"""The process ``fastagi``: the call path. Loads no FastAPI, no pydantic, no panoramisk; with a file no database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from agi.fastagi.server import FastAgiError, FastAgiServer
from amtsleitung.errors import Problem
from amtsleitung.process import run_service, say_ready
from amtsleitung.settings import Settings, read_settings

if TYPE_CHECKING:
    from routing.core.table import Table

DRAIN_SECONDS = 5.0
log = structlog.get_logger()


class _Live:
    """The table in use: swapped whole, never changed."""

    def __init__(self) -> None:
        self.table: Table | None = None
        self.arrived = asyncio.Event()

    def replace(self, table: Table) -> None:
        self.table = table
        self.arrived.set()
        log.info("table in use", version=table.version, numbers=len(table.numbers), lines=len(table.lines))


def serve_fastagi(*, config_file: Path | None, ready_file: Path | None) -> None:
    """Serves until SIGTERM or SIGINT. Raises ``Problem``."""
    settings = read_settings()
    if config_file is not None:
        run_service(lambda stop: _serve_from_file(settings, ready_file, stop, config_file))
        return
    if settings.database_url is None:
        raise Problem("AMTSLEITUNG_DATABASE_URL is not set: name the database, or give --config FILE.yaml.")
    url = settings.database_url
    run_service(lambda stop: _serve_from_database(settings, ready_file, stop, url))


async def _serve_from_file(settings: Settings, ready_file: Path | None, stop: asyncio.Event, config_file: Path) -> None:
    from amtsleitung.tables import table_of_file

    live = _Live()
    live.replace(table_of_file(config_file))
    await _serve(settings, live, ready_file, stop, feed=None)


async def _serve_from_database(settings: Settings, ready_file: Path | None, stop: asyncio.Event, url: str) -> None:
    from amtsleitung.database_table import DatabaseTable

    live = _Live()
    async with DatabaseTable.opened(url, settings.state_directory, on_table=live.replace) as table:
        await _serve(settings, live, ready_file, stop, feed=table.run)


async def _serve(
    settings: Settings,
    live: _Live,
    ready_file: Path | None,
    stop: asyncio.Event,
    *,
    feed: Callable[[], Awaitable[None]] | None,
) -> None:
    server = FastAgiServer(
        host=settings.fastagi_bind.host,
        port=settings.fastagi_bind.port,
        table=lambda: live.table,
        clock=lambda: datetime.now(UTC),
    )
    following = asyncio.ensure_future(feed()) if feed is not None else None
    try:
        try:
            host, port = await server.start()
        except FastAgiError as error:
            raise Problem(f"AMTSLEITUNG_FASTAGI_BIND={settings.fastagi_bind}: {error}") from error
        if not await _first(live.arrived, stop, following):
            return
        log.info("fastagi listens", address=f"{host}:{port}")
        say_ready(ready_file, f"{host}:{port}")
        await _first(stop, stop, following)
    finally:
        await server.stop(drain_seconds=DRAIN_SECONDS)
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def _first(wanted: asyncio.Event, stop: asyncio.Event, following: asyncio.Future[None] | None) -> bool:
    """Waits for ``wanted`` or ``stop``; a feed that dies takes the process with it. True if ``wanted`` came."""
    waits: set[asyncio.Future[object]] = {asyncio.ensure_future(wanted.wait()), asyncio.ensure_future(stop.wait())}
    try:
        every = waits | ({following} if following is not None else set())
        await asyncio.wait(every, return_when=asyncio.FIRST_COMPLETED)
        if following is not None and following.done():
            await following
        return wanted.is_set()
    finally:
        for wait in waits:
            wait.cancel()
