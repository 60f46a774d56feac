# SPDX-License-Identifier: EUPL-1.2
"""The application: its routes, its protection and the feeds that live as long as it does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from api import pages
from api.cards import Directory
from api.dependencies import Services, services_of
from api.errors import PROBLEM_RESPONSES, install_handlers
from api.live import KEPT_EVENTS, KINDS_WITH_CALL, EventHub
from api.pops import Acknowledgements
from api.protection import Protection
from api.routes import calls, events, health, pops
from routing.store import EventFeed, Store, TableFeed

__all__ = ["create_app", "services_of"]

_STATIC = Path(__file__).parent / "static"
_log = structlog.get_logger("api")


def create_app(
    *,
    store: Store,
    node: str | None,
    allowed_hosts: Collection[str],
    clock: Callable[[], datetime],
    heartbeat_seconds: float = 10.0,
) -> FastAPI:
    """The API over a connected store, which stays the caller's to close.

    ``node``: show this node's events only (None: all). ``allowed_hosts``: names under which the API may be asked,
    ``"*"`` for any. ``heartbeat_seconds``: longest silence on an event stream.
    """
    directory = Directory()
    drawn = Acknowledgements(store, clock=clock, monotonic=time.monotonic)
    hub = EventHub(store, directory, node=node, on_told=drawn.told)
    app = FastAPI(
        title="Amtsleitung",
        summary="Calls of a telephone service centre for many municipalities",
        docs_url=None,  # both documentation pages load scripts from foreign hosts
        redoc_url=None,
        responses=PROBLEM_RESPONSES,
        lifespan=_lifespan,
    )
    app.state.services = Services(
        store=store,
        hub=hub,
        directory=directory,
        pops=drawn,
        clock=clock,
        heartbeat_seconds=heartbeat_seconds,
        node=node,
    )
    for routes in (health, calls, events, pops, pages):
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    install_handlers(app)
    app.add_middleware(Protection, allowed_hosts=frozenset(allowed_hosts))
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services = services_of(app)
    hub, directory = services.hub, services.directory
    table_feed = TableFeed(
        services.store,
        on_table=directory.replace,
        on_problem=lambda problem: _log.warning("configuration not usable", problem=problem),
    )
    event_feed = EventFeed(
        services.store,
        after=None,
        history=KEPT_EVENTS,
        with_calls_of=KINDS_WITH_CALL,
        on_events=hub.take,
        on_state=hub.take_state,
        on_anew=hub.begin_anew,
    )
    tasks = [
        asyncio.create_task(_lives(table_feed.run(), hub), name="table feed"),
        asyncio.create_task(_lives(event_feed.run(), hub), name="event feed"),
        asyncio.create_task(_lives(hub.run(), hub), name="event fan-out"),
        asyncio.create_task(_goes_on(services.pops.write()), name="write drawn pops"),
        asyncio.create_task(_goes_on(services.pops.watch()), name="watch for pops that are not drawn"),
    ]
    try:
        yield
    finally:
        hub.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _lives(work: Coroutine[Any, Any, None], hub: EventHub) -> None:
    # A feed that ends leaves pages that look alive and show nothing: readiness must fail and streams must say so.
    try:
        await work
    except Exception:
        _log.exception("a feed of the api ended", task=asyncio.current_task())
    hub.fail()


async def _goes_on(work: Coroutine[Any, Any, None]) -> None:
    # Figures about pops: without them everything else is as it should be.
    try:
        await work
    except Exception:
        _log.exception("a task of the api ended", task=asyncio.current_task())
