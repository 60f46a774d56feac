# SPDX-License-Identifier: EUPL-1.2
"""The live event stream by real HTTP: in order, without gaps, only what concerns the reader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import httpx2
import pytest

from routing.store import RoleUrls, Store
from tests.support.api_server import ApiServer, EventReader, reading, serving
from tests.support.database import Server
from tests.support.stories import Story
from tests.support.tables import example_rows


@pytest.fixture
async def api(owner_store: Store, web_store: Store) -> AsyncIterator[ApiServer]:
    await owner_store.save_rows(example_rows(), author="test", comment="test", at=datetime.now(UTC), base_version=None)
    async with serving(web_store) as server:
        yield server


async def test_every_event_comes_once_in_order(api: ApiServer, store: Store) -> None:
    story = Story(unique_id="1.1")
    async with reading(api.url + "/events") as reader:
        assert [told.kind for told in await reader.until("feed")] == ["snapshot", "feed"]
        for event in (*story.queued(), story.rung(), story.answered(), story.ended()):
            await store.record([event])
        heard = await reader.until("ended")
    assert [told.kind for told in heard] == ["received", "routed", "queued", "rung", "answered", "ended"]
    assert [told.seq for told in heard] == [1, 2, 3, 4, 5, 6]
    assert all(told.data["seq"] == told.seq and told.data["unique_id"] == "1.1" for told in heard)


async def test_a_pop_has_all_that_an_agent_needs(api: ApiServer, store: Store) -> None:
    story = Story(unique_id="1.1")
    async with reading(api.url + "/events?agent=agent01") as reader:
        await reader.until("feed")
        await store.record([*story.queued(), story.rung()])
        rung = (await reader.until("rung"))[-1]
    assert rung.data["agent"] == "agent01"
    call = rung.data["call"]
    assert call["tenant"] == "samtgemeinde-meinersen"
    assert call["tenant_name"] == "Samtgemeinde Meinersen"
    assert call["line_title"] == "Vermittlung"
    assert call["agent_phrase"].startswith("Samtgemeinde Meinersen")
    assert (call["caller_number"], call["caller_withheld"]) == ("+493023125123", False)
    assert call["dialled_number"] == "+495372890"
    assert datetime.fromisoformat(call["queued_at"]) == story.queued()[2].at


async def test_a_number_stays_out_of_all_but_the_call(api: ApiServer, store: Store) -> None:
    story = Story(unique_id="1.1", caller_number=None)
    async with reading(api.url + "/events?agent=agent01") as reader:
        await reader.until("feed")
        await store.record([*story.queued(), story.rung()])
        call = (await reader.until("rung"))[-1].data["call"]
    assert (call["caller_number"], call["caller_withheld"]) == (None, True)


async def test_an_agent_hears_only_of_calls_that_rang_there(api: ApiServer, store: Store) -> None:
    mine, other = Story(unique_id="1.1"), Story(unique_id="1.2")
    async with reading(api.url + "/events?agent=agent01") as reader:
        await reader.until("feed")
        await store.record([*other.queued(), other.rung("agent02"), other.answered("agent02"), other.ended()])
        await store.record([*mine.queued(), mine.rung(), mine.ring_ended("no_answer")])
        await store.record([mine.rung("agent02", 5), mine.answered("agent02", 5), mine.ended()])
        heard = await reader.until("ended")
    assert [told.kind for told in heard] == ["rung", "ring_ended", "answered", "ended"]
    assert {told.data["unique_id"] for told in heard} == {"1.1"}
    assert heard[2].data["agent"] == "agent02"


async def test_what_was_missed_is_told_after_the_last_id(api: ApiServer, store: Store) -> None:
    first, second = Story(unique_id="1.1"), Story(unique_id="1.2")
    async with reading(api.url + "/events") as others:
        await others.until("feed")
        seen = await store.record([*first.queued(), first.rung()])
        await store.record([first.ring_ended("abandoned"), first.ended("abandoned")])
        await store.record([*second.queued(), second.rung()])
        while (await others.until("rung"))[-1].data["unique_id"] != "1.2":
            pass
    agents = f"{api.url}/events?agent=agent01"
    for asked in (reading(agents, after=seen), reading(f"{agents}&after={seen}")):
        async with asked as reader:
            heard = await reader.until("feed")
        assert [told.kind for told in heard] == ["ring_ended", "ended", "rung", "snapshot", "feed"]
    async with reading(api.url + "/events", after=0) as reader:
        heard = await reader.until("feed")
    assert [told.seq for told in heard[:-1]] == list(range(1, 11))


async def test_nothing_is_missed_or_doubled_while_the_past_is_read(api: ApiServer, store: Store) -> None:
    calls = 40

    async def happen() -> None:
        for number in range(calls):
            await store.record(Story(unique_id=f"1.{number}").queued())

    async with asyncio.TaskGroup() as group:
        group.create_task(happen())
        heard: list[int] = []
        while len(heard) < calls * 3:
            async with reading(api.url + "/events", after=heard[-1] if heard else 0) as reader:
                for _ in range(20):  # then come back, as a browser does
                    told = await reader.next()
                    assert told is not None
                    if told.seq is not None and told.kind != "feed":
                        heard.append(told.seq)
                    if len(heard) == calls * 3:
                        break
    assert heard == list(range(1, calls * 3 + 1))


async def test_the_snapshot_shows_what_is_up_right_now(api: ApiServer, store: Store) -> None:
    rings, talks, over = Story(unique_id="1.1"), Story(unique_id="1.2"), Story(unique_id="1.3")
    gone = Story(unique_id="1.4")
    await store.record([*over.queued(), over.rung(), over.answered(), over.ended()])
    await store.record([*talks.queued(), talks.rung(), talks.answered()])
    await store.record([*gone.queued(), gone.rung(), gone.ring_ended("no_answer")])
    last = await store.record([*rings.queued(), rings.rung()])
    async with reading(api.url + "/events?agent=agent01") as reader:
        snapshot = (await reader.until("snapshot"))[-1]
        assert snapshot.seq == last
        assert [item["call"]["unique_id"] for item in snapshot.data["ringing"]] == ["1.1"]
        assert [item["call"]["unique_id"] for item in snapshot.data["talking"]] == ["1.2"]
        assert [call["unique_id"] for call in snapshot.data["recent"]] == ["1.3"]
        await store.record([talks.ended()])
        assert (await reader.until("ended"))[-1].data["unique_id"] == "1.2"
    async with reading(api.url + "/events?agent=agent02") as reader:
        other = (await reader.until("snapshot"))[-1].data
    assert (other["ringing"], other["talking"], other["recent"]) == ([], [], [])


async def test_a_number_from_before_the_database_was_made_anew_gets_a_snapshot(api: ApiServer) -> None:
    async with reading(api.url + "/events", after=10**9) as reader:
        assert [told.kind for told in await reader.until("feed")] == ["snapshot", "feed"]


async def test_silence_has_a_heartbeat(owner_store: Store, web_store: Store) -> None:
    await owner_store.save_rows(example_rows(), author="test", comment="test", at=datetime.now(UTC), base_version=None)
    async with serving(web_store, heartbeat_seconds=0.05) as api, reading(api.url + "/events") as reader:
        await reader.until("feed")
        beat = await reader.next()
    assert beat is not None
    assert (beat.kind, beat.comments) == ("beat", ["heartbeat"])


async def test_the_stream_says_when_its_source_is_lost_and_back(
    api: ApiServer, store: Store, database: RoleUrls, database_server: Server
) -> None:
    story = Story(unique_id="1.1")
    async with reading(api.url + "/events") as reader:
        await reader.until("feed")
        name = database.web.rpartition("/")[2].partition("?")[0]
        await _end_sessions(database_server.admin, name)
        assert await _told_live(reader) is False
        assert await _told_live(reader) is True
        async with httpx2.AsyncClient(base_url=api.url, trust_env=False) as client:
            assert (await client.get("/health/ready")).status_code == 200
        await store.record(story.queued())
        heard = await reader.until("queued")
    assert [told.kind for told in heard] == ["received", "routed", "queued"]


async def _end_sessions(admin: asyncpg.Connection, database: str) -> None:
    ended = await admin.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usename LIKE '%_web'", database
    )
    assert ended


async def _told_live(reader: EventReader) -> bool:
    return bool((await reader.until("feed"))[-1].data["live"])


async def test_open_streams_end_with_the_service(owner_store: Store, web_store: Store) -> None:
    await owner_store.save_rows(example_rows(), author="test", comment="test", at=datetime.now(UTC), base_version=None)
    async with serving(web_store) as api, reading(api.url + "/events") as reader:
        await reader.until("feed")
        async with asyncio.timeout(5):  # uvicorn alone would wait for the reader
            await api.stop()
        assert await reader.next() is None  # a proper end, not a broken connection
