# SPDX-License-Identifier: EUPL-1.2
"""Names of people by their login names: outside the versions, so that they can be erased."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.store.draft_tables import person
from routing.store.problems import StoreError
from routing.store.values import storable


async def people(connection: AsyncConnection) -> Mapping[str, str]:
    rows = await connection.execute(select(person.c.login, person.c.name).order_by(person.c.login))
    return {row.login: row.name for row in rows}


async def set_person(connection: AsyncConnection, login: str, name: str) -> None:
    if not login.strip() or not name.strip():
        raise StoreError("A person has a login name and a name: write both.")
    values = {"login": storable("The login name", login), "name": storable("The name", name)}
    statement = insert(person).values(values)
    await connection.execute(statement.on_conflict_do_update(index_elements=[person.c.login], set_=values))


async def erase_person(connection: AsyncConnection, login: str) -> bool:
    """Whether there was a name to erase."""
    which = person.c.login == storable("The login name", login)
    erased = await connection.execute(delete(person).where(which).returning(person.c.login))
    return erased.scalar_one_or_none() is not None
