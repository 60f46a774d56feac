# SPDX-License-Identifier: EUPL-1.2
"""The journal fills what the observer or the database has missed: every call exactly once, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agi.ami import observations as seen
from agi.ami.address import AmiAddress
from agi.ami.event_writer import EventWriter
from agi.ami.journal_reader import IDLE_SECONDS, QUIET_SECONDS, JournalReader
from agi.ami.observer import Observer
from routing.config.journal import DROPPED, Entry, segment_path, segment_paths
from routing.config.journal_writer import JournalWriter
from routing.core.events import CallEvent
from routing.store import RoleUrls, Store, StoreError
from tests.integration.test_ami_observer import CALLER, LEG, ringing, running
from tests.replay.recordings import FOLDER, folded
from tests.support.fake_ami import FakeAmi, fake_ami
from tests.support.wait import until

NODE = "node1"
ANSWERED = "1795315241.0"  # the caller's channel in the recording ``answered``
DEAD_PID = 4_194_304  # one more than Linux gives to anybody


def entry(unique_id: str, *, seconds_ago: float = 20.0, version: int = 3) -> Entry:
    return Entry(
        at=datetime.now(UTC) - timedelta(seconds=seconds_ago),
        unique_id=unique_id,
        trunk="carrier",
        received="053728901",
        caller="+493023125001",
        level="service",
        dialled="+495372890",
        tenant="samtgemeinde-meinersen",
        line="vermittlung",
        kind="enter_queue",
        queue="allgemein",
        announcement=None,
        target=None,
        version=version,
        reasons=("number", "open"),
    )


def segment(folder: Path, *entries: Entry, begun: int = 1_795_314_100_123, pid: int = DEAD_PID, end: str = "") -> Path:
    """A segment; a dead writer's has been left alone for long."""
    folder.mkdir(exist_ok=True)
    path = segment_path(folder, milliseconds=begun, pid=pid)
    path.write_text("".join(item.text() for item in entries) + end, encoding="utf-8")
    long_ago = datetime.now(UTC).timestamp() - 2 * IDLE_SECONDS
    os.utime(path, (long_ago, long_ago))
    return path


class Gate:
    """The real store, unless the database is away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = False
        self.refused = 0

    def _check(self) -> None:
        if self.away:
            self.refused += 1
            raise StoreError("The database is away.")

    async def record(self, events: Sequence[CallEvent]) -> int:
        self._check()
        return await self._store.record(events)

    async def fill_gaps(self, events: Sequence[CallEvent]) -> int:
        self._check()
        return await self._store.fill_gaps(events)

    async def ping(self) -> None:
        self._check()


@asynccontextmanager
async def watching(
    fake: FakeAmi, gate: Gate, folder: Path, *, limit: int = 1_000
) -> AsyncIterator[tuple[JournalReader, EventWriter]]:
    """Observer, writer and the journal's reader, as the service puts them together."""
    writer = EventWriter(gate, limit=limit, first_wait_seconds=0.01)
    observer = Observer(
        address=AmiAddress(host="127.0.0.1", port=fake.port, user="amtsleitung", secret=fake.secret),
        node=NODE,
        sink=writer,
        clock=lambda: datetime.now(UTC),
        first_wait_seconds=0.01,
        longest_wait_seconds=0.1,
        resync_interval_seconds=0.05,
    )
    reader = JournalReader(
        folder,
        node=NODE,
        store=gate,
        calls=observer.calls_now,
        written=writer.written,
        clock=lambda: datetime.now(UTC),
        interval_seconds=0.02,
    )
    async with running(*(asyncio.create_task(work()) for work in (observer.run, writer.run, reader.run))):
        yield reader, writer


async def kinds(store: Store, unique_id: str) -> list[str]:
    return [event.kind for event in await store.events_after(0) if event.unique_id == unique_id]


async def settled(folder: Path) -> None:
    await until(lambda: not segment_paths(folder), what="no segment is left")


async def test_what_nobody_observed_is_recorded_once(store: Store, tmp_path: Path) -> None:
    segment(tmp_path, entry("1.1"), entry("1.2", version=0))
    segment(tmp_path, entry("1.2", seconds_ago=19), entry("1.3"), begun=1_795_314_100_124)
    async with fake_ami() as fake, watching(fake, Gate(store), tmp_path) as (reader, _):
        await settled(tmp_path)
        assert reader.filled == 3
    for unique_id in ("1.1", "1.2", "1.3"):
        assert await kinds(store, unique_id) == ["received", "routed", "ended"]
    call = await store.call(NODE, "1.1")
    assert call is not None
    assert (call.received, call.caller_number, call.trunk) == ("053728901", "+493023125001", "carrier")
    assert (call.tenant, call.service_line, call.queue) == ("samtgemeinde-meinersen", "vermittlung", "allgemein")
    assert (call.level, call.kind, call.dialled_number) == ("service", "enter_queue", "+495372890")
    assert (call.table_version, call.reasons, call.outcome) == (3, ("number", "open"), "unknown")
    assert call.received_at == call.routed_at
    without_version = await store.call(NODE, "1.2")
    assert without_version is not None
    assert without_version.table_version is None


async def test_what_was_observed_is_left_as_it_is(store: Store, tmp_path: Path) -> None:
    async with fake_ami() as fake, watching(fake, Gate(store), tmp_path) as (reader, writer):
        await fake.until(lambda: "Status" in fake.names())
        fake.send((FOLDER / "answered.ami").read_bytes())
        await until(lambda: _has_ended(store, ANSWERED))
        before = await store.events_after(0)
        segment(tmp_path, entry(ANSWERED))
        await settled(tmp_path)
        assert (reader.filled, writer.dropped) == (0, 0)
    assert await store.events_after(0) == before
    call = await store.call(NODE, ANSWERED)
    assert call is not None
    assert call.outcome == "answered"


async def test_with_the_database_away_the_observer_comes_first(store: Store, tmp_path: Path) -> None:
    """The journal has the call as well, and could write first when the database is back: it waits."""
    gate = Gate(store)
    gate.away = True
    async with fake_ami() as fake, watching(fake, gate, tmp_path) as (reader, writer):
        await fake.until(lambda: "Status" in fake.names())
        fake.send((FOLDER / "answered.ami").read_bytes())
        segment(tmp_path, entry(ANSWERED), entry("1.1"))
        await until(lambda: writer.failures >= 2)
        assert await store.last_seq() == 0
        gate.away = False
        await settled(tmp_path)
        assert reader.filled == 1
    assert await kinds(store, ANSWERED) == ["received", "routed", "queued", "rung", "answered", "ended"]
    assert await kinds(store, "1.1") == ["received", "routed", "ended"]
    call = await store.call(NODE, ANSWERED)
    assert call is not None
    assert call.outcome == "answered"


async def test_what_the_writer_had_no_room_for_comes_from_the_journal(store: Store, tmp_path: Path) -> None:
    gate = Gate(store)
    gate.away = True
    async with fake_ami() as fake, watching(fake, gate, tmp_path, limit=3) as (reader, writer):
        await fake.until(lambda: "Status" in fake.names())
        fake.send((FOLDER / "answered.ami").read_bytes())
        await until(lambda: writer.dropped == 3)
        segment(tmp_path, entry(ANSWERED))
        gate.away = False
        await settled(tmp_path)
        assert reader.filled == 1
    # In the order in which they could be told; the call's own end stands.
    assert await kinds(store, ANSWERED) == ["rung", "answered", "ended", "received", "routed"]
    call = await store.call(NODE, ANSWERED)
    assert call is not None
    assert (call.outcome, call.agent, call.tenant) == ("answered", "agent01", "samtgemeinde-meinersen")


async def test_observer_and_database_away_one_after_the_other(store: Store, tmp_path: Path) -> None:
    gate = Gate(store)
    gate.away = True
    segment(tmp_path, entry("1.1"))  # while the observer was away
    async with fake_ami() as fake:
        async with watching(fake, gate, tmp_path):
            await fake.until(lambda: "Status" in fake.names())
            fake.send((FOLDER / "announcement.ami").read_bytes())
            await until(lambda: gate.refused >= 2)
        # The observer ends before the database is back: what it knew is lost, and the journal has it.
        segment(tmp_path, entry("1795315300.20"), begun=1_795_314_100_999)
        gate.away = False
        async with watching(fake, gate, tmp_path):
            await settled(tmp_path)
    for unique_id in ("1.1", "1795315300.20"):
        assert await kinds(store, unique_id) == ["received", "routed", "ended"]


async def test_a_call_that_goes_on_is_not_ended(store: Store, tmp_path: Path) -> None:
    segment(tmp_path, entry(CALLER))
    async with fake_ami() as fake:
        ringing(fake)
        async with watching(fake, Gate(store), tmp_path):
            await settled(tmp_path)
            assert await kinds(store, CALLER) == ["received", "routed", "queued", "rung"]
            fake.emit("Hangup", Uniqueid=LEG, Cause="26")
            fake.emit("Hangup", Uniqueid=CALLER, Cause="16")
            await until(lambda: _has_ended(store, CALLER))
    assert (await kinds(store, CALLER)).count("ended") == 1


async def test_the_journal_waits_while_asterisk_does_not_say_which_calls_there_are(
    store: Store, tmp_path: Path
) -> None:
    segment(tmp_path, entry("1.1"))
    async with fake_ami(mute={"Ping"}) as fake, watching(fake, Gate(store), tmp_path):
        await fake.until(lambda: "Ping" in fake.names())
        assert await store.last_seq() == 0
        fake.mute.clear()
        fake.drop()
        await settled(tmp_path)
    assert await kinds(store, "1.1") == ["received", "routed", "ended"]


async def test_what_is_young_waits_and_what_is_torn_is_passed_over(store: Store, tmp_path: Path) -> None:
    whole = entry("1.2").text()
    left = segment(tmp_path, entry("1.1"), end=whole[: len(whole) // 2] + "\n" + entry("1.3").text() + whole[:40])
    living = segment(tmp_path, entry("1.4"), entry("1.5", seconds_ago=0), pid=os.getpid(), begun=1_795_314_100_124)
    async with fake_ami() as fake, watching(fake, Gate(store), tmp_path) as (reader, _):
        await until(lambda: not left.exists())
        await until(lambda: reader.filled == 3)
        # Its line may still be heard of by the observer, and its writer is at it.
        assert living.exists()
    assert [await kinds(store, f"1.{n}") for n in range(1, 6)] == [
        ["received", "routed", "ended"], [], ["received", "routed", "ended"], ["received", "routed", "ended"], [],
    ]  # fmt: skip


async def test_a_living_writers_segments_go_when_it_has_begun_another(store: Store, tmp_path: Path) -> None:
    older = segment(tmp_path, entry("1.1"), pid=os.getpid())
    newest = segment(tmp_path, entry("1.2"), pid=os.getpid(), begun=1_795_314_100_124)
    async with fake_ami() as fake, watching(fake, Gate(store), tmp_path) as (reader, _):
        await until(lambda: reader.filled == 2 and not older.exists())
        assert newest.exists()
        with newest.open("a", encoding="utf-8") as file:
            file.write(entry("1.3").text())
        await until(lambda: reader.filled == 3)
    assert await kinds(store, "1.3") == ["received", "routed", "ended"]


async def test_a_quiet_writers_last_segment_does_not_keep_numbers_for_days(store: Store, tmp_path: Path) -> None:
    newest = segment(tmp_path, entry("1.1", seconds_ago=2 * QUIET_SECONDS), pid=os.getpid())
    long_ago = datetime.now(UTC).timestamp() - 2 * QUIET_SECONDS
    os.utime(newest, (long_ago, long_ago))
    async with fake_ami() as fake, watching(fake, Gate(store), tmp_path) as (reader, _):
        await until(lambda: not newest.exists())
        assert reader.filled == 1
    assert await kinds(store, "1.1") == ["received", "routed", "ended"]


async def test_what_the_call_path_writes_is_read(store: Store, tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, say=lambda _sentence: None)
    writer.start()
    try:
        async with fake_ami() as fake, watching(fake, Gate(store), tmp_path) as (reader, _):
            for number in range(20):
                writer.append(entry(f"1.{number}").text())
            await until(lambda: reader.filled == 20)
    finally:
        writer.stop()
    assert [await kinds(store, f"1.{number}") for number in range(20)] == [["received", "routed", "ended"]] * 20


async def test_no_number_stays_in_a_segment_because_the_day_is_quiet(store: Store, tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, say=lambda _sentence: None, maximum_segment_seconds=0.2)
    writer.start()
    try:
        async with fake_ami() as fake, watching(fake, Gate(store), tmp_path) as (reader, _):
            writer.append(entry("1.1").text())
            await until(lambda: reader.filled == 1)
            await until(lambda: segment_paths(tmp_path) == [])
            writer.append(entry("1.2").text())
            await until(lambda: reader.filled == 2 and segment_paths(tmp_path) == [])
    finally:
        writer.stop()
    assert writer.dropped == 0


async def test_personal_data_past_its_time_is_removed_unread(store: Store, tmp_path: Path) -> None:
    segment(tmp_path, entry("1.1", seconds_ago=31 * 86_400), entry("1.2", seconds_ago=29 * 86_400))
    async with fake_ami() as fake, watching(fake, Gate(store), tmp_path):
        await settled(tmp_path)
    assert await kinds(store, "1.1") == []
    call = await store.call(NODE, "1.2")
    assert call is not None
    assert call.expires_at is not None
    assert call.expires_at < datetime.now(UTC) + timedelta(days=1, minutes=1)


async def test_what_the_journal_had_no_room_for_is_told(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / DROPPED).write_text("17", encoding="ascii")
    async with fake_ami() as fake, watching(fake, Gate(store), tmp_path) as (reader, _):
        await until(lambda: reader.lost == 17)
        (tmp_path / DROPPED).write_text("19", encoding="ascii")
        await until(lambda: reader.lost == 19)
    said = [line for line in capsys.readouterr().out.splitlines() if "decisions are lost" in line]
    assert len(said) == 2
    assert "lost=17" in said[0]
    assert "lost=2" in said[1]


async def test_more_calls_than_fit_into_one_transaction(store: Store, tmp_path: Path) -> None:
    segment(tmp_path, *(entry(f"1.{number}") for number in range(1_000)))
    async with fake_ami() as fake, watching(fake, Gate(store), tmp_path) as (reader, _):
        await settled(tmp_path)
        assert reader.filled == 1_000
    assert await store.last_seq() == 3_000


async def test_whoever_comes_first_records_and_the_other_adds_nothing(store: Store, database_copy: Store) -> None:
    """Both at once, many times: the counter's lock decides."""

    def observed(number: int) -> tuple[CallEvent, ...]:
        received = seen.Received(
            unique_id=f"1.{number}", linked_id=f"1.{number}", trunk=None, received="", caller_number=None
        )
        return folded((received, *routed(number), seen.ChannelGone(unique_id=f"1.{number}", cause=16)))[1]

    def routed(number: int) -> tuple[seen.Observation, ...]:
        return (
            seen.Routed(
                unique_id=f"1.{number}", level="service", destination_kind="reject", dialled_number="", tenant=None,
                service_line=None, queue=None, announcement=None, target=None, table_version=1, reasons=(),
            ),
        )  # fmt: skip

    async def calls() -> None:
        return None

    reader = JournalReader(
        Path("unused"), node=NODE, store=database_copy, calls=calls, written=calls, clock=lambda: datetime.now(UTC)
    )
    for number in range(40):
        told = reader._told(entry(f"1.{number}"), ended=True)
        await asyncio.gather(store.record(observed(number)), database_copy.fill_gaps(told))
        assert sorted(await kinds(store, f"1.{number}")) == ["ended", "received", "routed"]


@pytest.fixture
async def database_copy(database: RoleUrls) -> AsyncIterator[Store]:
    """A second process's store of the same database."""
    opened = await Store.connect(database.router)
    yield opened
    await opened.close()


async def _has_ended(store: Store, unique_id: str) -> bool:
    call = await store.call(NODE, unique_id)
    return call is not None and call.outcome is not None
