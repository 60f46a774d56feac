# SPDX-License-Identifier: EUPL-1.2
"""uvicorn, owned by the process that calls: no signal handlers of its own, an end that open streams cannot delay."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import struct
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.app import create_app, services_of
from api.live import MAXIMUM_SUBSCRIPTIONS
from api.stream import ABORT
from routing.store import Store

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
_GRACE_SECONDS = 2
_BACKLOG = 1024  # all pages come back at once after a restart
_OTHER_DESCRIPTORS = 256  # beside event streams

_log = structlog.get_logger("api")


class ServeError(Exception):
    """The API cannot be served; one sentence says why and what to do."""


def utc_clock() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


async def run_api(
    *,
    store: Store,
    host: str,
    port: int,
    stop: asyncio.Event,
    ready: Callable[[str, int], None],
    node: str | None = None,
    allowed_hosts: Collection[str] = LOOPBACK_HOSTS,
    clock: Callable[[], datetime] = utc_clock,
    heartbeat_seconds: float = 10.0,
) -> None:
    """Serve until ``stop`` is set; open event streams end within about two seconds.

    ``port`` 0 takes a free one; ``ready`` is told host and port once requests are answered. Raises ServeError.
    """
    _allow_descriptors(MAXIMUM_SUBSCRIPTIONS + _OTHER_DESCRIPTORS)
    listener = _listen(host, port)
    app = create_app(
        store=store, node=node, allowed_hosts=allowed_hosts, clock=clock, heartbeat_seconds=heartbeat_seconds
    )
    server = _Server(app, lambda: ready(host, listener.getsockname()[1]))
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="api server")
    stopping = asyncio.create_task(stop.wait(), name="wait for the end of the api")
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        # Before uvicorn asks its connections to end: an event stream ends only when its source does.
        services_of(app).hub.close()
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()
        serving.cancel()
        await asyncio.wait({serving, stopping})
        listener.close()
    if not stop.is_set():
        raise ServeError("The web server ended by itself; its log above says why.")


def _allow_descriptors(wanted: int) -> None:
    """As many open sockets as there may be streams; most systems allow 1,024 until one asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        _log.warning("few descriptors: fewer pages can be open at once", allowed=most, wanted=wanted)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except (OSError, OverflowError) as error:
        listener.close()
        why = error.strerror if isinstance(error, OSError) else "no such port"
        raise ServeError(
            f"Cannot listen on {host}:{port} ({why}): choose another address or port with AMTSLEITUNG_API_BIND, "
            "or port 0 for a free one."
        ) from None
    return listener


def _reset(transport: asyncio.Transport) -> None:
    """End the connection without waiting for anything: what is on its way is dropped here and in the kernel."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class _Connection(H11Protocol):
    """Gives the application the extension `ABORT`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app = self.app

        async def with_abort(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {**scope.get("extensions", {}), ABORT: lambda: _reset(transport)}
            await app(scope, receive, send)

        self.app = with_abort


class _Server(uvicorn.Server):
    def __init__(self, app: FastAPI, on_started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Connection,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._on_started = on_started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the process's owner."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the owner once the sockets are served."""
        await super().startup(sockets=sockets)
        if self.started:
            self._on_started()
