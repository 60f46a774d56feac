# SPDX-License-Identifier: EUPL-1.2
"""The feed of events, over a database that ends their connections again and again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from routing.core.events import CallQueued
from routing.store import EventFeed, RoleUrls, Store, StoredEvent, StoreError
from routing.store.address import Address
from tests.support.feeds import Killer, running
from tests.support.wait import until

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def event(number: int) -> CallQueued:
    moment = T0 + timedelta(seconds=number)
    return CallQueued(node="node1", unique_id=f"1.{number}", at=moment, queue="allgemein", position=1)


async def test_events_come_once_in_order_and_from_where_one_asks(store: Store, web_store: Store) -> None:
    await store.record([event(1), event(2)])
    all_seen: list[int] = []
    late_seen: list[int] = []
    states: list[bool] = []
    everything = EventFeed(web_store, after=0, on_events=lambda events: all_seen.extend(_seqs(events)))
    news = EventFeed(
        web_store, after=None, on_events=lambda events: late_seen.extend(_seqs(events)), on_state=states.append
    )
    async with running(everything.run()), running(news.run()):
        await until(lambda: all_seen == [1, 2] and states == [True], what="both feeds listen")
        await store.record([event(3)])
        await store.record([event(2), event(4)])
        await until(lambda: all_seen == [1, 2, 3, 4] and late_seen == [3, 4], what="events 3 and 4")


async def test_a_new_event_comes_by_notification_not_by_the_safety_read(store: Store, web_store: Store) -> None:
    """With time to spare: the safety read comes after five seconds."""
    seen: list[int] = []
    states: list[bool] = []
    feed = EventFeed(web_store, after=None, on_events=lambda events: seen.extend(_seqs(events)), on_state=states.append)
    async with running(feed.run()):
        await until(lambda: states, what="the feed listens")
        await store.record([event(1)])
        await until(lambda: seen, deadline_seconds=4, what="the event")


async def test_nothing_is_lost_or_doubled_when_connections_are_killed(
    store: Store, web_store: Store, killer: Killer
) -> None:
    seen: list[StoredEvent] = []
    states: list[bool] = []
    feed = EventFeed(web_store, after=0, on_events=seen.extend, on_state=states.append)
    async with running(feed.run()):
        await until(lambda: states == [True], what="the feed listens")
        for number in range(1, 41):
            if number % 8 == 0:
                assert await killer.kill() >= 1
            while True:
                try:
                    await store.record([event(number)])
                except StoreError:
                    continue  # recording again is safe, whether the first try was committed or not
                break
        await until(lambda: len(seen) >= 40, what="all 40 events")
    assert [item.seq for item in seen] == list(range(1, 41))
    assert [item.unique_id for item in seen] == [f"1.{number}" for number in range(1, 41)]
    assert states[:3] == [True, False, True]


async def test_what_happens_while_nobody_listens_is_read_afterwards(
    store: Store, web_store: Store, killer: Killer
) -> None:
    seen: list[int] = []
    states: list[bool] = []
    feed = EventFeed(web_store, after=0, on_events=lambda events: seen.extend(_seqs(events)), on_state=states.append)
    async with running(feed.run()):
        await until(lambda: states == [True], what="the feed listens")
        assert await killer.kill_listener()
        await store.record([event(1)])
        await until(lambda: seen == [1] and states == [True, False, True], what="the event of the gap")
        assert await killer.listeners() == 1


async def test_a_feed_that_ends_leaves_no_connection(web_store: Store, killer: Killer) -> None:
    states: list[bool] = []
    feed = EventFeed(web_store, after=0, on_events=lambda _events: None, on_state=states.append)
    async with running(feed.run()):
        await until(lambda: states, what="the feed listens")
        assert await killer.listeners() == 1

    async def nobody_listens() -> bool:
        return await killer.listeners() == 0

    await until(nobody_listens, what="the listening connection is gone")


async def test_more_events_than_one_batch_come_in_order(store: Store, web_store: Store) -> None:
    await store.record([event(number) for number in range(1, 1202)])
    seen: list[int] = []
    feed = EventFeed(web_store, after=1, on_events=lambda events: seen.extend(_seqs(events)))
    async with running(feed.run()):
        await until(lambda: len(seen) >= 1200, what="all events")
    assert seen == list(range(2, 1202))


async def test_a_lost_notification_is_made_good_by_the_safety_read(
    store: Store, web_store: Store, database: RoleUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.store.listening._SAFETY_READ_SECONDS", 0.05)
    seen: list[int] = []
    states: list[bool] = []
    await store.record([event(1)])
    feed = EventFeed(web_store, after=1, on_events=lambda events: seen.extend(_seqs(events)), on_state=states.append)
    connection = await asyncpg.connect(**Address.parse(database.router).arguments(), timeout=10)
    try:
        async with running(feed.run()):
            await until(lambda: states, what="the feed listens")
            async with connection.transaction():  # as `record` does, but telling nobody
                await connection.execute("UPDATE amtsleitung.event_counter SET last_seq = 2")
                await connection.execute(
                    "INSERT INTO amtsleitung.call_event (seq, node, unique_id, kind, at, payload) "
                    "VALUES (2, 'node1', '1.1', 'ended', $1, '{}')",
                    T0,
                )
            await until(lambda: seen == [2], what="the event that nobody was told of")
    finally:
        await connection.close(timeout=10)


def _seqs(events: Any) -> list[int]:
    return [item.seq for item in events]
