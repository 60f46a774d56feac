# SPDX-License-Identifier: EUPL-1.2
"""The outermost layer: who may be addressed, which headers every answer carries, and what a crash looks like."""

from __future__ import annotations

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem_response

_log = structlog.get_logger("api")

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def host_of(header: str) -> str:
    """The name in a Host header, without port and brackets, in lower case."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def _is_own(headers: Headers) -> bool:
    """Programs send neither header, every browser at least one."""
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2].lower() == headers.get("host", "").lower()


class Protection:
    """Pure ASGI, because a wrapper that reads bodies would hold back the event stream.

    A foreign Host header is refused: without it, any web page could have its name resolve to the loopback address
    and read callers' numbers. What changes something is taken from our own pages only: another site's page can send
    a form or a request without asking, and the browser then names that site in ``Origin``.
    """

    def __init__(self, app: ASGIApp, *, allowed_hosts: frozenset[str]) -> None:
        self.app = app
        self.allowed_hosts = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False
        caching = "no-cache" if scope["path"].startswith("/static/") else "no-store"

        async def send_protected(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS | {"cache-control": caching})
            await send(message)

        if not self._allows(scope):
            refusal = problem_response(400, "unknown-host", "This server does not answer under this host name.")
            await refusal(scope, receive, send_protected)
            return
        if scope["method"] not in _READING and not _is_own(Headers(scope=scope)):
            refusal = problem_response(403, "foreign-origin", "This is taken from this server's own pages only.")
            await refusal(scope, receive, send_protected)
            return
        try:
            await self.app(scope, receive, send_protected)
        except Exception:
            _log.exception("unexpected error", method=scope["method"])
            if begun:
                return
            crash = problem_response(500, "internal", "Something went wrong here; it has been logged.")
            await crash(scope, receive, send_protected)

    def _allows(self, scope: Scope) -> bool:
        host = host_of(Headers(scope=scope).get("host", ""))
        return "*" in self.allowed_hosts or host in self.allowed_hosts
