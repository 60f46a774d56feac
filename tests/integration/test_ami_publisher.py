# SPDX-License-Identifier: EUPL-1.2
"""What is written for Asterisk, what it is told of, and the whole observer put together."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agi.ami.address import AmiAddress
from agi.ami.astdb import AstDbError, remove_older, write_generation
from agi.ami.call_resync import OpenCall
from agi.ami.client import AmiConnection
from agi.ami.messages import parse_message
from agi.ami.observations import Stepped
from agi.ami.publisher import Publisher, PublishError
from agi.ami.publishing import Publishing
from agi.ami.service import Readiness, run_observer
from agi.ami.translate import translate
from agi.render.astdb import COMING_DAYS, DAYS_BACK, MAXIMUM_VALUE_BYTES
from routing.core.announcements import since_suffix, step_name
from routing.core.chain import MAXIMUM_STEPS
from routing.core.checks import MAXIMUM_NAME_CHARACTERS
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
AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
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


async def test_a_trunk_without_its_password_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    generated, passwords = folder(tmp_path), tmp_path / "passwords"
    rows = replace(ROWS, trunks=(*ROWS.trunks, replace(ROWS.trunks[0], name="registered", registration_user="user")))
    with_trunk = replace(table(), rows=rows)
    publisher = Publisher(state_directory=tmp_path, node="node1", trunk_passwords=passwords)
    with capture_logs() as logs:
        await publisher.write_files(with_trunk, SECRETS)
    (said,) = (entry["problem"] for entry in logs if entry["event"] == "a trunk cannot register")
    assert said.startswith(f"trunks[registered] does not register: {passwords}/trunk-registered cannot be used")
    text = (generated / "trunks.conf").read_text()
    assert "[carrier](trunk-endpoint)" in text
    assert "[registered](trunk-endpoint)" in text
    assert "trunk-registration" not in text
    passwords.mkdir()
    (passwords / "trunk-registered").write_text("geheim\n")
    with capture_logs() as logs:
        assert await publisher.write_files(with_trunk, SECRETS) == ("trunks.conf",)
    assert "password = geheim\n[registered](trunk-registration)" in (generated / "trunks.conf").read_text()
    assert "geheim" not in repr(logs)


async def test_asterisk_is_told_only_of_what_it_has_not_read(tmp_path: Path) -> None:
    folder(tmp_path)
    publisher = Publisher(state_directory=tmp_path, node="node1")
    await publisher.write_files(table(), SECRETS)
    async with fake_ami() as fake, await connected(fake) as connection:
        await publisher.apply(connection, table(), at=AT)
        assert sorted(reloads(fake)) == [
            "app_queue",
            "res_musiconhold",
            "res_pjsip",
            "res_pjsip_endpoint_identifier_ip",
            "res_pjsip_outbound_registration",
        ]
        fake.actions.clear()
        # Another process, the same files: nothing to tell.
        again = Publisher(state_directory=tmp_path, node="node1")
        await again.write_files(table(), SECRETS)
        await again.apply(connection, table(), at=AT)
        assert reloads(fake) == []
        await again.write_files(table(), SECRETS | {ROWS.agents[0].device: "anders"})
        await again.apply(connection, table(), at=AT)
        assert reloads(fake) == ["res_pjsip"]


async def test_a_refused_reload_is_told_and_tried_again(tmp_path: Path) -> None:
    folder(tmp_path)
    publisher = Publisher(state_directory=tmp_path, node="node1")
    await publisher.write_files(table(), SECRETS)
    async with fake_ami(refuse={"Reload"}) as fake, await connected(fake) as connection:
        with pytest.raises(PublishError, match="did not reload"):
            await publisher.apply(connection, table(), at=AT)
        fake.refuse.clear()
        await publisher.apply(connection, table(), at=AT)
        assert "app_queue" in reloads(fake)


async def test_a_table_that_the_fallback_cannot_hold_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    folder(tmp_path)
    publisher = Publisher(state_directory=tmp_path, node="node1")
    whole = table()
    await publisher.write_files(whole, SECRETS)
    too_long = replace(whole, version=10**MAXIMUM_VALUE_BYTES)
    async with fake_ami() as fake, await connected(fake) as connection:
        with pytest.raises(PublishError, match=f"is longer than {MAXIMUM_VALUE_BYTES} bytes"):
            await publisher.apply(connection, too_long, at=AT)
        assert fake.database == {}
        assert reloads(fake) == []


def days(fake: FakeAmi) -> list[int]:
    """The days, counted from 1970, that the database holds for one line."""
    prefix = f"amtsleitung/{fake.database['amtsleitung/current']}/day/stadt-wolfsburg/vermittlung/"
    return sorted(int(key.split("/")[-2]) for key in fake.database if key.startswith(prefix))


async def test_a_table_that_never_changes_gets_its_coming_days_all_the_same(tmp_path: Path) -> None:
    folder(tmp_path)
    now = AT
    first = int(AT.timestamp()) // 86_400 - DAYS_BACK
    publishing = Publishing(
        Publisher(state_directory=tmp_path, node="node1"), Database(), clock=lambda: now, refresh_seconds=0.05
    )
    async with fake_ami() as fake, await connected(fake) as connection:
        publishing.use_table(table())
        publishing.use_connection(connection)
        running = asyncio.create_task(publishing.run())
        await until(lambda: "amtsleitung/current" in fake.database)
        assert days(fake) == list(range(first, first + DAYS_BACK + COMING_DAYS))
        now += timedelta(days=40)
        await until(lambda: first + 40 in days(fake)[:1])
        assert days(fake) == list(range(first + 40, first + 40 + DAYS_BACK + COMING_DAYS))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_an_override_is_spoken_before_all_that_many_new_lines_still_want(tmp_path: Path) -> None:
    folder(tmp_path)
    published: list[int] = []
    publishing = Publishing(
        Publisher(state_directory=tmp_path, node="node1"), Database(), clock=lambda: AT, on_published=published.append
    )
    many = {f"line-{number}": f"Guten Tag {number}." for number in range(400)}
    sounds, last = tmp_path / "sounds", "line-399.wav16"
    async with fake_ami() as fake, await connected(fake) as connection:
        publishing.use_table(table(texts=many))
        publishing.use_connection(connection)
        running = asyncio.create_task(publishing.run())
        # Asterisk knows the new queues and the fallback the new lines before all their sentences are spoken.
        await until(lambda: "amtsleitung/current" in fake.database)
        assert not (sounds / last).exists()
        publishing.use_table(table(version=2, texts={"override--brand": "Feueralarm."} | many))
        await until(lambda: (sounds / "override--brand.wav16").exists())
        assert not (sounds / last).exists()
        assert published == []
        publishing.use_table(table(version=3, texts={"unknown-number": "Guten Tag."}))
        await until(lambda: published == [3])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_sentence_that_cannot_be_spoken_costs_no_other(tmp_path: Path) -> None:
    folder(tmp_path)
    texts = {"override--brand": "!!!", "unknown-number": "Guten Tag."}
    publisher = Publisher(state_directory=tmp_path, node="node1", recorded=tmp_path / "recorded")
    with capture_logs() as logs:
        assert await publisher.write_sounds(table(texts=texts)) == ("unknown-number",)
    (said,) = (entry for entry in logs if entry["log_level"] == "error")
    assert (said["sound"], said["event"]) == ("override--brand", "callers miss a sentence")
    assert "no words" in said["problem"]


async def test_the_longest_names_have_sounds_and_are_believed(tmp_path: Path) -> None:
    slug = "x" * MAXIMUM_NAME_CHARACTERS
    name = step_name(slug, slug, "overflow", MAXIMUM_STEPS) + since_suffix(AT.replace(microsecond=1))
    folder(tmp_path)
    publisher = Publisher(state_directory=tmp_path, node="node1")
    assert await publisher.write_sounds(table(texts={name: "Guten Tag."})) == (name,)
    told = parse_message(
        "Event: UserEvent\r\nUserEvent: ChainStep\r\nUniqueid: node1-1.1\r\nExit: timeout\r\nStep: 2\r\n"
        f"Kind: play_announcement\r\nTarget: {name}"
    )
    step = translate(told)
    assert isinstance(step, Stepped), step
    assert step.target == name


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
