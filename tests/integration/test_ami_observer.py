# SPDX-License-Identifier: EUPL-1.2
"""Observer and writer against a scripted AMI: resync, doubts, reconnects, and a database that is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from agi.ami.address import AmiAddress
from agi.ami.event_writer import EventWriter
from agi.ami.observer import Observer
from routing.core.events import CallEnded, CallEvent
from tests.replay.recordings import FOLDER, told
from tests.replay.test_ami_recordings import EXPECTED
from tests.support.fake_ami import FakeAmi, fake_ami
from tests.support.wait import until

CALLER, LEG = "1795315000.1", "1795315000.2"
VARIABLES = ("TRUNK=carrier", "RECEIVED=053728901", "CALLER=%2B493023125001")


class Database:
    """Records, unless it is away; ``poison`` names the kind of event that it never takes."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []
        self.away = False
        self.poison = ""

    async def record(self, events: Sequence[CallEvent]) -> int:
        if self.away or any(event.kind == self.poison for event in events):
            raise RuntimeError("no database")
        self.events += events
        return len(self.events)

    async def ping(self) -> None:
        if self.away:
            raise RuntimeError("no database")

    def told(self) -> tuple[str, ...]:
        return tuple(told(event) for event in self.events)


def clock() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def running(*works: asyncio.Task[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)


@asynccontextmanager
async def observing(
    fake: FakeAmi, database: Database, *, limit: int = 1000, event_limit: int = 1000, ping_interval_seconds: float = 60
) -> AsyncIterator[Observer]:
    writer = EventWriter(database, limit=limit, first_wait_seconds=0.01)
    observer = Observer(
        address=AmiAddress(host="127.0.0.1", port=fake.port, user="amtsleitung", secret=fake.secret),
        node="node1",
        sink=writer,
        clock=clock,
        first_wait_seconds=0.01,
        longest_wait_seconds=0.1,
        resync_interval_seconds=0.05,
        event_limit=event_limit,
        ping_interval_seconds=ping_interval_seconds,
    )
    tasks = [asyncio.create_task(observer.run()), asyncio.create_task(writer.run())]
    async with running(*tasks):
        yield observer


def channel(
    unique_id: str, name: str, *, state: str = "6", application: str = "Queue", bridge: str = ""
) -> dict[str, str]:
    return {
        "Event": "CoreShowChannel",
        "Channel": f"PJSIP/{name}-00000001",
        "ChannelState": state,
        "Uniqueid": unique_id,
        "Linkedid": CALLER,
        "BridgeId": bridge,
        "Application": application,
    }


def ringing(fake: FakeAmi) -> None:
    """Asterisk has one caller in a queue, for whom agent01 is being rung."""
    fake.lists["CoreShowChannels"] = [
        channel(CALLER, "carrier"),
        channel(LEG, "agent01", state="5", application="AppQueue"),
    ]
    fake.lists["QueueStatus"] = [
        {"Event": "QueueMember", "Queue": "allgemein", "Name": "agent01", "Location": "PJSIP/agent01"},
        {"Event": "QueueEntry", "Queue": "allgemein", "Position": "1", "Uniqueid": CALLER},
    ]
    routed = ("LEVEL=service", "ROUTE_KIND=enter_queue", "ROUTE_QUEUE=allgemein", "ROUTE_DIALLED=%2B495372890")
    fake.lists["Status"] = [
        {"Event": "Status", "Uniqueid": CALLER, "Variable": "\r\nVariable: ".join(VARIABLES + routed)}
    ]


async def looked(fake: FakeAmi, times: int) -> None:
    await fake.until(lambda: fake.names().count("Status") >= times)


@pytest.mark.parametrize("name", ["answered", "abandoned", "answered_elsewhere"])
async def test_a_live_call_becomes_rows(name: str) -> None:
    database = Database()
    async with fake_ami(chunk_bytes=100) as fake, observing(fake, database):
        await looked(fake, 1)
        fake.send((FOLDER / f"{name}.ami").read_bytes())
        await until(lambda: len(database.events) == len(EXPECTED[name]))
    assert database.told() == EXPECTED[name]


async def test_what_is_going_on_at_the_start_is_taken_up_once() -> None:
    database = Database()
    async with fake_ami() as fake, observing(fake, database):
        ringing(fake)
        # Heard while the lists are being read: the same ring.
        sent = count()

        def meanwhile(action: str) -> None:
            if action == "QueueStatus" and next(sent) == 0:
                fake.emit("AgentCalled", Uniqueid=CALLER, DestUniqueid=LEG, Queue="allgemein", MemberName="agent01")

        fake.before_list = meanwhile
        await until(lambda: len(database.events) >= 4)
        await looked(fake, 1)
        fake.emit("Hangup", Uniqueid=CALLER, Cause="16")
        await until(lambda: isinstance(database.events[-1], CallEnded))
    assert database.told() == (
        "received",
        "routed enter_queue allgemein",
        "queued allgemein 1",
        "rung allgemein agent01",
        "ring_ended agent01 abandoned",
        "queue_left allgemein ABANDON",
        "ended abandoned 16",
    )


async def test_calls_that_vanish_while_the_link_is_down_end_as_unknown() -> None:
    database = Database()
    async with fake_ami() as fake:
        ringing(fake)
        async with observing(fake, database):
            await until(lambda: len(database.events) == 4)
            fake.lists.clear()
            fake.drop()
            await until(lambda: len(database.events) == 6)
    assert database.told()[4:] == ("ring_ended agent01 unknown", "ended unknown")
    assert fake.logins == 2


async def test_a_ring_that_outlives_the_link_is_shown_once() -> None:
    database = Database()
    async with fake_ami() as fake:
        ringing(fake)
        async with observing(fake, database):
            await until(lambda: len(database.events) == 4)
            fake.drop()
            await looked(fake, 2)
            fake.emit("Hangup", Uniqueid=LEG, Cause="26")
            await until(lambda: len(database.events) == 5)
    assert database.told()[4:] == ("ring_ended agent01 answered_elsewhere",)


async def test_more_events_than_may_wait_lead_to_a_new_connection_and_a_new_look() -> None:
    """What comes in one piece is read in one go, before anybody has folded anything: a consumer that is stalled."""
    database = Database()
    async with fake_ami() as fake, observing(fake, database, event_limit=50) as observer:
        await looked(fake, 1)
        ringing(fake)
        fake.send((FOLDER / "answered.ami").read_bytes() * 5)
        await until(lambda: fake.logins == 2 and CALLER in observer.state.calls)
        await until(lambda: "rung allgemein agent01" in database.told()[-1])
    # Whatever was heard of the other call before the cut, the look did not find it: it has ended, once.
    ended = [event.unique_id for event in database.events if isinstance(event, CallEnded)]
    assert ended == ["1795315241.0"]


async def test_a_link_that_has_died_without_a_word_is_noticed_and_made_anew() -> None:
    database = Database()
    async with fake_ami() as fake:
        ringing(fake)
        async with observing(fake, database, ping_interval_seconds=0.1):
            await until(lambda: len(database.events) == 4)
            fake.mute.add("Ping")
            fake.lists.clear()
            await fake.until(lambda: fake.logins == 2)
            fake.mute.clear()
            await until(lambda: len(database.events) == 6)
    assert database.told()[4:] == ("ring_ended agent01 unknown", "ended unknown")


@pytest.mark.parametrize("failures", [1, 2, 3, 20, 100])
async def test_the_wait_before_the_next_connection_grows_up_to_a_bound_and_differs(failures: int) -> None:
    address = AmiAddress(host="127.0.0.1", port=1, user="u", secret="s")
    observer = Observer(address=address, node="node1", sink=EventWriter(Database()), clock=clock)
    waits = {observer._wait_seconds(failures) for _ in range(50)}
    whole = min(30.0, 2.0 ** (failures - 1))
    assert whole / 2 <= min(waits) < max(waits) <= whole


async def test_strangers_who_try_to_log_in_do_not_disturb_the_observer() -> None:
    database = Database()
    async with fake_ami() as fake, observing(fake, database):
        await looked(fake, 1)

        async def stranger() -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", fake.port)
            writer.write(b"Action: Login\r\nActionID: 1\r\nUsername: a\r\nSecret: b\r\n\r\n")
            await reader.readline()
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            return answer

        answers = await asyncio.gather(*(stranger() for _ in range(200)))
        assert all(b"Authentication failed" in answer for answer in answers)
        fake.send((FOLDER / "announcement.ami").read_bytes())
        await until(lambda: len(database.events) == len(EXPECTED["announcement"]))
        assert fake.logins == 1


async def test_a_message_that_cannot_be_believed_leads_to_a_new_look_and_no_pop() -> None:
    database = Database()
    async with fake_ami() as fake, observing(fake, database) as observer:
        await looked(fake, 1)
        fake.emit("AgentCalled", Uniqueid=CALLER, DestUniqueid=LEG, Queue="a", MemberName="b", X_Smuggled="1")
        await looked(fake, 2)
        await until(lambda: not observer.state.doubts)
        assert database.events == []


async def test_an_event_of_an_unknown_call_leads_to_a_new_look_that_finds_it() -> None:
    database = Database()
    async with fake_ami() as fake, observing(fake, database):
        await looked(fake, 1)
        ringing(fake)
        fake.emit("AgentCalled", Uniqueid=CALLER, DestUniqueid=LEG, Queue="allgemein", MemberName="agent01")
        await until(lambda: len(database.events) == 4)
    assert database.told()[3] == "rung allgemein agent01"


async def test_a_wrong_secret_is_tried_again_slowly_and_heals() -> None:
    database = Database()
    async with fake_ami() as fake, observing(fake, database):
        fake.refuse.add("Login")
        await fake.until(lambda: fake.names().count("Login") >= 2)
        assert fake.logins == 0
        fake.refuse.clear()
        await looked(fake, 1)


async def test_events_outlive_a_database_that_is_away_in_order() -> None:
    database = Database()
    database.away = True
    async with fake_ami() as fake, observing(fake, database) as observer:
        await looked(fake, 1)
        fake.send((FOLDER / "no_answer_then_other.ami").read_bytes())
        # The AMI goes on being read while the database is away.
        await until(lambda: len(observer.state.gone) >= 3)
        assert database.events == []
        database.away = False
        await until(lambda: len(database.events) == len(EXPECTED["no_answer_then_other"]))
    assert database.told() == EXPECTED["no_answer_then_other"]


def ended(number: int) -> CallEnded:
    at = datetime(2026, 11, 23, 9, 0, tzinfo=UTC) + timedelta(seconds=number)
    return CallEnded(node="node1", unique_id=f"1.{number}", at=at, outcome="answered", cause=16)


async def test_beyond_the_limit_the_oldest_events_are_dropped_and_counted() -> None:
    database = Database()
    database.away = True
    writer = EventWriter(database, limit=10, first_wait_seconds=0.01)
    async with running(asyncio.create_task(writer.run())):
        writer.put([ended(number) for number in range(25)])
        await until(lambda: writer.failures >= 2)
        database.away = False
        async with asyncio.timeout(10):
            await writer.written()
    assert writer.dropped == 15
    assert [event.unique_id for event in database.events] == [f"1.{number}" for number in range(15, 25)]


async def test_an_event_that_the_database_never_takes_does_not_hold_up_the_others() -> None:
    database = Database()
    database.poison = "routed"
    async with fake_ami() as fake, observing(fake, database):
        await looked(fake, 1)
        fake.send((FOLDER / "announcement.ami").read_bytes())
        await until(lambda: len(database.events) == 2)
    assert database.told() == ("received", "ended announced 16")


async def test_the_observer_ends_at_once_when_cancelled() -> None:
    async with fake_ami(mute={"CoreShowChannels"}) as fake:
        async with observing(fake, Database()):
            await fake.until(lambda: "CoreShowChannels" in fake.names())
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await until(lambda: not [t for t in asyncio.all_tasks() if t.get_name() == "AMI ping"])
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "AMI ping"]
