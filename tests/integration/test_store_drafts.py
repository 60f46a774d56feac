# SPDX-License-Identifier: EUPL-1.2
"""Drafts: made, worked on, read, closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings

from routing.core.changes import RowChange, difference, in_utc
from routing.core.rows import AgentGroupRow, OverrideRow, Row, Rows, TenantRow
from routing.store import RoleUrls, Store, StoreError
from routing.store.address import Address
from tests.property.any_rows import any_rows

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LATER = T0 + timedelta(hours=1)
BY: dict[str, Any] = {"author": "second", "at": LATER}
A = TenantRow(slug="a", name="Gemeinde A", valid_from=T0)
B = TenantRow(slug="b", name="Gemeinde B")
RENAMED = replace(A, name="Gemeinde A (neu)")


async def live(store: Store, *tenants: TenantRow, base: int | None = None) -> int:
    return await store.save_rows(Rows(tenants=tenants), author="test", comment="", at=T0, base_version=base)


async def draft_of(store: Store, *changes: RowChange, base: int = 1) -> int:
    return await store.create_draft(changes, title="Umbenennung", author="first", at=T0, base_version=base)


async def changes_of(store: Store, number: int) -> set[RowChange]:
    return set((await store.draft(number))[1])


async def test_a_draft_is_kept_as_it_was_made(owner_store: Store, web_store: Store) -> None:
    await live(owner_store, A)
    changes = (RowChange(before=A, after=RENAMED), RowChange(before=None, after=B))
    number = await draft_of(owner_store, *changes)
    found, kept = await web_store.draft(number)
    assert kept == changes
    assert (found.number, found.title, found.author, found.at) == (number, "Umbenennung", "first", T0)
    assert (found.state, found.base_version, found.changes) == ("open", 1, 2)
    assert await web_store.drafts() == (found,)
    assert await owner_store.live_version() == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=any_rows(overrides=False), after=any_rows(overrides=False))
async def test_any_changes_come_back(owner_store: Store, before: Rows, after: Rows) -> None:
    changes = difference(before, after)
    number = await draft_of(owner_store, *changes)
    assert await changes_of(owner_store, number) == {
        RowChange(before=item.before and in_utc(item.before), after=item.after and in_utc(item.after))
        for item in changes
    }


async def test_a_row_is_set_set_again_removed_and_left_alone(owner_store: Store) -> None:
    await live(owner_store, A)
    number = await draft_of(owner_store)
    await owner_store.set_in_draft(number, RENAMED, **BY)
    await owner_store.set_in_draft(number, B, **BY)
    assert await changes_of(owner_store, number) == {
        RowChange(before=A, after=RENAMED),
        RowChange(before=None, after=B),
    }
    await owner_store.remove_in_draft(number, A, **BY)
    await owner_store.remove_in_draft(number, B, **BY)  # it was not there before: nothing remains to be done
    assert await changes_of(owner_store, number) == {RowChange(before=A, after=None)}
    await owner_store.set_in_draft(number, A, **BY)  # as it is live: no change any more
    assert await changes_of(owner_store, number) == set()
    await owner_store.set_in_draft(number, RENAMED, **BY)
    await owner_store.undo_in_draft(number, A, **BY)
    found, changes = await owner_store.draft(number)
    assert (changes, found.changes, found.author, found.changed_by, found.changed_at) == (
        (),
        0,
        "first",
        "second",
        LATER,
    )


async def test_setting_a_row_again_settles_its_conflict_and_moves_the_base_on(owner_store: Store) -> None:
    await live(owner_store, A)
    number = await draft_of(owner_store, RowChange(before=A, after=RENAMED))
    others = replace(A, name="Gemeinde Ä")
    await live(owner_store, others)
    await live(owner_store, others, B)
    await owner_store.set_in_draft(number, AgentGroupRow(name="g", title="G"), **BY)
    assert (await owner_store.draft(number))[0].base_version == 1  # the other change does not fit version 3
    await owner_store.set_in_draft(number, RENAMED, **BY)
    found, changes = await owner_store.draft(number)
    assert RowChange(before=others, after=RENAMED) in changes
    assert found.base_version == 3


async def test_what_no_draft_can_do_is_told_and_changes_nothing(owner_store: Store) -> None:
    await live(owner_store, A)
    override = OverrideRow(name="zu", opens=False, reason="r", author="x", valid_from=T0, valid_to=LATER)
    number = await draft_of(owner_store)
    for work, sentence in (
        (owner_store.set_in_draft(number, override, **BY), r"overrides\[zu\]: a draft holds no override"),
        (owner_store.set_in_draft(number, replace(A, name="\0"), **BY), r"tenants\[a\S*\.name holds a character"),
        (owner_store.remove_in_draft(number, B, **BY), r"There is no tenants\[b\] to remove"),
        (owner_store.undo_in_draft(number, A, **BY), rf"Draft {number} does not change tenants\[a\]"),
        (draft_of(owner_store, RowChange(before=None, after=override)), "a draft holds no override"),
        (owner_store.set_in_draft(number, B, author="\ud800", at=T0), "The author holds a character"),
        (owner_store.draft(999_999), "There is no draft 999999"),
        (owner_store.discard_draft(999_999, **BY), "There is no draft 999999"),
    ):
        with pytest.raises(StoreError, match=sentence):
            await work
    assert await changes_of(owner_store, number) == set()
    assert len(await owner_store.drafts()) == 1


async def test_a_closed_draft_stays_as_it_was(owner_store: Store) -> None:
    await live(owner_store, A)
    number = await draft_of(owner_store, RowChange(before=A, after=RENAMED))
    await owner_store.discard_draft(number, **BY)
    work: list[Callable[[], Awaitable[object]]] = [
        lambda: owner_store.set_in_draft(number, B, **BY),
        lambda: owner_store.discard_draft(number, **BY),
        lambda: owner_store.publish(number, author="x", comment="", at=LATER),
    ]
    for attempt in work:
        with pytest.raises(StoreError, match=f"Draft {number} was discarded: make a new draft"):
            await attempt()
    assert await owner_store.drafts() == ()
    (found,) = await owner_store.drafts(closed=True)
    assert (found.state, found.changed_by, found.closed_at, found.changes) == ("discarded", "second", LATER, 1)
    assert await owner_store.load_rows() == (Rows(tenants=(A,)), 1)


async def test_two_people_may_work_on_one_draft_at_once(owner_store: Store) -> None:
    await live(owner_store, A)
    number = await draft_of(owner_store)
    rows: list[Row] = [TenantRow(slug=f"t{count}", name="T") for count in range(8)]
    await asyncio.gather(*(owner_store.set_in_draft(number, row, **BY) for row in rows))
    assert {change.after for change in await changes_of(owner_store, number)} == set(rows)


async def test_a_draft_of_another_release_is_told(owner_store: Store, database: RoleUrls) -> None:
    await live(owner_store, A)
    number = await draft_of(owner_store, RowChange(before=A, after=RENAMED))
    connection = await asyncpg.connect(**Address.parse(database.owner).arguments(), timeout=10)
    try:
        await connection.execute("""UPDATE amtsleitung.draft_change SET after = '{"slug": "a", "colour": "red"}'""")
    finally:
        await connection.close(timeout=10)
    with pytest.raises(StoreError, match=r"made by another release .*unknown field 'colour'.*discard it"):
        await owner_store.draft(number)


async def test_only_the_owner_drafts_and_the_router_sees_no_draft(store: Store, web_store: Store) -> None:
    for role in (store, web_store):
        with pytest.raises(StoreError, match="does not allow"):
            await draft_of(role)
        with pytest.raises(StoreError, match="does not allow"):
            await role.set_person("agent01", "Erika Mustermann")
    assert await web_store.drafts() == ()
    with pytest.raises(StoreError, match="does not allow"):
        await store.drafts()


async def test_names_of_people_can_be_erased(owner_store: Store, web_store: Store) -> None:
    await owner_store.set_person("agent01", "Erika Mustermann")
    await owner_store.set_person("agent02", "Max Mustermann")
    await owner_store.set_person("agent01", "Erika Musterfrau")
    assert await web_store.people() == {"agent01": "Erika Musterfrau", "agent02": "Max Mustermann"}
    assert await owner_store.erase_person("agent01") is True
    assert await owner_store.erase_person("agent01") is False
    assert await web_store.people() == {"agent02": "Max Mustermann"}
    assert await owner_store.live_version() is None
