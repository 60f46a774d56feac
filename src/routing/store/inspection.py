# SPDX-License-Identifier: EUPL-1.2
"""Is this a database that we can work with?"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.store.address import Address
from routing.store.problems import MIGRATE, StoreError
from routing.store.schema import REVISION, SCHEMA, VERSION_TABLE

OLDEST_SERVER = 15


async def check_server(connection: AsyncConnection, address: Address) -> None:
    """Raises StoreError if the server is too old or the database cannot hold every character."""
    query = text("SELECT current_setting('server_version_num')::int, current_setting('server_encoding')")
    number, encoding = (await connection.execute(query)).one()
    require_server(number, encoding, address)


def require_server(version_number: int, encoding: str, address: Address) -> None:
    """``version_number`` as PostgreSQL counts: 150004 is 15.4."""
    if version_number // 10_000 < OLDEST_SERVER:
        raise StoreError(
            f"The server at {address.host}:{address.port} is PostgreSQL {version_number // 10_000}: "
            f"version {OLDEST_SERVER} or newer is needed."
        )
    if encoding != "UTF8":
        raise StoreError(
            f"The database {address} has the encoding {encoding}, not UTF8: "
            "make another one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
        )


async def schema_revision(connection: AsyncConnection) -> str | None:
    """The migration that the database has reached; ``None`` if it is not ours yet."""
    there = await connection.execute(text("SELECT to_regclass(:name)"), {"name": f"{SCHEMA}.{VERSION_TABLE}"})
    if there.scalar_one() is None:
        return None
    revision: str | None = (
        await connection.execute(text(f"SELECT version_num FROM {SCHEMA}.{VERSION_TABLE}"))  # noqa: S608, constants
    ).scalar_one_or_none()
    return revision


async def check_schema(connection: AsyncConnection, address: Address) -> None:
    """Raises StoreError if the database's tables are not those this program was written for."""
    revision = await schema_revision(connection)
    if revision is None:
        raise StoreError(f"The database at {address} has no tables of Amtsleitung yet: {MIGRATE}.")
    require_not_newer(revision, address)
    if revision != REVISION:
        raise StoreError(f"The database at {address} has old tables ({revision}, not {REVISION}): {MIGRATE}.")


def require_not_newer(revision: str | None, address: Address) -> None:
    if revision is not None and revision > REVISION:
        raise StoreError(
            f"The database at {address} was prepared by a newer Amtsleitung (its tables are {revision}, this program "
            f"knows {REVISION}): update this program, or use a database of its own."
        )
