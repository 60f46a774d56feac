# SPDX-License-Identifier: EUPL-1.2
"""Acknowledged pops: written once, only for a ring of that agent, and read as figures over all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx2
import pytest
from click.testing import CliRunner

from amtsleitung.cli.pops import pops_command
from api.app import create_app
from routing.store import DrawnPop, PopFigures, RoleUrls, Store
from routing.store.address import Address
from tests.support.api_server import ApiServer, serving
from tests.support.stories import Story
from tests.support.tables import example_rows
from tests.support.wait import until

NOTHING = PopFigures(
    rung=0, live=0, caught_up=0, hidden=0, undrawn=0, median_seconds=None, p99_seconds=None, longest_seconds=None
)


@pytest.fixture
async def api(owner_store: Store, web_store: Store) -> AsyncIterator[ApiServer]:
    await owner_store.save_rows(example_rows(), author="test", comment="test", at=datetime.now(UTC), base_version=None)
    async with serving(web_store) as server:
        yield server


def _story(number: int = 1, *, ago: float = 20) -> Story:
    return Story(unique_id=f"1.{number}", start=datetime.now(UTC) - timedelta(seconds=ago))


async def _figures(store: Store) -> PopFigures:
    present = datetime.now(UTC)
    return await store.pop_figures(present - timedelta(hours=1), present)


async def test_the_first_page_that_showed_it_counts(store: Store, web_store: Store) -> None:
    assert await _figures(web_store) == NOTHING
    story = _story()
    seq = await store.record([*story.queued(), story.rung()])
    rung_at = story.rung().at
    assert await _figures(web_store) == replace(NOTHING, rung=1, undrawn=1)

    async def drawn(seconds: float, how: str, *, agent: str = "agent01", rung: int = seq) -> PopFigures:
        at = rung_at + timedelta(seconds=seconds)
        await web_store.acknowledge([DrawnPop(seq=rung, agent=agent, at=at, how=how)])
        return await _figures(web_store)

    nobody = replace(NOTHING, rung=1, undrawn=1)
    assert await drawn(1, "live", agent="agent02") == nobody
    assert await drawn(1, "live", rung=seq - 1) == nobody  # no ring
    assert await drawn(1, "live", rung=seq + 1) == nobody  # nothing at all
    assert await drawn(3600, "live") == nobody  # long over
    assert await drawn(1, "hidden") == replace(NOTHING, rung=1, hidden=1)
    found = await drawn(2.5, "live")
    assert found == replace(NOTHING, rung=1, live=1, median_seconds=2.5, p99_seconds=2.5, longest_seconds=2.5)
    assert await drawn(9, "live") == found
    assert await drawn(0.5, "hidden") == found


async def test_the_figures_are_of_the_rings_that_could_be_drawn(store: Store, web_store: Store) -> None:
    pops = []
    for number in range(1, 101):
        story = _story(number, ago=60)
        seq = await store.record([*story.queued(), story.rung()])
        at = story.rung().at + timedelta(milliseconds=10 * number)
        pops.append(DrawnPop(seq=seq, agent="agent01", at=at, how="live"))
    await web_store.acknowledge(pops)
    short, long = _story(200, ago=60), _story(201, ago=60)
    await store.record([*short.queued(), short.rung(), short.ring_ended("answered_elsewhere")])  # after a second
    await store.record([*long.queued(), long.rung(), long.answered()])  # after seven
    found = await _figures(web_store)
    assert (found.rung, found.live, found.undrawn) == (101, 100, 1)
    assert found.median_seconds == pytest.approx(0.5)
    assert found.p99_seconds == pytest.approx(0.99)
    assert found.longest_seconds == pytest.approx(1.0)


async def test_what_a_page_tells_is_written(api: ApiServer, store: Store, web_store: Store) -> None:
    story = _story()
    seq = await store.record([*story.queued(), story.rung()])
    async with httpx2.AsyncClient(base_url=api.url, trust_env=False) as client:
        for _ in range(3):
            answer = await client.post(f"/pops/{seq}/drawn", params={"agent": "agent01", "how": "live"})
            assert answer.status_code == 202

        async def written() -> bool:
            return (await _figures(web_store)).live == 1

        await until(written, what="the pop is noted as drawn")


@pytest.mark.parametrize(
    ("path", "query", "headers", "status"),
    [
        ("/pops/1/drawn", {"agent": "nobody", "how": "live"}, {}, 404),
        ("/pops/1/drawn", {"agent": "agent01", "how": "soon"}, {}, 422),
        ("/pops/0/drawn", {"agent": "agent01", "how": "live"}, {}, 422),
        (f"/pops/{2**63}/drawn", {"agent": "agent01", "how": "live"}, {}, 422),
        ("/pops/1/drawn", {"agent": "agent01", "how": "live"}, {"Origin": "https://example.net"}, 403),
        ("/pops/1/drawn", {"agent": "agent01", "how": "live"}, {"Origin": "null"}, 403),
        ("/pops/1/drawn", {"agent": "agent01", "how": "live"}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ("/pops/1/drawn", {"agent": "agent01", "how": "live"}, {"Sec-Fetch-Site": "same-site"}, 403),
        ("/pops/1/drawn", {"agent": "agent01", "how": "live"}, {"Host": "example.net"}, 400),
    ],
)
async def test_what_is_no_page_of_ours_is_refused(
    api: ApiServer, path: str, query: dict[str, str], headers: dict[str, str], status: int
) -> None:
    async with httpx2.AsyncClient(base_url=api.url, trust_env=False) as client:
        answer = await client.post(path, params=query, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_without_a_table_a_page_is_asked_to_tell_it_again(web_store: Store) -> None:
    app = create_app(store=web_store, node=None, allowed_hosts={"*"}, clock=lambda: datetime.now(UTC))
    # Its feeds have not begun: that is how it is just after a start.
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api") as client:
        answer = await client.post("/pops/1/drawn", params={"agent": "agent01", "how": "live"})
    assert answer.status_code == 503


async def test_the_web_role_may_write_nothing_else(database: RoleUrls) -> None:
    connection = await asyncpg.connect(**Address.parse(database.web).arguments(), timeout=10)
    try:
        for statement in (
            "DELETE FROM amtsleitung.pop_drawn",
            "DELETE FROM amtsleitung.call_event",
            "UPDATE amtsleitung.call SET agent = NULL",
            "UPDATE amtsleitung.event_counter SET last_seq = 0",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close(timeout=10)


async def test_operations_see_the_figures(
    store: Store, web_store: Store, database: RoleUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMTSLEITUNG_DATABASE_URL", database.web)
    said = await asyncio.to_thread(CliRunner().invoke, pops_command, [])
    assert said.output == "No telephone rang in the last 7 days.\n"
    one, two = _story(1, ago=60), _story(2, ago=60)
    seq = await store.record([*one.queued(), one.rung()])
    await store.record([*two.queued(), two.rung()])
    at = one.rung().at + timedelta(milliseconds=80)
    await web_store.acknowledge([DrawnPop(seq=seq, agent="agent01", at=at, how="live")])
    said = await asyncio.to_thread(CliRunner().invoke, pops_command, ["--days", "1"])
    assert said.exit_code == 0
    assert "      2  rings in the last 1 days" in said.output
    assert "      1  drawn as they came, behind the ring: p50 80 ms, p99 80 ms, longest 80 ms" in said.output
    assert "      1  drawn by no page" in said.output
    assert "agent01" not in said.output
    said = await asyncio.to_thread(CliRunner().invoke, pops_command, ["--days", "1", "--language", "de"])
    assert "      1  gleich angezeigt, nach dem Klingeln: p50 80 ms, p99 80 ms, längstens 80 ms" in said.output
    assert said.output.count("\n") == 5
