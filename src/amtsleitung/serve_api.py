# SPDX-License-Identifier: EUPL-1.2
"""The process ``api``: pages, event stream and API."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from amtsleitung.allocation import give_memory_back
from amtsleitung.errors import Problem
from amtsleitung.process import run_service, say_ready
from amtsleitung.settings import Settings, read_settings
from api.server import ServeError, run_api
from routing.store import Store, StoreError

log = structlog.get_logger()


def serve_api(*, ready_file: Path | None) -> None:
    """Serves until SIGTERM or SIGINT. Raises ``Problem``."""
    give_memory_back()
    settings = read_settings()
    if settings.database_url is None:
        raise Problem("AMTSLEITUNG_DATABASE_URL is not set: name the database with the role web.")
    url = settings.database_url
    run_service(lambda stop: _serve(settings, url, ready_file, stop))


async def _serve(settings: Settings, url: str, ready_file: Path | None, stop: asyncio.Event) -> None:
    def ready(host: str, port: int) -> None:
        log.info("api listens", address=f"{host}:{port}")
        say_ready(ready_file, f"{host}:{port}")

    try:
        store = await Store.connect(url)
        try:
            await run_api(
                store=store,
                host=settings.api_bind.host,
                port=settings.api_bind.port,
                stop=stop,
                ready=ready,
                node=None,
                allowed_hosts=settings.api_hosts,
            )
        finally:
            await store.close()
    except (StoreError, ServeError) as error:
        raise Problem(str(error)) from error
