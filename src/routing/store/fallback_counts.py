# SPDX-License-Identifier: EUPL-1.2
"""Calls that the service did not decide, counted by Asterisk itself and kept here.

Asterisk's counters only grow, but for two things: one that was killed has lost its last second, and one whose database
was emptied begins anew. ``since`` is the mark that tells them apart: it is new only if the database was emptied.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, Column, DateTime, PrimaryKeyConstraint, Table, Text, case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from routing.store.records import FallbackCount
from routing.store.schema import metadata
from routing.store.values import in_utc

fallback_count = Table(
    "fallback_count",
    metadata,
    Column("node", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("since", Text, nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("node", "level", "cause"),
)


async def count(
    connection: AsyncConnection, node: str, since: str, counters: Mapping[tuple[str, str], int], at: datetime
) -> None:
    """Have the counters (level and cause → calls, all of them since the mark) be part of what is kept."""
    for (level, cause), calls in sorted(counters.items()):
        held = fallback_count.c
        values = {"node": node, "level": level, "cause": cause, "calls": calls, "seen": calls, "since": since}
        statement = insert(fallback_count).values(values | {"last_at": in_utc(at)})
        new = statement.excluded
        more = case(
            (held.since != new.since, new.seen),
            else_=func.greatest(new.seen - held.seen, 0),
        )
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=[held.node, held.level, held.cause],
                set_={
                    "calls": held.calls + more,
                    "seen": new.seen,
                    "since": new.since,
                    "last_at": case((more > 0, new.last_at), else_=held.last_at),
                },
            )
        )


async def counts(connection: AsyncConnection) -> tuple[FallbackCount, ...]:
    held = fallback_count.c
    query = select(held.node, held.level, held.cause, held.calls, held.last_at)
    rows = await connection.execute(query.order_by(held.node, held.level, held.cause))
    return tuple(FallbackCount(**row) for row in rows.mappings())
