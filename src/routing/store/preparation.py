# SPDX-License-Identifier: EUPL-1.2
"""What only an admin can do to a database: its roles, its schema, and shutting everybody else out."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg

from routing.store.address import Address
from routing.store.problems import StoreError
from routing.store.roles import ROLES, quoted, verifier
from routing.store.schema import SCHEMA

_SHARED_DATABASE = "postgres"
"""Every program's way into a server: others' right to connect to it is not ours to take."""

_HARMLESS = "NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION NOINHERIT"


async def prepare(
    connection: asyncpg.Connection, admin: Address, names: Mapping[str, str], passwords: Mapping[str, str]
) -> None:
    """All or nothing, in one transaction. Raises StoreError and PostgreSQL's own errors."""
    async with connection.transaction():
        await _check_admin(connection, admin)
        for role in ROLES:
            await _make_role(connection, admin, names[role], passwords[role])
        await _close_database(connection, admin, names)
        await _allow_schema(connection, admin, names["owner"])


async def _check_admin(connection: asyncpg.Connection, admin: Address) -> None:
    rights = await connection.fetchrow(
        """
        SELECT rolname, rolsuper, rolcreaterole, pg_has_role(datdba, 'USAGE') AS owns
        FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()
        """
    )
    if rights["rolsuper"]:
        return
    who = rights["rolname"]
    if not rights["rolcreaterole"]:
        raise StoreError(
            f"The role {who} may not make roles in the database at {admin}: "
            f"let a superuser say ALTER ROLE {quoted(who)} CREATEROLE."
        )
    if not rights["owns"]:
        raise StoreError(
            f"The role {who} does not own the database at {admin}: "
            f"let a superuser say ALTER DATABASE {quoted(admin.database)} OWNER TO {quoted(who)}."
        )


async def _make_role(connection: asyncpg.Connection, admin: Address, name: str, password: str) -> None:
    secret = verifier(password)  # of base64 letters and $ : + / =, so it needs no escaping
    found = await connection.fetchrow(
        "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication AS mighty "
        "FROM pg_roles WHERE rolname = $1",
        name,
    )
    if found is None:
        await connection.execute(f"CREATE ROLE {quoted(name)} LOGIN {_HARMLESS} PASSWORD '{secret}'")
        return
    if found["mighty"]:
        raise StoreError(
            f"There is a role {name} at {admin.host}:{admin.port} with more rights than it must have: "
            f"let a superuser say ALTER ROLE {quoted(name)} {_HARMLESS}, or give the database another name."
        )
    try:
        # A savepoint is not needed: whatever fails here fails the whole preparation.
        await connection.execute(f"ALTER ROLE {quoted(name)} LOGIN PASSWORD '{secret}'")
    except asyncpg.InsufficientPrivilegeError as error:
        raise StoreError(
            f"The role {name} at {admin.host}:{admin.port} was made by another admin than {admin.user}: "
            f"use that one, or let a superuser say GRANT {quoted(name)} TO {quoted(str(admin.user))} WITH ADMIN OPTION."
        ) from error


async def _close_database(connection: asyncpg.Connection, admin: Address, names: Mapping[str, str]) -> None:
    database = quoted(admin.database)
    if admin.database != _SHARED_DATABASE:
        await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    roles = ", ".join(quoted(names[role]) for role in ROLES)
    await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {roles}")
    if await connection.fetchval("SELECT to_regnamespace('public') IS NOT NULL"):
        await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")


async def _allow_schema(connection: asyncpg.Connection, admin: Address, owner: str) -> None:
    found = await connection.fetchval("SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = $1", SCHEMA)
    if found is not None and found != owner:
        raise StoreError(
            f"The database at {admin} has a schema {SCHEMA} of the role {found}, not of {owner}: "
            "was the database renamed or copied? Give it its old name, or use an empty one."
        )
    if found is None:
        # The owner makes it, at its first login: to give a schema to another role, an admin must be a member of it.
        await connection.execute(f"GRANT CREATE ON DATABASE {quoted(admin.database)} TO {quoted(owner)}")


async def finish(connection: asyncpg.Connection, admin: Address, owner: str) -> None:
    """Once the owner has its schema it needs no other."""
    await connection.execute(f"REVOKE CREATE ON DATABASE {quoted(admin.database)} FROM {quoted(owner)}")
