# SPDX-License-Identifier: EUPL-1.2
"""The process ``fastagi``: the call path. Loads no FastAPI, no pydantic, no panoramisk; with a file no database.

With a database it keeps the journal, from which ``ami`` records what it did not hear of. Alone nobody would read it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from agi.fastagi import CallLog, FastAgiError, FastAgiServer
from amtsleitung.errors import Problem
from amtsleitung.process import CALL_PATH_PATIENCE_SECONDS, run_service, say_ready
from amtsleitung.settings import PREFIX, Settings, read_settings
from amtsleitung.status_file import status_path, status_written
from routing.config.journal_writer import JournalWriter

if TYPE_CHECKING:
    from routing.core.table import Table

DRAIN_SECONDS = 5.0
JOURNAL = "journal"
_OPEN_FILES = 8_192  # a burst is accepted whole before any of it is turned away
_OBJECTS_BETWEEN_COLLECTIONS = 50_000  # a dialogue leaves no cycles: looking for some among 700 is time for nothing
log = structlog.get_logger()


class _Live:
    """The table in use: swapped whole, never changed."""

    def __init__(self) -> None:
        self.table: Table | None = None
        self.arrived = asyncio.Event()
        self.connected: Callable[[], bool | None] = lambda: None  # without a database

    def replace(self, table: Table) -> None:
        self.table = table
        self.arrived.set()
        log.info("table in use", version=table.version, numbers=len(table.numbers), lines=len(table.lines))


def serve_fastagi(*, config_file: Path | None, ready_file: Path | None, take_over: bool = False) -> None:
    """Serves until SIGTERM or SIGINT. Raises ``Problem``."""
    settings = read_settings()
    if config_file is not None:
        run_service(
            lambda stop: _serve_from_file(settings, ready_file, stop, config_file, take_over=take_over),
            patience_seconds=CALL_PATH_PATIENCE_SECONDS,
            new_loop=fastest_loop(),
        )
        return
    if settings.database_url is None:
        raise Problem("AMTSLEITUNG_DATABASE_URL is not set: name the database, or give --config FILE.yaml.")
    url = settings.database_url
    run_service(
        lambda stop: _serve_from_database(settings, ready_file, stop, url, take_over=take_over),
        patience_seconds=CALL_PATH_PATIENCE_SECONDS,
        new_loop=fastest_loop(),
    )


def fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's; where there is none (it is made for Linux and macOS alone), ``None`` for asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve_from_file(
    settings: Settings, ready_file: Path | None, stop: asyncio.Event, config_file: Path, *, take_over: bool
) -> None:
    from amtsleitung.tables import table_of_file

    live = _Live()
    live.replace(table_of_file(config_file))
    gc.collect()
    gc.freeze()  # the table stays: no collection need look at it again and again
    await _serve(settings, live, ready_file, stop, feed=None, journal=None, take_over=take_over)


async def _serve_from_database(
    settings: Settings, ready_file: Path | None, stop: asyncio.Event, url: str, *, take_over: bool
) -> None:
    from amtsleitung.database_table import DatabaseTable

    live = _Live()
    journal = JournalWriter(settings.state_directory / JOURNAL, say=_warn)
    journal.start()
    try:
        async with DatabaseTable.opened(url, settings.state_directory, on_table=live.replace) as table:
            live.connected = lambda: table.connected
            await _serve(settings, live, ready_file, stop, feed=table.run, journal=journal, take_over=take_over)
    finally:
        journal.stop()


def _warn(sentence: str) -> None:
    log.warning("journal", detail=sentence)


def call_server(
    settings: Settings,
    table: Callable[[], Table | None],
    journal: JournalWriter | None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    take_over: bool = False,
) -> tuple[FastAgiServer, CallLog]:
    """The server as it is in production, and its log, which is to be flushed at the end."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    call_log = CallLog(
        structlog.get_config()["logger_factory"]().info,
        personal=os.environ.get(f"{PREFIX}LOG_PERSONAL") != "no",
        journal=journal.append if journal is not None else None,
    )
    server = FastAgiServer(
        host=settings.fastagi_bind.host,
        port=settings.fastagi_bind.port,
        table=table,
        clock=clock,
        log=call_log,
        take_over=take_over,
    )
    return server, call_log


def _raise_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _serve(
    settings: Settings,
    live: _Live,
    ready_file: Path | None,
    stop: asyncio.Event,
    *,
    feed: Callable[[], Awaitable[None]] | None,
    journal: JournalWriter | None,
    take_over: bool,
) -> None:
    _raise_open_files()
    server, call_log = call_server(settings, lambda: live.table, journal, take_over=take_over)
    following = asyncio.ensure_future(feed()) if feed is not None else None
    try:
        # Who takes over gets calls as soon as it listens; a first one learns at once whether its port is free.
        if take_over and not await _first(live.arrived, stop, following):
            return
        try:
            host, port = await server.start()
        except FastAgiError as error:
            raise Problem(f"AMTSLEITUNG_FASTAGI_BIND={settings.fastagi_bind}: {error}") from error
        if not await _first(live.arrived, stop, following):
            return
        log.info("fastagi listens", address=f"{host}:{port}")
        say_ready(ready_file, f"{host}:{port}")
        with status_written(status_path(settings.state_directory), lambda: _status(server, live)):
            await _first(stop, stop, following)
    finally:
        await server.stop(drain_seconds=DRAIN_SECONDS)
        call_log.flush()
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


def _status(server: FastAgiServer, live: _Live) -> dict[str, object]:
    counters, table = server.counters(), live.table
    return {
        "table_version": None if table is None else table.version,
        "numbers": 0 if table is None else len(table.numbers),
        "database": live.connected(),
        "decisions": dict(counters.decisions),
        "failures": dict(counters.failures),
        "open_connections": counters.open_connections,
    }


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
