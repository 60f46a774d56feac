# SPDX-License-Identifier: EUPL-1.2
"""What is written for Asterisk, what it is told of, and the whole observer put together."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agi.ami.address import AmiAddress
from agi.ami.astdb import AstDbError, remove_older, write_generation
from agi.ami.call_resync import OpenCall
from agi.ami.client import AmiConnection
from agi.ami.publisher import Publisher, PublishError
from agi.ami.service import Readiness, run_observer
from agi.render.astdb import MAXIMUM_VALUE_BYTES
from routing.core.compile import compile_table
from routing.core.events import CallEvent
from routing.core.table import Table
from tests.replay.recordings import FOLDER, told
from tests.replay.test_ami_recordings import EXPECTED
from tests.support.fake_ami import FakeAmi, fake_ami
from tests.support.tables import example_rows
from tests.support.wait import until
from tests.unit.test_ami_tracker import Stored

ROWS = example_rows()
SECRETS = {agent.device: f"geheim-{agent.device}" for agent in ROWS.agents}


def table(version: int = 1, *, texts: Mapping[str, str] | None = None) -> Table:
    """The example with few and short sentences: speaking is tried elsewhere."""
    return replace(compile_table(ROWS, version=version), announcements=texts or {"unknown-number": "Guten Tag."})


def folder(state_directory: Path) -> Path:
    generated = state_directory / "asterisk" / "etc" / "generated"
    generated.mkdir(parents=True)
    return generated


async def connected(fake: FakeAmi) -> AmiConnection:
    return await AmiConnection.open(
        AmiAddress(host="127.0.0.1", port=fake.port, user="u", secret=fake.secret), clock=lambda: datetime.now(UTC)
    )


def written(directory: Path) -> dict[Path, int]:
    """Every file and when it was written."""
    return {path: path.stat().st_mtime_ns for path in directory.rglob("*") if path.is_file()}


def reloads(fake: FakeAmi) -> list[str]:
    return [action["Module"] for action in fake.actions if action["Action"] == "Reload"]


async def test_files_are_written_before_any_connection_and_only_when_they_change(tmp_path: Path) -> None:
    generated = folder(tmp_path)
    generated.chmod(0o750)
    publisher = Publisher(state_directory=tmp_path, node="node1")
    changed = await publisher.write_files(table(), SECRETS)
    assert set(changed) == {"queues.conf", "devices.conf", "trunks.conf", "unknown-number", "music"}
    assert f"geheim-{ROWS.agents[0].device}" in (generated / "devices.conf").read_text()
    for path in generated.glob("*.conf"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert (tmp_path / "sounds" / "unknown-number.wav16").exists()
    before = written(tmp_path)
    assert await publisher.write_files(table(version=2), SECRETS) == ()
    assert written(tmp_path) == before


async def test_asterisk_is_told_only_of_what_it_has_not_read(tmp_path: Path) -> None:
    folder(tmp_path)
    publisher = Publisher(state_directory=tmp_path, node="node1")
    await publisher.write_files(table(), SECRETS)
    async with fake_ami() as fake, await connected(fake) as connection:
        await publisher.apply(connection, table())
        assert sorted(reloads(fake)) == [
            "app_queue",
            "res_musiconhold",
            "res_pjsip",
            "res_pjsip_endpoint_identifier_ip",
        ]
        fake.actions.clear()
        # Another process, the same files: nothing to tell.
        again = Publisher(state_directory=tmp_path, node="node1")
        await again.write_files(table(), SECRETS)
        await again.apply(connection, table())
        assert reloads(fake) == []
        await again.write_files(table(), SECRETS | {ROWS.agents[0].device: "anders"})
        await again.apply(connection, table())
        assert reloads(fake) == ["res_pjsip"]


async def test_a_refused_reload_is_told_and_tried_again(tmp_path: Path) -> None:
    folder(tmp_path)
    publisher = Publisher(state_directory=tmp_path, node="node1")
    await publisher.write_files(table(), SECRETS)
    async with fake_ami(refuse={"Reload"}) as fake, await connected(fake) as connection:
        with pytest.raises(PublishError, match="did not reload"):
            await publisher.apply(connection, table())
        fake.refuse.clear()
        await publisher.apply(connection, table())
        assert "app_queue" in reloads(fake)


async def test_a_table_that_the_fallback_cannot_hold_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    folder(tmp_path)
    publisher = Publisher(state_directory=tmp_path, node="node1")
    whole = table()
    await publisher.write_files(whole, SECRETS)
    lines = {key: replace(line, queue="q" * MAXIMUM_VALUE_BYTES) for key, line in whole.lines.items()}
    async with fake_ami() as fake, await connected(fake) as connection:
        with pytest.raises(PublishError, match=f"is longer than {MAXIMUM_VALUE_BYTES} bytes"):
            await publisher.apply(connection, replace(whole, lines=lines))
        assert fake.database == {}
        assert reloads(fake) == []


async def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "asterisk").write_text("in the way")
    with pytest.raises(PublishError, match="cannot be written"):
        await Publisher(state_directory=tmp_path, node="node1").write_files(table(), SECRETS)


async def test_the_pointer_is_switched_last_and_only_to_a_whole_generation() -> None:
    entries = {f"number/{number}": "x" for number in range(300)}
    async with fake_ami() as fake, await connected(fake) as connection:
        assert await write_generation(connection, entries) == 1
        puts = [action for action in fake.actions if action["Action"] == "DBPut"]
        assert (puts[-1]["Family"], puts[-1]["Key"], puts[-1]["Val"]) == ("amtsleitung", "current", "1")
        assert {f"amtsleitung/1/{key}" for key in entries} | {"amtsleitung/current"} == set(fake.database)
        fake.database["amtsleitung/2/left-behind"] = "by an interrupted attempt"
        assert await write_generation(connection, {"version": "2"}) == 2
        await remove_older(connection, 2, grace_seconds=0)
        assert fake.database == {"amtsleitung/2/version": "2", "amtsleitung/current": "2"}
        fake.refuse.add("DBPut")
        with pytest.raises(AstDbError, match="does not take the database entry"):
            await write_generation(connection, {"version": "3"})
        assert fake.database["amtsleitung/current"] == "2"


@pytest.mark.parametrize(("key", "value"), [("k", "x" * 901), ("k", "a\nb"), ("", "x"), ("a b", "x"), ("k" * 201, "x")])
async def test_what_asterisks_database_cannot_hold_is_never_sent(key: str, value: str) -> None:
    async with fake_ami() as fake, await connected(fake) as connection:
        with pytest.raises(AstDbError):
            await write_generation(connection, {key: value})
        assert "DBPut" not in fake.names()


class Database:
    """A store in memory; ``away`` makes all of it fail."""

    def __init__(self, open_calls: Sequence[OpenCall] = ()) -> None:
        self.events: list[CallEvent] = []
        self.stored = open_calls
        self.away = False
        self.expired: list[datetime] = []

    def _check(self) -> None:
        if self.away:
            raise RuntimeError("no database")

    async def record(self, events: Sequence[CallEvent]) -> int:
        self._check()
        self.events += events
        return len(self.events)

    async def ping(self) -> None:
        self._check()

    async def device_secrets(self) -> Mapping[str, str]:
        self._check()
        return SECRETS

    async def open_calls(self, node: str) -> Sequence[OpenCall]:
        self._check()
        return self.stored

    async def expire_personal_data(self, at: datetime) -> int:
        self._check()
        self.expired.append(at)
        return 1


class Feed:
    """One table, at once."""

    def __init__(self, on_table: Callable[[Table], None], on_problem: Callable[[str], None]) -> None:
        self._on_table = on_table

    async def run(self) -> None:
        self._on_table(table(version=7))
        await asyncio.Event().wait()


async def test_the_whole_observer(tmp_path: Path) -> None:
    folder(tmp_path)
    database, stop, told_of = Database([Stored()]), asyncio.Event(), list[Readiness]()
    async with fake_ami() as fake:
        observer = asyncio.create_task(
            run_observer(
                ami_url=f"ami://u:geheim%20%C3%A4@127.0.0.1:{fake.port}",
                node="node1",
                store=database,
                table_feed=Feed,
                state_directory=tmp_path,
                clock=lambda: datetime.now(UTC),
                stop=stop,
                on_readiness=told_of.append,
            )
        )
        await until(lambda: told_of and told_of[-1].ready)
        assert told_of[-1] == Readiness(resynced=True, published=7)
        assert fake.database["amtsleitung/1/version"] == "7"
        assert len(database.expired) == 1
        fake.send((FOLDER / "answered.ami").read_bytes())
        await until(lambda: len(database.events) == 1 + len(EXPECTED["answered"]))
        # The call that an earlier process left open has vanished.
        assert [told(event) for event in database.events] == ["ended unknown", *EXPECTED["answered"]]
        stop.set()
        async with asyncio.timeout(5):
            await observer
        await until(lambda: not fake._writers)


async def test_without_a_database_calls_are_observed_and_written_later(tmp_path: Path) -> None:
    folder(tmp_path)
    database, stop, told_of = Database([Stored(unique_id="9.9")]), asyncio.Event(), list[Readiness]()
    database.away = True
    async with fake_ami() as fake:
        observer = asyncio.create_task(
            run_observer(
                ami_url=f"ami://u:geheim%20%C3%A4@127.0.0.1:{fake.port}",
                node="node1",
                store=database,
                table_feed=Feed,
                state_directory=tmp_path,
                clock=lambda: datetime.now(UTC),
                stop=stop,
                on_readiness=told_of.append,
            )
        )
        await until(lambda: told_of and told_of[-1].resynced)
        fake.send((FOLDER / "announcement.ami").read_bytes())
        await fake.until(lambda: "Status" in fake.names())
        database.away = False
        await until(lambda: len(database.events) == 1 + len(EXPECTED["announcement"]))
        assert [told(event) for event in database.events] == ["ended unknown", *EXPECTED["announcement"]]
        stop.set()
        async with asyncio.timeout(5):
            await observer


async def test_an_unreadable_ami_url_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ami://user:secret@host:port"):
        await run_observer(
            ami_url="http://x",
            node="node1",
            store=Database(),
            table_feed=Feed,
            state_directory=tmp_path,
            clock=lambda: datetime.now(UTC),
            stop=asyncio.Event(),
        )
