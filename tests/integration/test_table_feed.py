# SPDX-License-Identifier: EUPL-1.2
"""The feed of tables: changed rows one by one, large changes as a whole, and nothing that does not compile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing.core.compile import compile_table
from routing.core.rows import AuthorityNumberRow, DidRow, Rows, TenantRow
from routing.core.steps import Steps
from routing.core.table import Table
from routing.store import RefusedError, Store, StoreError, TableFeed, VersionedTable, in_slices, load_here
from tests.support.feeds import Killer, running
from tests.support.tables import example_rows
from tests.support.wait import until

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
STAMP: dict[str, Any] = {"author": "test", "comment": "", "at": T0, "base_version": None}
LINE = ("samtgemeinde-meinersen", "vermittlung")


def named(name: str) -> Rows:
    return Rows(tenants=(TenantRow(slug="a", name=name),))


def did(extension: str) -> DidRow:
    return DidRow(head_number="+49537289", extension=extension, tenant=LINE[0], service_line=LINE[1])


def with_dids(*extensions: str) -> Rows:
    rows = example_rows()
    return replace(rows, dids=(*rows.dids, *map(did, extensions)))


@dataclass(slots=True, kw_only=True)
class Watched:
    """A feed, with all that it gave and how often it loaded a whole table."""

    store: Store
    start: VersionedTable | None = None
    tables: list[Table] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    loads: int = 0

    def feed(self) -> TableFeed:
        return TableFeed(
            self.store,
            on_table=self.tables.append,
            on_problem=self.problems.append,
            start=self.start,
            load=self._load,
        )

    async def _load(self) -> VersionedTable:
        self.loads += 1
        return await load_here(self.store)

    async def has(self, *versions: int) -> None:
        await until(lambda: [t.version for t in self.tables] == [*versions], what=f"versions {versions}")


@pytest.fixture
def watched(store: Store) -> Watched:
    return Watched(store=store)


async def test_the_table_follows_and_a_bad_one_never_replaces_it(
    owner_store: Store, watched: Watched, killer: Killer
) -> None:
    async with running(watched.feed().run()):

        async def listens() -> bool:
            return await killer.listeners() == 1

        await until(listens, what="the feed listens")
        await owner_store.save_rows(named("Gemeinde A"), **STAMP)
        await watched.has(1)
        lost = AuthorityNumberRow(origin="5361", tenant="nobody", service_line="x")
        await owner_store.save_rows(replace(named("Gemeinde A"), authority_numbers=(lost,)), **STAMP)
        await until(lambda: watched.problems, what="the problem of version 2")
        assert "Version 2" in watched.problems[0]
        assert "authority_numbers[5361]" in watched.problems[0]
        assert await killer.kill_listener()
        await owner_store.save_rows(named("Gemeinde B"), **STAMP)
        await watched.has(1, 3)
    assert watched.tables[-1].rows.tenants[0].name == "Gemeinde B"
    assert sum("Version 2" in problem for problem in watched.problems) == 1


async def test_a_changed_row_is_put_into_the_table_that_is_there(owner_store: Store, watched: Watched) -> None:
    await owner_store.save_rows(with_dids(), **STAMP)
    async with running(watched.feed().run()):
        await watched.has(1)
        await owner_store.save_rows(with_dids("777"), **STAMP)
        await watched.has(1, 2)
        changed = with_dids("777")
        changed = replace(
            changed, service_lines=(replace(changed.service_lines[0], title="Neu"), *changed.service_lines[1:])
        )
        await owner_store.save_rows(changed, **STAMP)
        await watched.has(1, 2, 3)
    first, second, third = watched.tables
    assert watched.loads == 1
    assert second.index == compile_table(with_dids("777"), version=2).index
    assert second.frame is first.frame
    assert third.lines[LINE] is first.lines[LINE], "a line that did not change is taken over with what it remembers"
    assert third.lines["stadt-wolfsburg", "vermittlung"].editions[0].title == "Neu"


async def test_many_changed_rows_come_as_a_whole_table(owner_store: Store, watched: Watched) -> None:
    await owner_store.save_rows(with_dids(), **STAMP)
    async with running(watched.feed().run()):
        await watched.has(1)
        many = with_dids(*(f"7{number:03}" for number in range(101)))
        await owner_store.save_rows(many, **STAMP)
        await watched.has(1, 2)
        assert watched.loads == 2
        await owner_store.save_rows(with_dids(*(f"7{number:03}" for number in range(1, 101))), **STAMP)
        await watched.has(1, 2, 3)
    assert watched.loads == 2
    assert watched.tables[1].index == compile_table(many, version=2).index


async def test_a_lost_notification_is_made_good(
    owner_store: Store, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    await owner_store.save_rows(with_dids(), **STAMP)
    async with running(watched.feed().run()):
        await watched.has(1)
        monkeypatch.setattr("routing.store.configuration.TABLE_CHANNEL", "nobody_listens_here")
        await owner_store.save_rows(with_dids("777"), **STAMP)
        await watched.has(1, 2)


async def test_a_table_to_start_from_spares_the_load(owner_store: Store, watched: Watched) -> None:
    await owner_store.save_rows(with_dids(), **STAMP)
    watched.start = await load_here(owner_store)
    await owner_store.save_rows(with_dids("777"), **STAMP)
    async with running(watched.feed().run()):
        await watched.has(2)
    assert watched.loads == 0
    assert watched.tables[0].frame is watched.start.table.frame


async def test_a_version_of_the_same_number_from_another_database_is_not_taken_for_ours(
    owner_store: Store, watched: Watched
) -> None:
    """As after a restore of an older backup: version 1 was made again, at another instant."""
    await owner_store.save_rows(named("Gemeinde A"), **STAMP)
    foreign = compile_table(named("Gemeinde Z"), version=1)
    watched.start = VersionedTable(table=foreign, at=T0 - timedelta(microseconds=1))
    async with running(watched.feed().run()):
        await watched.has(1)
        assert watched.tables[0].rows.tenants[0].name == "Gemeinde A"
    assert watched.loads == 1


async def test_a_table_that_does_not_fit_its_version_is_read_anew(owner_store: Store, watched: Watched) -> None:
    await owner_store.save_rows(with_dids("777"), **STAMP)
    watched.start = VersionedTable(table=compile_table(with_dids(), version=1), at=T0)
    await owner_store.save_rows(with_dids(), **STAMP)
    async with running(watched.feed().run()):
        await watched.has(2)
    assert watched.loads == 1


async def test_without_a_database_the_table_to_start_from_is_given(store: Store) -> None:
    start = VersionedTable(table=compile_table(named("Gemeinde A"), version=4), at=T0)
    address = replace(store.address, host="127.0.0.1", port=1)
    watched = Watched(store=Store(address, deadline_seconds=2), start=start)
    try:
        async with running(watched.feed().run()):
            await watched.has(4)
    finally:
        await watched.store.close()
    assert len(watched.problems) == 1
    assert watched.tables == [start.table]


async def test_a_live_version_that_does_not_compile_leaves_the_table_to_start_from(
    owner_store: Store, watched: Watched
) -> None:
    await owner_store.save_rows(named("Gemeinde A"), **STAMP)
    watched.start = await load_here(owner_store)
    await owner_store.save_rows(named("Gemeinde\nB"), **STAMP)
    async with running(watched.feed().run()):
        await watched.has(1)
    assert watched.loads == 0
    assert [problem.partition(" of ")[0] for problem in watched.problems] == ["Version 2"]


async def test_loading_says_what_does_not_compile(owner_store: Store) -> None:
    with pytest.raises(StoreError, match="holds no configuration"):
        await load_here(owner_store)
    await owner_store.save_rows(named("Gemeinde\nA"), **STAMP)
    with pytest.raises(RefusedError, match="name must be") as caught:
        await load_here(owner_store)
    assert caught.value.identity == (1, T0)


async def test_others_get_their_turn_between_slices() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def steps() -> Steps[int]:
        for _ in range(100):
            yield
        return turns

    async with running(other()):
        assert await in_slices(steps(), slice_seconds=0.0) >= 100
        turns = 0
        assert await in_slices(steps(), slice_seconds=60.0) == 0
