# SPDX-License-Identifier: EUPL-1.2
"""What was live when, and what changed between two versions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.core.changes import RowChange, apply, difference
from routing.core.rows import DidRow, Rows, TenantRow
from routing.store import RoleUrls, Store, StoreError
from routing.store.address import Address
from tests.property.any_rows import any_rows, same

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
A = TenantRow(slug="a", name="Gemeinde A")
B = TenantRow(slug="b", name="Gemeinde B")
RENAMED = replace(A, name="Gemeinde A (neu)")
HISTORY = (Rows(tenants=(A,)), Rows(tenants=(RENAMED, B)), Rows(tenants=(B,)), Rows(tenants=(A, B)))


async def saved(store: Store, *history: Rows) -> None:
    for number, rows in enumerate(history):
        stamp: dict[str, Any] = {"author": f"author{number}", "comment": f"comment{number}", "at": T0 + number * HOUR}
        assert await store.save_rows(rows, **stamp, base_version=number) == number + 1


async def test_versions_tell_who_when_and_why(owner_store: Store, web_store: Store) -> None:
    assert await web_store.versions() == ()
    await saved(owner_store, *HISTORY)
    found = await web_store.versions(limit=2)
    assert [(item.version, item.author, item.comment, item.at) for item in found] == [
        (4, "author3", "comment3", T0 + 3 * HOUR),
        (3, "author2", "comment2", T0 + 2 * HOUR),
    ]
    assert [item.version for item in await web_store.versions(limit=1, newest=2)] == [2]


async def test_the_version_of_an_instant_is_the_one_that_was_live_then(owner_store: Store, store: Store) -> None:
    await saved(owner_store, *HISTORY)
    for instant, expected in (
        (T0 - HOUR, None),
        (T0, 1),
        (T0 + HOUR - timedelta(microseconds=1), 1),
        (T0 + HOUR, 2),
        (T0 + 1000 * HOUR, 4),
    ):
        found = await store.version_at(instant)
        assert (found and found.version) == expected
    for number, rows in enumerate(HISTORY, start=1):
        assert same(await store.rows_of_version(number), rows)


async def test_changes_are_those_between_the_versions(owner_store: Store, store: Store) -> None:
    await saved(owner_store, *HISTORY)
    assert await store.changes_of_version(1) == (RowChange(before=None, after=A),)
    assert set(await store.changes_of_version(2)) == {
        RowChange(before=A, after=RENAMED),
        RowChange(before=None, after=B),
    }
    assert await store.changes_of_version(3) == (RowChange(before=RENAMED, after=None),)
    assert await store.changes_between(1, 4) == (RowChange(before=None, after=B),)  # A is as it was
    assert await store.changes_between(4, 1) == (RowChange(before=B, after=None),)
    assert await store.changes_between(2, 2) == ()
    assert await store.changes_since(3) == ((RowChange(before=None, after=A),), 4)
    assert await store.changes_since(4) == ((), 4)
    assert {change.after for change in (await store.changes_since(0))[0]} == {A, B}


async def test_a_version_that_there_is_not_is_told(owner_store: Store) -> None:
    assert await owner_store.changes_since(0) == ((), 0)
    with pytest.raises(StoreError, match="no version 1 of the configuration: nothing was ever saved"):
        await owner_store.rows_of_version(1)
    await saved(owner_store, *HISTORY)
    for version in (0, 5, -1):
        with pytest.raises(StoreError, match=rf"no version {version} of the configuration: there are versions 1 to 4"):
            await owner_store.changes_of_version(version)
    with pytest.raises(StoreError, match="version 5 was seen before: it was restored from an older backup"):
        await owner_store.changes_since(5)


_TEXTS = st.sampled_from(["a", "b"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=any_rows(texts=_TEXTS, instants=st.sampled_from([T0, T0 + HOUR]), overrides=False))
async def test_changes_lead_from_any_version_to_any_other(owner_store: Store, rows: Rows) -> None:
    """Each example makes a version more: the history grows, and is followed from its beginning and back."""
    await owner_store.save_rows(rows, author="test", comment="", at=T0, base_version=None)
    newest = await owner_store.live_version()
    assert newest is not None
    for old in {0, 1, newest // 2, newest - 1, newest}:
        before = await owner_store.rows_of_version(old) if old else Rows()
        changes, reached = await owner_store.changes_since(old)
        assert reached == newest
        assert same(apply(before, changes), rows)
        assert set(changes) == set(difference(before, await owner_store.rows_of_version(newest)))
        assert same(apply(rows, await owner_store.changes_between(newest, old)), before)


MANY = """
    INSERT INTO amtsleitung.did (head_number, extension, tenant, service_line, version_from)
    SELECT '+4953720', number::text, 'a', 'l', 1 FROM generate_series(1, 100000) AS number
"""


async def test_one_change_among_many_numbers_reads_no_more_than_that(owner_store: Store, database: RoleUrls) -> None:
    await saved(owner_store, Rows(tenants=(A,)))
    connection = await asyncpg.connect(**Address.parse(database.owner).arguments(), timeout=10, command_timeout=60)
    try:
        await connection.execute(MANY)
        await connection.execute("ANALYZE amtsleitung.did")
        draft = await owner_store.create_draft((), title="eine", author="test", at=T0, base_version=1)
        number = DidRow(head_number="+4953720", extension="77", tenant="a", service_line="m")
        await owner_store.set_in_draft(draft, number, author="test", at=T0)
        (change,) = (await owner_store.draft(draft))[1]
        assert change.before == replace(number, service_line="l")
        rows = await owner_store.load_rows()
        assert rows is not None
        after = apply(rows[0], [change])
        assert await owner_store.save_rows(after, author="test", comment="", at=T0, base_version=1) == 2
        assert await owner_store.changes_since(1) == ((change,), 2)
        key = "head_number = '+4953720' AND extension = '77' AND last_extension IS NULL AND valid_from IS NULL"
        for which in (
            "version_to > 1 AND version_to <= 2 AND version_from <= 1",
            "version_from > 1 AND version_from <= 2 AND (version_to IS NULL OR version_to > 2)",
            f"{key} AND version_to IS NULL",
        ):
            plan = await connection.fetch(f"EXPLAIN SELECT * FROM amtsleitung.did WHERE {which}")  # noqa: S608
            assert "Seq Scan" not in str(plan), which
    finally:
        await connection.close(timeout=10)
