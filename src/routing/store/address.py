# SPDX-License-Identifier: EUPL-1.2
"""Where a database is, and as whom we come: a URL taken apart, whose password never shows in a text."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from routing.store.problems import StoreError

_DIALECTS = frozenset({"postgres", "postgresql", "postgresql+asyncpg"})
_OPTIONS = frozenset({"host", "ssl", "sslmode"})
_PORT = 5432


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """``postgresql://user:password@host:port/database?sslmode=require``, in parts.

    ``host`` may be a directory that holds a socket (``?host=/run/postgresql``); ``ssl`` is libpq's sslmode.
    """

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    database: str
    ssl: str | None = None

    @classmethod
    def parse(cls, url: str) -> Address:
        """Raises StoreError, which does not repeat the URL: it may hold a password."""
        try:
            parts = make_url(url)
        except (ArgumentError, ValueError):
            raise StoreError(_shape("is not a URL")) from None
        if parts.drivername not in _DIALECTS:
            raise StoreError(_shape("does not begin with postgresql://"))
        if not parts.database:
            raise StoreError(_shape("names no database"))
        unknown = sorted(set(parts.query) - _OPTIONS)
        if unknown:
            raise StoreError(_shape(f"has an option that is not known here ({', '.join(unknown)})"))
        host, ssl = (
            _single(parts.query.get(name, fallback))
            for name, fallback in (("host", parts.host or "localhost"), ("sslmode", parts.query.get("ssl", "")))
        )
        return cls(
            host=host,
            port=parts.port or _PORT,
            user=parts.username,
            password=parts.password,
            database=parts.database,
            ssl=ssl or None,
        )

    def as_role(self, user: str, password: str) -> Address:
        return replace(self, user=user, password=password)

    def url(self) -> str:
        """``postgresql+asyncpg://…``, with the password."""
        query = {"sslmode": self.ssl} if self.ssl else {}
        socket = self.host.startswith("/")
        if socket:
            query["host"] = self.host
        made = URL.create(
            "postgresql+asyncpg",
            username=self.user,
            password=self.password,
            host=None if socket else self.host,
            port=self.port,
            database=self.database,
            query=query,
        )
        return made.render_as_string(hide_password=False)

    def arguments(self) -> dict[str, Any]:
        """For ``asyncpg.connect``."""
        arguments: dict[str, Any] = {"host": self.host, "port": self.port, "database": self.database}
        optional = {"user": self.user, "password": self.password, "ssl": self.ssl}
        return arguments | {name: value for name, value in optional.items() if value is not None}

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.database}"


def _shape(fault: str) -> str:
    return (
        f"The database's URL {fault}: write it as postgresql://user:password@host:port/database, "
        "with special characters percent-encoded and no options but sslmode and host."
    )


def _single(value: str | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        raise StoreError(_shape("gives an option twice"))
    return value
