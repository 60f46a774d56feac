# SPDX-License-Identifier: EUPL-1.2
"""What Asterisk has counted is kept: each call once, whatever Asterisk forgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from routing.store import Store

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SILENT, EMPTY = ("astdb", "silent"), ("include", "no_data")


async def calls(store: Store) -> dict[tuple[str, str, str], int]:
    return {(item.node, item.level, item.cause): item.calls for item in await store.fallbacks()}


async def test_counters_are_taken_over_once(store: Store) -> None:
    await store.count_fallbacks("node1", "a", {SILENT: 3, EMPTY: 1}, AT)
    await store.count_fallbacks("node1", "a", {SILENT: 3, EMPTY: 1}, AT + timedelta(hours=1))
    await store.count_fallbacks("node1", "a", {SILENT: 5, EMPTY: 1}, AT + timedelta(hours=2))
    assert await calls(store) == {("node1", *SILENT): 5, ("node1", *EMPTY): 1}
    assert [item.last_at for item in await store.fallbacks()] == [AT + timedelta(hours=2), AT]


async def test_an_asterisk_that_lost_its_last_second_counts_on(store: Store) -> None:
    await store.count_fallbacks("node1", "a", {SILENT: 100}, AT)
    await store.count_fallbacks("node1", "a", {SILENT: 98}, AT)
    assert await calls(store) == {("node1", *SILENT): 100}
    await store.count_fallbacks("node1", "a", {SILENT: 101}, AT)
    assert await calls(store) == {("node1", *SILENT): 103}


async def test_an_emptied_database_of_asterisk_begins_anew(store: Store) -> None:
    await store.count_fallbacks("node1", "a", {SILENT: 100}, AT)
    await store.count_fallbacks("node1", "b", {SILENT: 2}, AT)
    assert await calls(store) == {("node1", *SILENT): 102}


async def test_each_node_counts_for_itself(store: Store) -> None:
    await store.count_fallbacks("node1", "a", {SILENT: 1}, AT)
    await store.count_fallbacks("node2", "a", {SILENT: 2}, AT)
    await store.count_fallbacks("node2", "a", {}, AT)
    assert await calls(store) == {("node1", *SILENT): 1, ("node2", *SILENT): 2}
