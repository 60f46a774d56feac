# SPDX-License-Identifier: EUPL-1.2
"""Routers as processes, over a real database that comes and goes: what they decide by, and what they keep on disk."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from amtsleitung.keep_table import keep_table, last_good_path
from amtsleitung.keeper import Answer, Keeper
from routing.config.last_good import look_at_last_good
from routing.core.rows import Rows
from routing.store import RoleUrls, Store
from tests.bench.rows import did, rows_of
from tests.support.database import Server
from tests.support.living import descendants, is_living
from tests.support.product import Started
from tests.support.routers import Way, ask, decides_by, is_ready, router
from tests.support.tables import example_rows
from tests.support.wait import until

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NUMBER = "05361/100000-07"


async def save(store: Store, rows: Rows) -> int:
    return await store.save_rows(rows, author="test", comment="", at=datetime.now(UTC), base_version=None)


def led_to(rows: Rows, line: str) -> Rows:
    """The same, but for the number, which leads to this line."""
    return replace(rows, dids=tuple(did(7, line=line) if row == did(7) else row for row in rows.dids))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    made = tmp_path / "state"
    made.mkdir()
    return made


@pytest.fixture
async def way(database_server: Server) -> AsyncIterator[Way]:
    made = Way(database_server.address)
    await made.open()
    yield made
    await made.cut()


async def ended(service: Started) -> None:
    service.process.send_signal(signal.SIGTERM)
    assert await service.ended() == 0, service.said


async def keeps(state: Path, version: int) -> None:
    path = last_good_path(state)
    await until(
        lambda: path.exists() and look_at_last_good(path).version == version,
        deadline_seconds=30,
        what=f"version {version} on disk",
    )


async def test_one_changed_row_of_many_reaches_a_router_with_and_without_its_notification(
    database: RoleUrls, owner_store: Store, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(5_000)
    first = await save(owner_store, rows)
    async with router(state, database.router) as service:
        await is_ready(service)
        assert (await ask(service, NUMBER))["ROUTE_LINE"] == "kfz"
        second = await save(owner_store, changed := led_to(rows, "standesamt"))
        assert (await decides_by(service, NUMBER, second))["ROUTE_LINE"] == "standesamt"
        monkeypatch.setattr("routing.store.configuration.TABLE_CHANNEL", "nobody_listens_here")
        third = await save(
            owner_store, replace(changed, dids=tuple(row for row in changed.dids if row.extension != "07"))
        )
        assert (await decides_by(service, NUMBER, third))["ROUTE_LINE"] == ""
        await keeps(state, third)
        await ended(service)
    assert (first, second, third) == (1, 2, 3)
    assert service.said.count("last good table read") == 0


async def test_a_router_starts_from_the_last_good_table_and_takes_the_live_one_when_the_database_is_back(
    database: RoleUrls, owner_store: Store, state: Path, way: Way
) -> None:
    rows = rows_of(50)
    url = way.url(database.router)
    first = await save(owner_store, rows)
    async with router(state, url) as service:
        await is_ready(service)
        await keeps(state, first)
        await ended(service)
    await way.cut()
    second = await save(owner_store, led_to(rows, "standesamt"))
    async with router(state, url) as service:
        await is_ready(service)
        assert await decides_by(service, NUMBER, first)
        assert (await ask(service, NUMBER))["ROUTE_LINE"] == "kfz"
        await until(lambda: "the last good table is in use" in service.said, what="the log says so")
        assert "age_seconds=" in service.said
        await way.open()
        assert (await decides_by(service, NUMBER, second))["ROUTE_LINE"] == "standesamt"
        await keeps(state, second)
        await way.cut()
        assert (await ask(service, NUMBER))["ROUTE_LINE"] == "standesamt", "a database that goes again changes nothing"
        await ended(service)


async def test_a_live_version_that_does_not_compile_is_reported_and_the_last_good_one_stays(
    database: RoleUrls, owner_store: Store, state: Path
) -> None:
    rows = rows_of(50)
    first = await save(owner_store, rows)
    async with router(state, database.router) as service:
        await is_ready(service)
        await keeps(state, first)
        await save(owner_store, replace(rows, agent_groups=()))
        await until(lambda: "Version 2 of the configuration is not used" in service.said, what="the problem is told")
        assert (await ask(service, NUMBER))["ROUTE_VERSION"] == "1"
        await ended(service)
    async with router(state, database.router) as service:
        await is_ready(service)
        assert (await ask(service, NUMBER))["ROUTE_VERSION"] == "1"
        third = await save(owner_store, rows)
        await decides_by(service, NUMBER, third)
        await ended(service)
    assert service.said.count("Version 2 of the configuration is not used") == 1
    assert look_at_last_good(last_good_path(state)).version in (1, 3)


async def test_a_damaged_last_good_table_is_told_and_replaced(
    database: RoleUrls, owner_store: Store, state: Path
) -> None:
    path = last_good_path(state)
    path.parent.mkdir()
    path.write_text("{}\n")
    version = await save(owner_store, example_rows())
    async with router(state, database.router) as service:
        await is_ready(service)
        await keeps(state, version)
        await ended(service)
    assert "does not begin as a last good table does" in service.said


async def test_with_neither_database_nor_last_good_table_it_says_so_and_ends(state: Path) -> None:
    async with router(state, "postgresql://nobody@127.0.0.1:1/nothing") as service:
        assert await service.ended() == 1
    assert "No PostgreSQL can be reached at 127.0.0.1:1/nothing" in service.said
    assert "Traceback" not in service.said


async def test_without_a_place_to_keep_it_calls_are_answered_all_the_same(
    database: RoleUrls, owner_store: Store, state: Path
) -> None:
    (state / "table").write_text("no folder")
    await save(owner_store, rows_of(50))
    async with router(state, database.router) as service:
        await is_ready(service)
        assert (await ask(service, NUMBER))["ROUTE_LINE"] == "kfz"
        await ended(service)
    assert service.said.count("The last good table is not kept") >= 1


async def test_keeping_says_what_became_of_it(
    database: RoleUrls, owner_store: Store, database_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "kept" / "last-good.jsonl"

    async def outcome(url: str = database.router) -> tuple[str, int]:
        answer = await keep_table(url, path)
        assert Answer.read(answer.line()) == answer
        assert (answer.outcome == "kept") is not bool(answer.sentence)
        return answer.outcome, answer.version

    assert await outcome() == ("failed", 0)
    await save(owner_store, example_rows())
    assert await outcome() == ("kept", 1)
    written = path.stat()
    assert await outcome() == ("kept", 1)
    assert path.stat().st_mtime_ns == written.st_mtime_ns, "what is there already is not written again"
    path.write_bytes(path.read_bytes()[:-9])
    assert await outcome() == ("kept", 1)
    assert path.stat().st_size == written.st_size
    await save(owner_store, example_rows(agent_groups=()))
    assert await outcome() == ("refused", 2)
    assert look_at_last_good(path).version == 1
    assert await outcome("postgresql://nobody@127.0.0.1:1/nothing") == ("away", 0)


async def test_the_process_that_keeps_is_started_again_when_it_is_gone(
    database: RoleUrls, owner_store: Store, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(owner_store, example_rows())
    monkeypatch.setenv("AMTSLEITUNG_DATABASE_URL", database.router)
    monkeypatch.setenv("AMTSLEITUNG_STATE_DIR", str(state))
    keeper = Keeper()
    try:
        assert (await keeper.ask()).outcome == "kept"
        assert keeper._process is not None
        keeper._process.kill()
        await keeper._process.wait()
        gone = await keeper.ask()
        assert gone.outcome == "failed"
        assert "is gone" in gone.sentence
        answers = await asyncio.gather(keeper.ask(), keeper.ask())
        assert [answer.version for answer in answers] == [1, 1]
        monkeypatch.setattr("amtsleitung.keeper.sys.executable", "/nowhere/python")
        await keeper.close()
        assert (await keeper.ask()).outcome == "failed"
    finally:
        await keeper.close()


async def test_a_killed_router_leaves_no_process(database: RoleUrls, owner_store: Store, state: Path) -> None:
    await save(owner_store, example_rows())
    async with router(state, database.router) as service:
        await is_ready(service)
        below = descendants(service.process.pid)
        assert below, "the process that keeps its table"
        service.process.kill()
        await service.process.wait()
        await until(lambda: not any(map(is_living, below)), what=f"the end of {below}")
