# SPDX-License-Identifier: EUPL-1.2
"""Overrides are live at once, and nothing but their end, or ending them, takes them away."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from routing.core.changes import RowChange
from routing.core.rows import AgentGroupRow, CompileError, OverrideRow, Rows
from routing.store import Store, StoreError
from tests.property.any_rows import same
from tests.support.tables import example_rows

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROWS = example_rows()
GROUP = AgentGroupRow(name="neu", title="Neue Gruppe")
ALARM = OverrideRow(
    name="feueralarm",
    opens=False,
    reason="Feueralarm",
    author="leitung",
    valid_from=T0,
    valid_to=T0 + 2 * HOUR,
    tenant="samtgemeinde-meinersen",
)
STAMP: dict[str, Any] = {"author": "x", "comment": "", "at": T0 + HOUR}
AFTER: dict[str, Any] = {"author": "x", "comment": "", "at": T0 + 3 * HOUR}


@pytest.fixture
async def example(owner_store: Store) -> Store:
    """A store whose version 1 is the example, and version 2 that with an override."""
    await owner_store.save_rows(ROWS, author="test", comment="", at=T0, base_version=0)
    assert await owner_store.throw_override(ALARM, at=T0) == 2
    return owner_store


async def overrides(store: Store) -> tuple[OverrideRow, ...]:
    loaded = await store.load_rows()
    assert loaded is not None
    return loaded[0].overrides


async def test_an_override_is_a_version_of_its_own(example: Store) -> None:
    (version, _) = await example.versions()
    assert (version.version, version.author, version.comment, version.at) == (2, "leitung", "Feueralarm", T0)
    assert await example.changes_of_version(2) == (RowChange(before=None, after=ALARM),)
    assert await example.end_override("feueralarm", author="y", comment="Entwarnung", at=T0 + HOUR) == 3
    assert await overrides(example) == ()
    assert (await example.versions())[0].comment == "Entwarnung"
    then = await example.version_at(T0 + HOUR - timedelta(seconds=1))
    assert then is not None
    assert (await example.rows_of_version(then.version)).overrides == (ALARM,)


async def test_no_import_publication_or_rollback_changes_it(example: Store) -> None:
    foreign = replace(ALARM, name="anderer", reason="aus einer Datei")
    changed = replace(ALARM, reason="geändert", valid_to=T0 + 100 * HOUR)
    for rows in (
        replace(ROWS, agent_groups=(*ROWS.agent_groups, GROUP)),
        replace(ROWS, overrides=(foreign, changed)),
        replace(ROWS, agent_groups=(*ROWS.agent_groups, GROUP), overrides=(changed,)),
    ):
        await example.save_rows(rows, **STAMP, base_version=None)
        assert await overrides(example) == (ALARM,)
    number = await example.create_draft(
        [RowChange(before=GROUP, after=replace(GROUP, title="Neu"))], title="x", author="x", at=T0, base_version=1
    )
    await example.publish(number, **STAMP)
    assert await overrides(example) == (ALARM,)
    back = await example.roll_back_to(1, title="x", author="x", at=T0)
    assert all(change.collection != "overrides" for change in (await example.draft(back))[1])
    await example.publish(back, **STAMP)
    loaded = await example.load_rows()
    assert loaded is not None
    assert same(loaded[0], replace(ROWS, overrides=(ALARM,)))
    with pytest.raises(StoreError, match="nothing to roll back: nothing was changed, or overrides alone"):
        await example.roll_back_version(2, title="x", author="x", at=T0)


async def test_rows_that_differ_in_overrides_alone_make_no_version(example: Store) -> None:
    assert await example.save_rows(ROWS, **STAMP, base_version=2) == 2
    assert await example.save_rows(replace(ROWS, overrides=(ALARM,)), **AFTER, base_version=2) == 2
    assert await overrides(example) == (ALARM,)


async def test_one_that_has_ended_goes_with_the_next_version_and_never_comes_back(example: Store) -> None:
    await example.save_rows(replace(ROWS, agent_groups=(*ROWS.agent_groups, GROUP)), **AFTER, base_version=2)
    assert await overrides(example) == ()
    more = (*ROWS.agent_groups, GROUP, replace(GROUP, name="noch-eine"))
    await example.save_rows(replace(ROWS, agent_groups=more, overrides=(ALARM,)), **AFTER, base_version=3)
    assert await overrides(example) == ()
    await example.publish(await example.roll_back_to(2, title="x", author="x", at=T0), **AFTER)
    loaded = await example.load_rows()
    assert loaded is not None
    assert same(loaded[0], ROWS)


async def test_the_name_of_an_ended_one_is_free_again(example: Store) -> None:
    again = replace(ALARM, valid_from=T0 + 3 * HOUR, valid_to=T0 + 4 * HOUR)
    with pytest.raises(StoreError, match="There is an override feueralarm already: end it first"):
        await example.throw_override(again, at=T0 + HOUR)
    assert await example.throw_override(again, at=T0 + 3 * HOUR) == 3
    assert await overrides(example) == (again,)


async def test_what_cannot_be_thrown_or_ended_is_told(example: Store) -> None:
    with pytest.raises(StoreError, match="would have ended already"):
        await example.throw_override(replace(ALARM, name="zu-spaet"), at=T0 + 2 * HOUR)
    beyond = datetime.max.replace(tzinfo=timezone(-HOUR))
    with pytest.raises(StoreError, match="The end of the override ewig is a time beyond the years 1 to 9999: give"):
        await example.throw_override(replace(ALARM, name="ewig", valid_to=beyond), at=T0)
    with pytest.raises(CompileError, match="gibt-es-nicht"):
        await example.throw_override(replace(ALARM, name="fremd", tenant="gibt-es-nicht"), at=T0)
    with pytest.raises(StoreError, match="no override entwarnung that could be ended: there are feueralarm"):
        await example.end_override("entwarnung", **STAMP)
    with pytest.raises(StoreError, match="there is none"):
        await example.end_override("feueralarm", **AFTER)
    assert await example.live_version() == 2


async def test_one_for_all_times_is_live_and_can_be_ended(example: Store) -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    forever = replace(ALARM, name="immer", valid_from=first, valid_to=last)
    await example.throw_override(forever, at=T0)
    assert set(await overrides(example)) == {ALARM, forever}
    await example.end_override("immer", **STAMP)
    assert await overrides(example) == (ALARM,)


async def test_overrides_and_publishing_at_once_lose_nothing(example: Store) -> None:
    number = await example.create_draft(
        [RowChange(before=None, after=GROUP)], title="x", author="x", at=T0, base_version=1
    )
    more = [replace(ALARM, name=f"alarm-{count}") for count in range(3)]
    done = await asyncio.gather(example.publish(number, **STAMP), *(example.throw_override(row, at=T0) for row in more))
    assert sorted(done) == [3, 4, 5, 6]
    assert set(await overrides(example)) == {ALARM, *more}
    loaded = await example.load_rows()
    assert loaded is not None
    assert GROUP in loaded[0].agent_groups


async def test_an_empty_database_has_no_override(owner_store: Store) -> None:
    with pytest.raises(CompileError, match="samtgemeinde-meinersen"):
        await owner_store.throw_override(ALARM, at=T0)
    assert await owner_store.save_rows(Rows(overrides=(ALARM,)), **STAMP, base_version=0) == 1
    assert await overrides(owner_store) == ()
