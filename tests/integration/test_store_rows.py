# SPDX-License-Identifier: EUPL-1.2
"""The configuration in versions: what is saved comes back, and every version stays."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, get_args, get_type_hints

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings

from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import Call
from routing.core.rows import (
    ROW_TYPES,
    AgentGroupRow,
    AgentRow,
    DidRow,
    OpeningHoursRow,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    StepRow,
    TenantRow,
)
from routing.store import RoleUrls, Store, StoreError
from routing.store.address import Address
from tests.property.any_rows import any_rows
from tests.support.tables import example_rows

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
STAMP: dict[str, Any] = {"author": "test", "comment": "Prüfung", "at": T0}


def _as_sets(rows: Rows) -> dict[str, frozenset[Any]]:
    return {item.name: frozenset(getattr(rows, item.name)) for item in fields(rows)}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=any_rows(overrides=False))
async def test_whatever_is_saved_comes_back(owner_store: Store, rows: Rows) -> None:
    """Each example replaces the last one's rows: this is also a long history of changes."""
    version = await owner_store.save_rows(rows, **STAMP, base_version=None)
    loaded = await owner_store.load_rows()
    assert loaded is not None
    assert _as_sets(loaded[0]) == _as_sets(rows)
    assert loaded[1] == version
    assert await owner_store.save_rows(loaded[0], **STAMP, base_version=version) == version


_SAMPLES: dict[Any, Any] = {
    str: "ä",
    str | None: "ö",
    bool: True,
    int: 7,
    int | None: 8,
    datetime: T0,
    datetime | None: T0 + timedelta(microseconds=1),
    tuple[str, ...]: ("b", "a", "b"),
    tuple[int, ...]: (3, 2),
    tuple[tuple[int, int, int], ...]: ((0, 1320, 1800), (1, 0, 1)),
    tuple[tuple[str, str], ...]: (("12-24", "Heiligabend"), ("2026-12-31", "Silvester")),
    tuple[tuple[date, str], ...]: ((date(2026, 12, 24), "Heiligabend"),),
}


def _with_every_field(row_type: type) -> Any:
    """A row whose every field differs from what it would be if left out."""
    hints = get_type_hints(row_type)
    row = row_type(**{item.name: _SAMPLES[hints[item.name]] for item in fields(row_type)})
    assert all(getattr(row, item.name) != item.default for item in fields(row_type))
    return row


_SAMPLES[tuple[StepRow, ...]] = (_with_every_field(StepRow), StepRow(kind="x"))


async def test_every_row_type_comes_back_with_every_field(owner_store: Store) -> None:
    collections = {name: (_with_every_field(get_args(hint)[0]),) for name, hint in get_type_hints(Rows).items()}
    rows = Rows(**{**collections, "overrides": ()})
    assert len(rows.all()) == len(ROW_TYPES) - 1  # overrides are thrown, not saved
    assert await owner_store.save_rows(Rows(**collections), **STAMP, base_version=0) == 1
    assert await owner_store.load_rows() == (rows, 1)
    without_last = Rows(
        **{**collections, "overrides": (), "service_lines": (replace(rows.service_lines[0], overflow=()),)}
    )
    assert await owner_store.save_rows(without_last, **STAMP, base_version=1) == 2
    assert await owner_store.load_rows() == (without_last, 2)


async def test_the_calendars_ends_come_back_as_instants(owner_store: Store) -> None:
    """PostgreSQL's driver takes the two for infinities, which have no zone: such rows would compile only once."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    tenant = TenantRow(slug="a", name="A", valid_from=first, valid_to=last)
    line = ServiceLineRow(tenant="a", name="l", title="L", opening_hours="h", agent_group="g", valid_from=first)
    rows = Rows(tenants=(tenant,), service_lines=(line,))
    assert await owner_store.save_rows(rows, **STAMP, base_version=0) == 1
    assert await owner_store.load_rows() == (rows, 1)
    assert await owner_store.save_rows(rows, **STAMP, base_version=1) == 1
    assert await owner_store.save_rows(Rows(tenants=(tenant,)), **STAMP, base_version=1) == 2
    assert await owner_store.load_rows() == (Rows(tenants=(tenant,)), 2)
    assert await owner_store.rows_of_version(1) == rows


async def test_special_hours_and_changed_holidays_mean_the_same_from_the_database(owner_store: Store) -> None:
    """Whole days, parts of days and windows across midnight: the rows are compiled again and compared."""
    hours = OpeningHoursRow(
        name="nacht",
        timezone="Europe/Berlin",
        weekly=((4, 1320, 1800), (5, 1320, 1440)),
        holiday_calendar="DE-NI",
        holiday_additions=(("12-24", "Heiligabend"), ("2026-11-23", "Betriebsausflug")),
        holiday_removals=("10-31",),
        holiday_dates=((date(2026, 12, 24), "Heiligabend"),),
    )
    closure = SpecialHoursRow(
        name="umzug",
        title="Umzug „Rathaus B“",
        opens=False,
        valid_from=T0,
        valid_to=T0 + timedelta(days=20, microseconds=1),
        tenant="stadt-wolfsburg",
        service_line="vermittlung",
        announcement_text="Wir ziehen um.",
        forward_number="+493023125199",
        forward_trunk="carrier",
    )
    opening = SpecialHoursRow(
        name="wahl", title="Wahl", opens=True, valid_from=T0, valid_to=T0 + timedelta(hours=9), opening_hours="nacht"
    )
    rows = example_rows(opening_hours=(*example_rows().opening_hours, hours), special_hours=(closure, opening))
    assert await owner_store.save_rows(rows, **STAMP, base_version=0) == 1
    loaded = await owner_store.load_rows()
    assert loaded is not None
    assert _as_sets(loaded[0]) == _as_sets(rows)
    expected, found = (compile_table(item, version=1) for item in (rows, loaded[0]))
    for number in ("0536128-0", "0537289-0"):
        for hour in range(0, 30 * 24, 5):
            at = T0 + timedelta(hours=hour)
            call = Call(dialled=number, caller=None, trunk="carrier")
            assert decide(found, call, at) == decide(expected, call, at)
    later = replace(closure, valid_to=closure.valid_to + timedelta(days=1))
    assert await owner_store.save_rows(replace(rows, special_hours=(later,)), **STAMP, base_version=1) == 2
    changed = await owner_store.load_rows()
    assert changed is not None
    assert changed[0].special_hours == (later,)


A = TenantRow(slug="a", name="Gemeinde A", valid_from=T0)
B = TenantRow(slug="b", name="Gemeinde B")
GROUP = AgentGroupRow(name="allgemein", title="Auskunft")
LINE = ServiceLineRow(tenant="a", name="l", title="L", opening_hours="o", agent_group="allgemein")


def agent(number: int) -> AgentRow:
    return AgentRow(name=f"agent{number:02}", device=f"device{number:02}", agent_groups=("allgemein",))


async def test_nothing_is_live_before_the_first_import(store: Store) -> None:
    assert await store.load_rows() is None


async def test_versions_count_and_an_unchanged_configuration_stays_one(owner_store: Store, store: Store) -> None:
    assert await owner_store.save_rows(Rows(tenants=(A,)), **STAMP, base_version=0) == 1
    assert await owner_store.save_rows(Rows(tenants=(A,)), **STAMP, base_version=1) == 1
    berlin = replace(A, valid_from=T0.astimezone(timezone(timedelta(hours=1))))
    assert await owner_store.save_rows(Rows(tenants=(berlin,)), **STAMP, base_version=1) == 1
    assert await owner_store.save_rows(Rows(tenants=(A, B)), **STAMP, base_version=1) == 2
    assert await store.load_rows() == (Rows(tenants=(A, B)), 2)


async def test_every_version_stays_readable(owner_store: Store, database: RoleUrls) -> None:
    renamed = replace(A, name="Gemeinde A (neu)")
    for rows in (Rows(tenants=(A, B)), Rows(tenants=(renamed, B)), Rows(tenants=(renamed,)), Rows(tenants=(A,))):
        await owner_store.save_rows(rows, **STAMP, base_version=None)
    connection = await asyncpg.connect(**Address.parse(database.owner).arguments(), timeout=10)
    try:
        history = await connection.fetch(
            "SELECT name, version_from, version_to FROM amtsleitung.tenant ORDER BY version_from, name"
        )
        stamps = await connection.fetch("SELECT version, author, comment, at FROM amtsleitung.configuration_version")
    finally:
        await connection.close(timeout=10)
    assert [tuple(row) for row in history] == [
        ("Gemeinde A", 1, 2),
        ("Gemeinde B", 1, 3),
        ("Gemeinde A (neu)", 2, 4),
        ("Gemeinde A", 4, None),
    ]
    assert [tuple(row) for row in stamps] == [(number, "test", "Prüfung", T0) for number in (1, 2, 3, 4)]


async def test_a_change_to_an_old_version_is_refused(owner_store: Store) -> None:
    await owner_store.save_rows(Rows(tenants=(A,)), **STAMP, base_version=None)
    await owner_store.save_rows(Rows(tenants=(B,)), **STAMP, base_version=1)
    with pytest.raises(StoreError, match="made to version 1, but version 2 is live"):
        await owner_store.save_rows(Rows(tenants=(A,)), **STAMP, base_version=1)
    assert await owner_store.load_rows() == (Rows(tenants=(B,)), 2)


async def test_of_two_changes_at_once_one_is_told_so(owner_store: Store) -> None:
    changes = [Rows(tenants=(replace(A, name=f"Gemeinde {number}"),)) for number in range(4)]
    done = await asyncio.gather(
        *(owner_store.save_rows(rows, **STAMP, base_version=0) for rows in changes), return_exceptions=True
    )
    assert sorted(str(type(result).__name__) for result in done) == ["StoreError"] * 3 + ["int"]


async def test_a_device_keeps_its_secret_as_long_as_it_is_there(owner_store: Store, store: Store) -> None:
    await owner_store.save_rows(Rows(agents=(agent(1), agent(2)), agent_groups=(GROUP,)), **STAMP, base_version=None)
    first = await store.device_secrets()
    assert set(first) == {"device01", "device02"}
    assert len(set(first.values())) == 2
    assert all(len(secret) == 32 for secret in first.values())
    await owner_store.save_rows(Rows(agents=(agent(2), agent(3)), agent_groups=(GROUP,)), **STAMP, base_version=None)
    second = await store.device_secrets()
    assert set(second) == {"device02", "device03"}
    assert second["device02"] == first["device02"]
    await owner_store.save_rows(Rows(agents=(agent(1),), agent_groups=(GROUP,)), **STAMP, base_version=None)
    assert (await store.device_secrets())["device01"] != first["device01"]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (Rows(tenants=(replace(A, name="A\0"),)), r"tenants\[a\]\.name holds a character"),
        (Rows(agent_groups=(replace(GROUP, title="\udc00"),)), r"agent_groups\[allgemein\]\.title holds a character"),
        (Rows(tenants=(replace(A, valid_from=datetime(2026, 1, 1)),)), r"tenants\[a\]\.valid_from is a time without"),  # noqa: DTZ001
        (
            Rows(service_lines=(replace(LINE, closed=(StepRow(kind="announcement", text="\0"),)),)),
            r"service_lines\[a/l\]\.closed holds a character",
        ),
        (
            Rows(service_lines=(replace(LINE, overflow=(StepRow(kind="x", when=("\udc00",)),)),)),
            r"service_lines\[a/l\]\.overflow holds a character",
        ),
        (Rows(tenants=(A, replace(A, name="Gemeinde C"))), r"tenants\[a\] is there twice"),
        (
            Rows(dids=(DidRow(head_number="+491", extension="", tenant="a", service_line="l"),) * 2),
            r"dids\[\+491/\] is there twice",
        ),
    ],
)
async def test_what_cannot_be_kept_is_named_and_changes_nothing(owner_store: Store, rows: Rows, sentence: str) -> None:
    with pytest.raises(StoreError, match=sentence):
        await owner_store.save_rows(rows, **STAMP, base_version=None)
    assert await owner_store.load_rows() is None


async def test_holidays_and_hours_keep_their_shape(owner_store: Store) -> None:
    hours = OpeningHoursRow(
        name="service-centre",
        timezone="Europe/Berlin",
        weekly=((0, 420, 1080), (4, 420, 1080)),
        holiday_calendar="DE-NI",
        holiday_dates=((date(2026, 10, 31), "Reformationstag"),),
    )
    await owner_store.save_rows(Rows(opening_hours=(hours,)), **STAMP, base_version=None)
    assert await owner_store.load_rows() == (Rows(opening_hours=(hours,)), 1)


async def test_only_the_owner_saves_and_the_web_knows_no_secret(store: Store, web_store: Store) -> None:
    for role in (store, web_store):
        with pytest.raises(StoreError, match="does not allow"):
            await role.save_rows(Rows(tenants=(A,)), **STAMP, base_version=None)
    assert await web_store.load_rows() is None
    assert await store.device_secrets() == {}
    with pytest.raises(StoreError, match="does not allow"):
        await web_store.device_secrets()
