# SPDX-License-Identifier: EUPL-1.2
"""The dialplan's data in Asterisk's database: little is written, the pointer last, and what differs is put right."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agi.ami.address import AmiAddress
from agi.ami.astdb import AstDbCopy, AstDbError
from agi.ami.astdb_entries import AstDbEntries
from agi.ami.client import AmiConnection
from agi.render.astdb import AstDbContent, AstDbRenderer
from routing.core.compile import compile_table
from routing.core.rows import OverrideRow, Rows, ServiceLineRow, TenantRow
from tests.support.fake_ami import FakeAmi, fake_ami
from tests.support.tables import example_rows

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TENANTS, LINES = 30, 600


async def connected(fake: FakeAmi) -> AmiConnection:
    return await AmiConnection.open(
        AmiAddress(host="127.0.0.1", port=fake.port, user="u", secret=fake.secret), clock=lambda: datetime.now(UTC)
    )


def many_lines() -> Rows:
    rows = example_rows()
    tenants = tuple(TenantRow(slug=f"t{number}", name=f"T{number}") for number in range(TENANTS))
    lines = tuple(
        ServiceLineRow(
            tenant=f"t{number % TENANTS}", name=f"l{number}", title="L", opening_hours="service",
            agent_group="allgemein",
        )
        for number in range(LINES)
    )  # fmt: skip
    return replace(rows, tenants=(*rows.tenants, *tenants), service_lines=(*rows.service_lines, *lines))


def override(**scope: Any) -> OverrideRow:
    return OverrideRow(
        name="brand", opens=False, reason="r", author="a", announcement_text="Heute geschlossen.",
        valid_from=AT, valid_to=AT + timedelta(hours=4), **scope,
    )  # fmt: skip


def held(fake: FakeAmi) -> dict[str, str]:
    return {path.removeprefix("amtsleitung/"): value for path, value in fake.database.items()}


def wanted(content: AstDbContent, fake: FakeAmi) -> dict[str, str]:
    return dict(content.flat(fake.database["amtsleitung/current"]))


def content(version: int = 1, **changes: Any) -> AstDbContent:
    rows = replace(example_rows(), **changes)
    return AstDbRenderer(days=3).content(compile_table(rows, version=version), at=AT)


@pytest.mark.parametrize(
    ("scope", "most"),
    [({"tenant": "t3", "service_line": "l3"}, 70), ({"tenant": "t3"}, 100), ({}, 3 * LINES)],
    ids=["line", "tenant", "centre"],
)
async def test_an_override_of_a_large_configuration_costs_few_writes(scope: dict[str, str], most: int) -> None:
    rows, renderer = many_lines(), AstDbRenderer()
    async with fake_ami() as fake, await connected(fake) as connection:
        copy = AstDbCopy(connection, grace_seconds=0)
        await copy.write(renderer.content(compile_table(rows, version=1), at=AT))
        before = copy.writes
        assert before > 10_000
        fake.actions.clear()
        changed = renderer.content(compile_table(replace(rows, overrides=(override(**scope),)), version=2), at=AT)
        assert await copy.write(changed) == 2
        assert copy.writes - before == fake.names().count("DBPut") <= most
        assert (fake.actions[-1]["Key"], fake.actions[-1]["Val"]) == ("current", "2")
        await copy.tidy()
        assert held(fake) == wanted(changed, fake)


async def test_the_pointer_is_switched_last_and_only_to_what_is_whole() -> None:
    async with fake_ami() as fake, await connected(fake) as connection:
        copy = AstDbCopy(connection, grace_seconds=0)
        fake.database["amtsleitung/1/left-behind"] = "by an interrupted attempt"
        first = content()
        assert await copy.write(first) == 1
        puts = [action["Key"] for action in fake.actions if action["Action"] == "DBPut"]
        assert puts[-1] == "current"
        generation = [place for place, key in enumerate(puts) if key.startswith("1/")]
        assert min(generation) > max(
            place for place, key in enumerate(puts) if not key[0].isdigit() and key != puts[-1]
        )
        for path, entry in ((p, e) for item in first.items.values() for p in [item.texts[-1][0]] for e in item.entries):
            assert puts.index(path) < puts.index(entry[0]) < len(puts) - puts[::-1].index(path) - 1
        assert held(fake) == wanted(first, fake)
        fake.refuse.add("DBPut")
        with pytest.raises(AstDbError, match="does not take the database entry"):
            await copy.write(content(version=2, overrides=(override(),)))
        assert fake.database["amtsleitung/current"] == "1"
        fake.refuse.clear()
        second = content(version=2, overrides=(override(),))
        assert await copy.write(second) == 2
        await copy.tidy()
        assert held(fake) == wanted(second, fake)


async def test_what_is_there_already_is_not_written_again() -> None:
    async with fake_ami() as fake, await connected(fake) as connection:
        await AstDbCopy(connection).write(content())
        fake.actions.clear()
        again = AstDbCopy(connection)
        assert await again.write(content()) == 1
        assert again.writes == 0
        assert "DBPut" not in fake.names()


async def test_what_a_call_may_be_reading_stays_for_the_grace() -> None:
    async with fake_ami() as fake, await connected(fake) as connection:
        copy = AstDbCopy(connection, grace_seconds=600)
        first = content()
        await copy.write(first)
        await copy.write(content(version=2, overrides=(override(),)))
        await copy.tidy()
        assert copy.untidy
        assert dict(first.flat("1")).items() - {("current", "1")} <= held(fake).items()
        # What is wanted again is not removed after all.
        third = content(version=3)
        await copy.write(third)
        assert third.items.keys() == first.items.keys()
        copy._grace_seconds = 0
        await copy.tidy()
        assert held(fake) == wanted(third, fake)


async def test_a_look_puts_right_whatever_differs() -> None:
    async with fake_ami() as fake, await connected(fake) as connection:
        copy = AstDbCopy(connection, grace_seconds=0)
        first = content()
        await copy.write(first)
        whole = held(fake)
        blocks = [item for item in first.items.values() if item.is_block]
        damages: tuple[dict[str, str | None], ...] = (
            {f"text/{next(iter(first.items))}": None},
            {"1/version": "77"},
            {"2/numbers": None},
            {"text/feed": "nobody's"},
        )
        for damage in damages:
            for path, value in damage.items():
                if value is None:
                    del fake.database[f"amtsleitung/{path}"]
                else:
                    fake.database[f"amtsleitung/{path}"] = value
            await copy.compare(first)
            await copy.tidy()
            assert held(fake) == wanted(first, fake)
        assert await copy.compare(first) == 0
        # A few blocks are looked into each time, in turn.
        del fake.database[f"amtsleitung/{blocks[-1].entries[0][0]}"]
        for _ in range(len(blocks)):
            await copy.compare(first)
        assert held(fake) == wanted(first, fake)
        fake.database.clear()
        assert await copy.compare(first) >= len(whole)
        assert held(fake) == wanted(first, fake)


@pytest.mark.parametrize(("key", "value"), [("k", "x" * 901), ("k", "a\nb"), ("", "x"), ("a b", "x"), ("k" * 201, "x")])
async def test_what_asterisks_database_cannot_hold_is_never_sent(key: str, value: str) -> None:
    async with fake_ami() as fake, await connected(fake) as connection:
        with pytest.raises(AstDbError):
            await AstDbEntries(connection).put_all([("good", "x"), (key, value)])
        assert "DBPut" not in fake.names()


async def test_writing_and_tidying_at_once_leave_what_is_wanted() -> None:
    async with fake_ami() as fake, await connected(fake) as connection:
        copy = AstDbCopy(connection, grace_seconds=0)
        last = content()
        for version in range(1, 13):
            last = content(version=version, overrides=(override(),) if version % 2 else ())
            async with asyncio.TaskGroup() as group:
                group.create_task(copy.write(last))
                group.create_task(copy.tidy())
        await copy.tidy()
        assert held(fake) == wanted(last, fake)
