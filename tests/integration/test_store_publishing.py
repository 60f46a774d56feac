# SPDX-License-Identifier: EUPL-1.2
"""Drafts made live: on top of what is live by then, all or nothing, one after the other; and back again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing.core.changes import ConflictError, RowChange, difference
from routing.core.rows import AgentGroupRow, CompileError, Row, Rows, ServiceLineRow
from routing.store import Store, StoreError
from tests.property.any_rows import same
from tests.support.tables import example_rows

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LATER = T0 + timedelta(hours=1)
STAMP: dict[str, Any] = {"author": "publisher", "comment": "Los", "at": LATER}
ROWS = example_rows()
LINE = ROWS.service_lines[0]
GROUP = AgentGroupRow(name="neu", title="Neue Gruppe")


@pytest.fixture
async def example(owner_store: Store) -> Store:
    """A store whose version 1 is the example."""
    await owner_store.save_rows(ROWS, author="test", comment="", at=T0, base_version=0)
    return owner_store


async def draft(store: Store, *changes: RowChange, base: int = 1) -> int:
    return await store.create_draft(changes, title="Titel", author="drafter", at=T0, base_version=base)


def changed(row: Row, **values: Any) -> RowChange:
    return RowChange(before=row, after=replace(row, **values))


async def live(store: Store) -> Rows:
    loaded = await store.load_rows()
    assert loaded is not None
    return loaded[0]


async def test_a_published_draft_is_one_version_and_closed(example: Store) -> None:
    number = await draft(example, changed(LINE, priority=5), RowChange(before=None, after=GROUP))
    assert await example.publish(number, **STAMP) == 2
    (version, _) = await example.versions()
    assert (version.author, version.comment, version.at) == ("publisher", "Los", LATER)
    assert set(await example.changes_of_version(2)) == {
        RowChange(before=None, after=GROUP),
        *[RowChange(before=row, after=replace(row, priority=5)) for row in await first_line(example)],
    }
    (found,) = await example.drafts(closed=True)
    assert (found.state, found.published_version, found.changed_by) == ("published", 2, "publisher")
    for _ in range(2):
        with pytest.raises(StoreError, match=f"Draft {number} was published as version 2: make a new draft"):
            await example.publish(number, **STAMP)


async def first_line(store: Store) -> list[ServiceLineRow]:
    """The line as version 1 has it: its instants in UTC."""
    rows = (await store.rows_of_version(1)).service_lines
    return [row for row in rows if (row.tenant, row.name) == (LINE.tenant, LINE.name)]


async def test_without_a_comment_the_title_is_it(example: Store) -> None:
    number = await draft(example, RowChange(before=None, after=GROUP))
    await example.publish(number, author="publisher", comment="", at=LATER)
    assert (await example.versions())[0].comment == "Titel"


async def test_a_draft_goes_on_top_of_what_others_changed(example: Store) -> None:
    number = await draft(example, changed(LINE, priority=5))
    others = replace(ROWS, agent_groups=(*ROWS.agent_groups, GROUP))
    assert await example.save_rows(others, author="other", comment="", at=T0, base_version=1) == 2
    assert await example.publish(number, **STAMP) == 3
    lines = (replace(LINE, priority=5), *ROWS.service_lines[1:])
    assert same(await live(example), replace(others, service_lines=lines))


async def test_every_conflict_is_named_and_nothing_happens(example: Store) -> None:
    group = ROWS.agent_groups[0]
    number = await draft(
        example, changed(LINE, priority=5), changed(group, title="Meine"), RowChange(before=None, after=GROUP)
    )
    others = replace(
        ROWS,
        agent_groups=(replace(group, title="Andere"), GROUP),
        service_lines=(replace(LINE, priority=7), *ROWS.service_lines[1:]),
    )
    await example.save_rows(others, author="other", comment="", at=T0, base_version=1)
    with pytest.raises(ConflictError) as caught:
        await example.publish(number, **STAMP)
    places = {conflict.change.place for conflict in caught.value.conflicts}
    assert places == {f"service_lines[{LINE.tenant}/{LINE.name}]", "agent_groups[allgemein]"}
    assert "priority is now 7, and this change was made to 0" in str(caught.value)
    assert await example.live_version() == 2
    assert (await example.draft(number))[0].state == "open"
    for row in (replace(LINE, priority=5), replace(group, title="Meine")):  # set again, they fit
        await example.set_in_draft(number, row, author="drafter", at=T0)
    assert await example.publish(number, **STAMP) == 3


async def test_all_errors_of_the_rows_are_told_and_nothing_happens(example: Store) -> None:
    number = await draft(
        example,
        changed(LINE, agent_group="fehlt"),
        changed(ROWS.service_lines[2], opening_hours="fehlt-auch"),
        RowChange(before=None, after=replace(GROUP, name="Kein Name")),
    )
    with pytest.raises(CompileError) as caught:
        await example.publish(number, **STAMP)
    told = str(caught.value)
    assert all(name in told for name in ("'fehlt'", "'fehlt-auch'", "'Kein Name'"))
    assert await example.live_version() == 1
    assert (await example.draft(number))[0].state == "open"


async def test_a_draft_without_changes_is_not_published(example: Store) -> None:
    number = await draft(example)
    with pytest.raises(StoreError, match=f"Draft {number} changes nothing yet"):
        await example.publish(number, **STAMP)


async def test_a_draft_that_somebody_else_has_done_is_closed_without_a_version(example: Store) -> None:
    numbers = [await draft(example, RowChange(before=None, after=GROUP)) for _ in range(2)]
    assert [await example.publish(number, **STAMP) for number in numbers] == [2, 2]
    assert len(await example.versions()) == 2
    assert await example.drafts() == ()


async def test_two_who_publish_different_rows_at_once_are_both_served(example: Store) -> None:
    drafts = [
        await draft(example, RowChange(before=None, after=replace(GROUP, name=f"neu-{count}"))) for count in range(4)
    ]
    versions = await asyncio.gather(*(example.publish(number, **STAMP) for number in drafts))
    assert sorted(versions) == [2, 3, 4, 5]
    names = {group.name for group in (await live(example)).agent_groups}
    assert names == {"allgemein", "neu-0", "neu-1", "neu-2", "neu-3"}


async def test_of_those_who_publish_the_same_row_at_once_exactly_one_wins(example: Store) -> None:
    drafts = [await draft(example, changed(LINE, priority=count)) for count in range(1, 5)]
    done = await asyncio.gather(*(example.publish(number, **STAMP) for number in drafts), return_exceptions=True)
    assert sorted(type(result).__name__ for result in done) == ["ConflictError"] * 3 + ["int"]
    assert await example.live_version() == 2
    assert len(await example.drafts()) == 3


async def test_one_draft_published_twice_at_once_is_published_once(example: Store) -> None:
    number = await draft(example, changed(LINE, priority=5))
    done = await asyncio.gather(*(example.publish(number, **STAMP) for _ in range(3)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in done) == ["StoreError"] * 2 + ["int"]
    assert await example.live_version() == 2


async def test_a_version_is_rolled_back_whole_or_in_part(example: Store) -> None:
    both = (changed(LINE, priority=5), RowChange(before=None, after=GROUP))
    await example.publish(await draft(example, *both), **STAMP)
    (group_change,) = [item for item in await example.changes_of_version(2) if item.collection == "agent_groups"]
    part = await example.roll_back_version(2, chosen=[group_change], title="zurück", author="x", at=LATER)
    assert await example.publish(part, **STAMP) == 3
    assert same(await live(example), replace(ROWS, service_lines=(replace(LINE, priority=5), *ROWS.service_lines[1:])))
    whole = await example.roll_back_version(2, title="zurück", author="x", at=LATER)
    assert await example.publish(whole, **STAMP) == 4  # the group is gone already: that is no conflict
    assert same(await live(example), ROWS)


async def test_what_changed_again_since_then_is_a_conflict_of_the_rollback(example: Store) -> None:
    await example.publish(await draft(example, changed(LINE, priority=5)), **STAMP)
    await example.publish(await draft(example, changed(replace(LINE, priority=5), priority=6), base=2), **STAMP)
    number = await example.roll_back_version(2, title="zurück", author="x", at=LATER)
    with pytest.raises(ConflictError, match="priority is now 6, and this change was made to 5"):
        await example.publish(number, **STAMP)
    to = await example.roll_back_to(1, title="alles zurück", author="x", at=LATER)
    assert await example.publish(to, **STAMP) == 4
    assert same(await live(example), ROWS)
    assert difference(await example.rows_of_version(1), await example.rows_of_version(4)) == ()


async def test_there_may_be_nothing_to_roll_back(example: Store) -> None:
    with pytest.raises(StoreError, match="nothing to roll back"):
        await example.roll_back_to(1, title="x", author="x", at=LATER)
    with pytest.raises(StoreError, match="no version 7"):
        await example.roll_back_version(7, title="x", author="x", at=LATER)
