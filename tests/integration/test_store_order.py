# SPDX-License-Identifier: EUPL-1.2
"""Numbers of events: no gap and no late-comer, whatever many writers do at the same time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg

from routing.core.events import CallEnded, CallQueued
from routing.store import RoleUrls, Store
from routing.store.address import Address

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WRITERS, CALLS = 8, 12
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def _write(url: str, node: str) -> None:
    store = await Store.connect(url)
    try:
        for number in range(CALLS):
            moment = T0 + timedelta(seconds=number)
            unique_id = f"1.{number}"
            await store.record(
                [
                    CallQueued(node=node, unique_id=unique_id, at=moment, queue="allgemein", position=1),
                    CallEnded(node=node, unique_id=unique_id, at=moment, outcome="abandoned", cause=None),
                ]
            )
    finally:
        await store.close()


async def test_a_reader_sees_every_number_in_order_while_many_write(database: RoleUrls, web_store: Store) -> None:
    seen: list[int] = []
    async with asyncio.timeout(60), asyncio.TaskGroup() as writers:
        for number in range(WRITERS):
            writers.create_task(_write(database.router, f"node{number}"))
        while len(seen) < 2 * WRITERS * CALLS:
            # A number that became visible late would be behind `seen[-1]` and never read.
            events = await web_store.events_after(seen[-1] if seen else 0, limit=7)
            seen += [event.seq for event in events]
    assert seen == list(range(1, 2 * WRITERS * CALLS + 1))


async def test_a_number_taken_by_a_transaction_that_failed_is_given_again(database: RoleUrls, store: Store) -> None:
    """And while that transaction was open, nobody else got a number: the writer waited for it."""
    connection = await asyncpg.connect(**Address.parse(database.router).arguments(), timeout=10)
    event = CallEnded(node="node1", unique_id="1.1", at=T0, outcome="unknown", cause=None)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE amtsleitung.event_counter SET last_seq = last_seq + 1")
        writing = asyncio.create_task(store.record([event]))
        async with asyncio.timeout(10):
            while not await connection.fetchval(_WAITING):
                pass
        assert not writing.done()
        await transaction.rollback()
        async with asyncio.timeout(10):
            assert await writing == 1
    finally:
        await connection.close(timeout=10)
    assert [stored.seq for stored in await store.events_after(0)] == [1]
