# SPDX-License-Identifier: EUPL-1.2
"""A real PostgreSQL for tests: one server for each pytest process, an empty clone of a migrated template for each test.

The server is the embedded one, or the one that ``AMTSLEITUNG_TEST_DATABASE_URL`` names (an admin's URL of its
maintenance database), in which nothing stays behind. Roles belong to a whole server and are named after their
database; clones use the template's.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import asyncpg
from sqlalchemy import delete

from amtsleitung.postgres import EmbeddedPostgres
from amtsleitung.privileges import unprivileged_user
from amtsleitung.provision.embedded import embedded_postgresql
from amtsleitung.service import Service
from routing.store import RoleUrls, migrate
from routing.store.address import Address
from routing.store.call_tables import event_counter
from routing.store.roles import ROLES, quoted, role_name
from routing.store.schema import metadata

PASSWORDS = {"owner": "owner password", "router": "r%ut:er@/p?w", "web": "'w\"e\\b'"}
"""Awkward on purpose: every test then also proves that they are quoted well."""

_URL = "AMTSLEITUNG_TEST_DATABASE_URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server to make databases in; ``admin`` is a superuser's connection to its maintenance database."""

    address: Address
    admin: asyncpg.Connection
    _names: list[str] = field(default_factory=list)
    _admins: list[str] = field(default_factory=list)

    def new_name(self, suffix: str = "") -> str:
        """The name of a database that is not there yet and is dropped, with its roles, when the server ends."""
        name = f"amtsleitung_test_{secrets.token_hex(6)}{suffix}"
        self._names.append(name)
        return name

    async def new_admin(self, rights: str) -> tuple[str, str]:
        """A login role with these rights, dropped when the server ends; its name and password."""
        name, password = f"{self.new_name()}_admin", secrets.token_hex(8)
        self._admins.append(name)
        await self.admin.execute(f"CREATE ROLE {quoted(name)} LOGIN {rights} PASSWORD '{password}'")
        return name, password

    def url_of(self, database: str) -> str:
        """The admin's URL of a database."""
        return replace(self.address, database=database).url()

    async def clone(self, template: str) -> str:
        """A copy of a database to which nobody is connected; its name."""
        name = self.new_name()
        await self.admin.execute(f"CREATE DATABASE {quoted(name)} TEMPLATE {quoted(template)}")
        return name

    async def drop(self, database: str) -> None:
        await self.admin.execute(f"DROP DATABASE IF EXISTS {quoted(database)} WITH (FORCE)")

    async def drop_all(self) -> None:
        for name in self._names:
            await self.drop(name)
        for name in self._names:
            for role in ROLES:
                await self.admin.execute(f"DROP ROLE IF EXISTS {quoted(role_name(name, role))}")
        for name in self._admins:
            await self.admin.execute(f"DROP ROLE IF EXISTS {quoted(name)}")


@asynccontextmanager
async def server(*, durable: bool = False) -> AsyncIterator[Server]:
    """The server that the environment names, else an embedded one that ends with us; ``durable`` as the product's."""
    given = os.environ.get(_URL)
    if given:
        async with _connected(given) as found:
            try:
                yield found
            finally:
                await found.drop_all()
        return
    async with embedded(durable=durable) as postgres, _connected(postgres.admin_url) as found:
        yield found


class _QuickPostgres(EmbeddedPostgres):
    """Nothing here outlives a power failure anyway, and a test's clone then takes a third of the time."""

    def service(self, name: str = "postgres") -> Service:
        service = super().service(name)
        quick = ("--fsync=off", "--full_page_writes=off", "--synchronous_commit=off", "--wal_level=minimal")
        return replace(service, argv=(*service.argv, *quick, "--max_wal_senders=0"))


@asynccontextmanager
async def embedded(
    bin_directory: Path | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
    *,
    durable: bool = False,
) -> AsyncIterator[EmbeddedPostgres]:
    """A fresh server of its own in a temporary folder; other programs than ours may need an environment."""
    folder = Path(tempfile.mkdtemp(prefix="amtsleitung-test-"))
    try:
        folder.chmod(0o711)  # noqa: ASYNC240, an instant; the server's user must get through
        postgres = (EmbeddedPostgres if durable else _QuickPostgres)(
            bin_directory=bin_directory or embedded_postgresql().bin_directory,
            data_directory=folder / "postgres",
            credentials=unprivileged_user(),
            env={**os.environ, **environment},
        )
        await postgres.prepare()
        await postgres.start()
        try:
            yield postgres
        finally:
            await postgres.stop()
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def _connected(admin_url: str) -> AsyncIterator[Server]:
    address = Address.parse(admin_url)
    admin = await asyncpg.connect(**address.arguments(), timeout=10, command_timeout=60)
    try:
        yield Server(address=address, admin=admin)
    finally:
        await admin.close(timeout=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clone:
    """A copy of the template; ``admin`` is a connection to it that empties it again."""

    name: str
    admin: asyncpg.Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A migrated, empty database, and its copies that no test is using."""

    server: Server
    name: str
    urls: RoleUrls
    _idle: list[_Clone] = field(default_factory=list)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[RoleUrls]:
        """An empty copy for one test, which must not change its tables or grants: the next test gets it, emptied.

        Copying takes ten times as long as emptying. Connections that the test left open are ended.
        """
        clone = self._idle.pop() if self._idle else await self._clone()
        yield self.urls_of(clone.name)
        if not clone.admin.is_closed():  # a test may have ended every connection
            await clone.admin.execute(_EMPTY)
            self._idle.append(clone)

    def urls_of(self, database: str) -> RoleUrls:
        """The template's roles' addresses, in a copy."""
        return RoleUrls(**{role: _elsewhere(getattr(self.urls, role), database) for role in ROLES})

    async def close(self) -> None:
        for clone in self._idle:
            await clone.admin.close(timeout=10)

    async def _clone(self) -> _Clone:
        name = await self.server.clone(self.name)
        address = replace(self.server.address, database=name)
        return _Clone(name=name, admin=await asyncpg.connect(**address.arguments(), timeout=10, command_timeout=60))


_END_OTHERS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid();
"""


def _emptying() -> str:
    """DELETE, for TRUNCATE makes some sixty files anew. Events before calls, rows before versions."""
    tables = [table for table in reversed(metadata.sorted_tables) if table is not event_counter]
    deletions = [str(delete(table)) for table in tables]
    return ";\n".join([_END_OTHERS.strip(" ;\n"), *deletions, "UPDATE amtsleitung.event_counter SET last_seq = 0"])


_EMPTY = _emptying()


def _elsewhere(url: str, database: str) -> str:
    return replace(Address.parse(url), database=database).url()


@asynccontextmanager
async def template(found: Server) -> AsyncIterator[Template]:
    name = found.new_name()
    made = Template(server=found, name=name, urls=await migrate(found.url_of(name), passwords=PASSWORDS))
    try:
        yield made
    finally:
        await made.close()
