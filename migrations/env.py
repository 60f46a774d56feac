# SPDX-License-Identifier: EUPL-1.2
"""Alembic's entry. `amtsleitung migrate` hands over its connection; developers name one with ``-x url=…``.

Migrations only go forward: a mistake is mended by the next one, and a lost database comes back from its backup.
"""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from routing.store import call_tables, configuration_tables, draft_tables
from routing.store.schema import SCHEMA, VERSION_TABLE, metadata

assert {table.metadata for table in (call_tables.call, configuration_tables.device_secret, draft_tables.draft)} == {
    metadata
}


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=lambda name, kind, _parents: kind != "schema" or name == SCHEMA,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _connect_and_migrate(url: str) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_migrate)
    finally:
        await engine.dispose()


def _run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _migrate(connection)
        return
    url = context.get_x_argument(as_dictionary=True).get("url")
    if url is None:
        raise SystemExit("Which database? Give -x url=postgresql+asyncpg://owner:password@host:port/database")
    asyncio.run(_connect_and_migrate(url))


_run()
