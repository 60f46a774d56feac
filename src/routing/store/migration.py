# SPDX-License-Identifier: EUPL-1.2
"""Making a database ready: the database itself, its roles, its tables, its grants. Safe to repeat and to race.

The admin's connection does what only an admin can, and holds a lock all the while; the tables are made by the owner,
who logs in like any other. So the admin needs no membership in the owner's role, which PostgreSQL 16 made harder.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema

from routing.store.address import Address
from routing.store.inspection import require_not_newer, require_server, schema_revision
from routing.store.preparation import finish, prepare
from routing.store.problems import StoreError, as_store_errors
from routing.store.records import RoleUrls
from routing.store.roles import ROLES, grants, quoted, role_name
from routing.store.schema import SCHEMA

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parents[3] / "migrations"
_LOCK = 0x616D7473_00000002  # "amts", 2
_DEADLINE_SECONDS = 120.0
_CONNECT_SECONDS = 10.0
_MAINTENANCE_DATABASE = "postgres"


async def migrate(admin_url: str, *, passwords: Mapping[str, str]) -> RoleUrls:
    """Bring the database that ``admin_url`` names to the newest migration; returns its roles' addresses.

    It is made if it does not exist. ``passwords`` has one for each of ``owner``, ``router``, ``web``; they are set
    anew each time. The admin is a superuser, or owns the database (or may create it) and has CREATEROLE. Migrations
    only go forward: an older program refuses a newer database. Raises StoreError.
    """
    admin = Address.parse(admin_url)
    missing = [role for role in ROLES if not passwords.get(role)]
    if missing:
        raise StoreError(f"No password is given for the database's role {missing[0]}: give one for each of {ROLES}.")
    if not (MIGRATIONS / "env.py").is_file():
        raise StoreError(f"The folder {MIGRATIONS} is missing: run Amtsleitung from a whole checkout.")
    names = {role: role_name(admin.database, role) for role in ROLES}
    roles = {role: admin.as_role(names[role], passwords[role]) for role in ROLES}
    with as_store_errors(admin):
        async with asyncio.timeout(_DEADLINE_SECONDS), _admin(admin) as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
            version = await connection.fetchval("SELECT current_setting('server_version_num')::int")
            encoding = await connection.fetchval("SELECT current_setting('server_encoding')")
            require_server(version, encoding, admin)
            await prepare(connection, admin, names, passwords)
            with as_store_errors(roles["owner"]):
                await _upgrade(roles["owner"], names)
            await finish(connection, admin, names["owner"])
    return RoleUrls(**{role: address.url() for role, address in roles.items()})


@asynccontextmanager
async def _admin(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """The admin's connection, to a database that is made first if there is none."""
    try:
        connection = await _connect(address)
    except asyncpg.InvalidCatalogNameError:
        await _create(address)
        connection = await _connect(address)
    try:
        yield connection
    finally:
        connection.terminate()  # frees the lock; nothing is under way


async def _create(address: Address) -> None:
    maintenance = await _connect(replace(address, database=_MAINTENANCE_DATABASE))
    try:
        # Byte order and UTF-8, as every server has them: what people see is sorted in Python.
        await maintenance.execute(
            f"CREATE DATABASE {quoted(address.database)} TEMPLATE template0 "
            "ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'"
        )
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        pass  # somebody else made it just now
    finally:
        maintenance.terminate()


async def _connect(address: Address) -> asyncpg.Connection:
    return await asyncpg.connect(**address.arguments(), timeout=_CONNECT_SECONDS, command_timeout=_DEADLINE_SECONDS)


async def _upgrade(owner: Address, names: Mapping[str, str]) -> None:
    """All migrations and grants in one transaction of the owner's: a failed one leaves the database as it was."""

    async def connect() -> asyncpg.Connection:
        return await _connect(owner)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            require_not_newer(await schema_revision(connection), owner)
            there = await connection.execute(text("SELECT to_regnamespace(:name) IS NOT NULL"), {"name": SCHEMA})
            if not there.scalar_one():  # IF NOT EXISTS would ask for the right to make it each time
                await connection.execute(CreateSchema(SCHEMA))
            await connection.run_sync(_run_alembic, owner)
            for statement in grants(names["router"], names["web"]):
                await connection.exec_driver_sql(statement)
    finally:
        await engine.dispose()


def alembic_config(**attributes: Any) -> Config:
    """Alembic's configuration with our folder of migrations; ``connection``: the one to use."""
    from alembic.config import Config  # not above: the call path imports this room and never migrates

    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _run_alembic(connection: Connection, address: Address) -> None:
    from alembic import command
    from alembic.util import CommandError

    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        command.upgrade(alembic_config(connection=connection), "head")
    except CommandError as error:
        raise StoreError(f"The tables of the database at {address} cannot be migrated: {error}.") from error
