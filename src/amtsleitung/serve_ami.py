# SPDX-License-Identifier: EUPL-1.2
"""The process ``ami``: the observer and publisher of one Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from agi.ami.service import Readiness, run_observer
from amtsleitung.allocation import give_memory_back
from amtsleitung.errors import Problem
from amtsleitung.process import run_service, say_ready
from amtsleitung.settings import Settings, read_settings
from routing.core.table import Table
from routing.store import Store, StoreError, TableFeed

log = structlog.get_logger()


def serve_ami(*, ready_file: Path | None) -> None:
    """Observes until SIGTERM or SIGINT. Raises ``Problem``."""
    give_memory_back()
    settings = read_settings()
    if settings.database_url is None:
        raise Problem("AMTSLEITUNG_DATABASE_URL is not set: name the database with the role router.")
    if settings.ami_url is None:
        raise Problem("AMTSLEITUNG_AMI_URL is not set: name Asterisk's manager, as ami://user:secret@host:port.")
    database_url, ami_url = settings.database_url, settings.ami_url
    run_service(lambda stop: _serve(settings, database_url, ami_url, ready_file, stop))


async def _serve(
    settings: Settings, database_url: str, ami_url: str, ready_file: Path | None, stop: asyncio.Event
) -> None:
    said = False

    def on_readiness(readiness: Readiness) -> None:
        nonlocal said
        log.info("observer", resynced=readiness.resynced, published=readiness.published)
        if readiness.ready and not said:
            said = True
            say_ready(ready_file, settings.node)

    try:
        store = await Store.connect(database_url)
    except StoreError as error:
        raise Problem(str(error)) from error

    def table_feed(on_table: Callable[[Table], None], on_problem: Callable[[str], None]) -> TableFeed:
        return TableFeed(store, on_table=on_table, on_problem=on_problem)

    try:
        await run_observer(
            ami_url=ami_url,
            node=settings.node,
            store=store,
            table_feed=table_feed,
            state_directory=settings.state_directory,
            clock=lambda: datetime.now(UTC),
            stop=stop,
            on_readiness=on_readiness,
            recorded=settings.state_directory / "sounds" / "recorded",
            trunk_passwords=settings.trunk_passwords,
        )
    except ValueError as error:
        raise Problem(f"AMTSLEITUNG_AMI_URL: {error}") from error
    finally:
        await store.close()
