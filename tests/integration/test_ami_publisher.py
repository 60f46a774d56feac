# SPDX-License-Identifier: EUPL-1.2
"""What is written for Asterisk, what it is told of, and the whole observer put together."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agi.ami.address import AmiAddress
from agi.ami.astdb import AstDbCopy
from agi.ami.call_resync import OpenCall
from agi.ami.client import AmiConnection
from agi.ami.messages import parse_message
from agi.ami.observations import Stepped
from agi.ami.publisher import Publisher, PublishError
from agi.ami.publishing import Publishing
from agi.ami.service import Readiness, run_observer
from agi.ami.translate import translate
from agi.render.astdb import COMING_DAYS, DAYS_BACK
from agi.render.astdb_days import period_of
from agi.render.astdb_items import MAXIMUM_VALUE_BYTES
from routing.core.announcements import since_suffix, step_name
from routing.core.chain import MAXIMUM_STEPS
from routing.core.checks import MAXIMUM_NAME_CHARACTERS
from routing.core.compile import compile_table
from routing.core.events import CallEvent
from routing.core.table import Table
from tests.integration.test_ami_journal import entry, segment
from tests.replay.recordings import FOLDER, told
from tests.replay.test_ami_recordings import EXPECTED
from tests.support.fake_ami import FakeAmi, fake_ami
from tests.support.tables import example_rows
from tests.support.wait import until as until_within
from tests.unit.test_ami_tracker import Stored

until = partial(until_within, deadline_seconds=60)  # to make the music alone takes seconds on a busy machine
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
        await publisher.apply(connection, AstDbCopy(connection), table(), at=AT)
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
        await again.apply(connection, AstDbCopy(connection), table(), at=AT)
        assert reloads(fake) == []
        await again.write_files(table(), SECRETS | {ROWS.agents[0].device: "anders"})
        await again.apply(connection, AstDbCopy(connection), table(), at=AT)
        assert reloads(fake) == ["res_pjsip"]


async def test_a_refused_reload_is_told_and_tried_again(tmp_path: Path) -> None:
    folder(tmp_path)
    publisher = Publisher(state_directory=tmp_path, node="node1")
    await publisher.write_files(table(), SECRETS)
    async with fake_ami(refuse={"Reload"}) as fake, await connected(fake) as connection:
        with pytest.raises(PublishError, match="did not reload"):
            await publisher.apply(connection, AstDbCopy(connection), table(), at=AT)
        fake.refuse.clear()
        await publisher.apply(connection, AstDbCopy(connection), table(), at=AT)
        assert "app_queue" in reloads(fake)


async def test_a_table_that_the_fallback_cannot_hold_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    folder(tmp_path)
    publisher = Publisher(state_directory=tmp_path, node="node1")
    whole = table()
    await publisher.write_files(whole, SECRETS)
    too_long = replace(whole, version=10**MAXIMUM_VALUE_BYTES)
    async with fake_ami() as fake, await connected(fake) as connection:
        with pytest.raises(PublishError, match=f"is longer than {MAXIMUM_VALUE_BYTES} bytes"):
            await publisher.apply(connection, AstDbCopy(connection), too_long, at=AT)
        assert fake.database == {}
        assert reloads(fake) == []


def periods(fake: FakeAmi) -> list[int]:
    """The first and the last period that the database holds for one line."""
    block = fake.database[f"amtsleitung/{fake.database['amtsleitung/current']}/tenant/stadt-wolfsburg"]
    first, _, texts = fake.database[f"amtsleitung/block/{block}/vermittlung"].partition(":")
    return [int(first), int(first) + texts.count("~")]


def coming(at: datetime) -> list[int]:
    return [period_of(at - timedelta(days=DAYS_BACK)), period_of(at + timedelta(days=COMING_DAYS - 1))]


async def test_a_table_that_never_changes_gets_its_coming_days_all_the_same(tmp_path: Path) -> None:
    folder(tmp_path)
    now = AT
    publishing = Publishing(
        Publisher(state_directory=tmp_path, node="node1"), Database(), clock=lambda: now, refresh_seconds=0.05
    )
    async with fake_ami() as fake, await connected(fake) as connection:
        publishing.use_table(table())
        publishing.use_connection(connection)
        running = asyncio.create_task(publishing.run())
        await until(lambda: "amtsleitung/current" in fake.database)
        assert periods(fake) == coming(AT)
        now += timedelta(days=40)
        await until(lambda: fake.database["amtsleitung/current"] != "1")
        assert periods(fake) == coming(now)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_asterisk_lost_comes_back_by_itself(tmp_path: Path) -> None:
    folder(tmp_path)
    publishing = Publishing(
        Publisher(state_directory=tmp_path, node="node1"), Database(), clock=lambda: AT, refresh_seconds=0.05
    )
    async with fake_ami() as fake, await connected(fake) as connection:
        publishing.use_table(table())
        publishing.use_connection(connection)
        running = asyncio.create_task(publishing.run())
        await until(lambda: "amtsleitung/current" in fake.database)
        whole = dict(fake.database)
        lost = next(path for path in whole if path.startswith("amtsleitung/text/"))
        del fake.database[lost]
        await until(lambda: fake.database == whole)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_without_the_database_the_dialplan_gets_its_data_all_the_same(tmp_path: Path) -> None:
    folder(tmp_path)
    database = Database()
    database.away = True
    published: list[int] = []
    publishing = Publishing(
        Publisher(state_directory=tmp_path, node="node1"), database, clock=lambda: AT, on_published=published.append,
        retry_seconds=0.05,
    )  # fmt: skip
    async with fake_ami() as fake, await connected(fake) as connection:
        publishing.use_table(table(version=5))
        publishing.use_connection(connection)
        running = asyncio.create_task(publishing.run())
        await until(lambda: fake.database.get("amtsleitung/1/version") == "5")
        assert published == []
        database.away = False
        await until(lambda: published == [5])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_of_tables_that_come_too_fast_the_newest_wins(tmp_path: Path) -> None:
    folder(tmp_path)
    published: list[int] = []
    publishing = Publishing(
        Publisher(state_directory=tmp_path, node="node1"), Database(), clock=lambda: AT, on_published=published.append
    )
    async with fake_ami() as fake, await connected(fake) as connection:
        publishing.use_connection(connection)
        running = asyncio.create_task(publishing.run())
        for version in range(1, 101):
            publishing.use_table(table(version=version))
            await asyncio.sleep(0)
        await until(lambda: published and published[-1] == 100)
        generation = fake.database["amtsleitung/current"]
        assert fake.database[f"amtsleitung/{generation}/version"] == "100"
        assert int(generation) < 10
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


class Database:
    """A store in memory; ``away`` makes all of it fail."""

    def __init__(self, open_calls: Sequence[OpenCall] = ()) -> None:
        self.events: list[CallEvent] = []
        self.stored = open_calls
        self.away = False
        self.expired: list[datetime] = []
        self.counted: Mapping[tuple[str, str], int] = {}

    def _check(self) -> None:
        if self.away:
            raise RuntimeError("no database")

    async def record(self, events: Sequence[CallEvent]) -> int:
        self._check()
        self.events += events
        return len(self.events)

    async def fill_gaps(self, events: Sequence[CallEvent]) -> int:
        return await self.record(events)

    async def ping(self) -> None:
        self._check()

    async def device_secrets(self) -> Mapping[str, str]:
        self._check()
        return SECRETS

    async def open_calls(self, node: str) -> Sequence[OpenCall]:
        self._check()
        return self.stored

    async def count_fallbacks(
        self, node: str, since: str, counters: Mapping[tuple[str, str], int], at: datetime
    ) -> None:
        self._check()
        self.counted = counters

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


@asynccontextmanager
async def observing(
    fake: FakeAmi, database: Database, folder: Path, on_readiness: Callable[[Readiness], None] = lambda _: None
) -> AsyncIterator[None]:
    """The whole observer, which stops within five seconds when it is told to."""
    stop = asyncio.Event()
    observer = asyncio.create_task(
        run_observer(
            ami_url=f"ami://u:geheim%20%C3%A4@127.0.0.1:{fake.port}",
            node="node1",
            store=database,
            table_feed=Feed,
            state_directory=folder,
            clock=lambda: datetime.now(UTC),
            stop=stop,
            on_readiness=on_readiness,
        )
    )
    yield
    stop.set()
    async with asyncio.timeout(5):
        await observer


async def test_the_whole_observer(tmp_path: Path) -> None:
    folder(tmp_path)
    database, told_of = Database([Stored()]), list[Readiness]()
    async with fake_ami() as fake:
        async with observing(fake, database, tmp_path, told_of.append):
            await until(lambda: told_of and told_of[-1].ready)
            assert told_of[-1] == Readiness(resynced=True, published=7)
            assert fake.database["amtsleitung/1/version"] == "7"
            assert len(database.expired) == 1
            fake.send((FOLDER / "answered.ami").read_bytes())
            await until(lambda: len(database.events) == 1 + len(EXPECTED["answered"]))
            # The call that an earlier process left open has vanished.
            assert [told(event) for event in database.events] == ["ended unknown", *EXPECTED["answered"]]
        await until(lambda: not fake._writers)


async def test_without_a_database_calls_are_observed_and_written_later(tmp_path: Path) -> None:
    folder(tmp_path)
    database, told_of = Database([Stored(unique_id="9.9")]), list[Readiness]()
    database.away = True
    async with fake_ami() as fake, observing(fake, database, tmp_path, told_of.append):
        await until(lambda: told_of and told_of[-1].resynced)
        fake.send((FOLDER / "announcement.ami").read_bytes())
        await fake.until(lambda: "Status" in fake.names())
        database.away = False
        await until(lambda: len(database.events) == 1 + len(EXPECTED["announcement"]))
        assert [told(event) for event in database.events] == ["ended unknown", *EXPECTED["announcement"]]


async def test_the_observer_reads_the_journal(tmp_path: Path) -> None:
    folder(tmp_path)
    segment(tmp_path / "journal", entry("1.1"))
    database = Database()
    async with fake_ami() as fake, observing(fake, database, tmp_path):
        await until(lambda: len(database.events) == 3, deadline_seconds=20)
        assert [told(event) for event in database.events] == [
            "received",
            "routed enter_queue allgemein",
            "ended unknown",
        ]


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
