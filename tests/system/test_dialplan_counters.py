# SPDX-License-Identifier: EUPL-1.2
"""Each fallback is told with its cause and counted by Asterisk alone; the include decides when AstDB cannot."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import pytest

from agi.ami.address import AmiAddress
from agi.ami.client import AmiConnection
from agi.ami.fallbacks import Fallbacks, read_counters
from routing.store import RoleUrls, Store
from tests.support import sipp
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.fake_fastagi import Fails, FakeFastAgi
from tests.support.tables import OPEN_AT, example_table
from tests.support.wait import until

pytestmark = pytest.mark.system

CALLER = "03023125"  # of every caller here
BEYOND = "2027-06-07T10:00:00+02:00"  # a Monday that AstDB does not reach
TELLERS, TIMES = 24, 25
PROBE = f"""
[probe-told]
exten => s,1,Set(TOLD_TIMES=0)
 same => n(next),Set(FALLBACK_CAUSE=silent)
 same => n,Gosub(fallback-told,s,1(astdb))
 same => n,Set(TOLD_TIMES=$[${{TOLD_TIMES}} + 1])
 same => n,GotoIf($[${{TOLD_TIMES}} < {TIMES}]?next)
 same => n,UserEvent(ToldAll)
 same => n,Hangup()
"""
PROVOKED = ("write() returned error",)


@pytest.fixture(scope="module")
async def agi() -> AsyncIterator[FakeFastAgi]:
    async with FakeFastAgi.start() as fake:
        yield fake


@pytest.fixture(scope="module")
async def shared(agi: FakeFastAgi) -> AsyncIterator[PrivateAsterisk]:
    table = example_table(version=12)
    async with PrivateAsterisk.start(
        table, fastagi=agi.address, provoked=PROVOKED, extra_dialplan=PROBE, tells_steps=False
    ) as pbx:
        await pbx.write_include(table, at=OPEN_AT)
        yield pbx


@pytest.fixture
async def pbx(shared: PrivateAsterisk) -> AsyncIterator[PrivateAsterisk]:
    await shared.ami.action("DBDelTree", Family="amtsleitung-fallback")
    shared.ami.messages.clear()
    yield shared
    await shared.no_channels_left()


@pytest.fixture
async def connection(pbx: PrivateAsterisk) -> AsyncIterator[AmiConnection]:
    address = AmiAddress(host="127.0.0.1", port=pbx.ami_port, user=pbx.ami_user, secret=pbx.ami_secret)
    async with await AmiConnection.open(address, clock=lambda: datetime.now(UTC)) as opened:
        yield opened


async def counters(connection: AmiConnection) -> Mapping[tuple[str, str], int]:
    return (await read_counters(connection, OPEN_AT))[1]


def routed(pbx: PrivateAsterisk) -> list[tuple[str, str, str, str]]:
    return [(m["Level"], m["Cause"], m["Line"], m["Version"]) for m in pbx.ami.user_events("CallRouted")]


CAUSES = {
    Fails.CLOSES_AT_ONCE: "uncommitted",
    Fails.SAYS_NOTHING: "silent",
    Fails.HALF_A_LINE: "silent",
    Fails.NO_MARKER: "uncommitted",
}


@pytest.mark.parametrize("failure", CAUSES)
async def test_the_cause_is_told_logged_and_counted(
    pbx: PrivateAsterisk, agi: FakeFastAgi, connection: AmiConnection, failure: Fails
) -> None:
    agi.behaviour, cause = failure, CAUSES[failure]
    before = len(pbx.logged("WARNING"))
    await sipp.observed_call(pbx, dialled="0537288123", source=sipp.CARRIER_B, expect=404)
    assert routed(pbx) == [("astdb", cause, "", "12")]
    assert await counters(connection) == {("astdb", cause): 1}
    (line,) = [line for line in pbx.logged("WARNING")[before:] if "fallback level=" in line]
    assert line.endswith(f"fallback level=astdb cause={cause} version=12")
    assert CALLER not in line
    assert "288123" not in line


async def test_nobody_listens(pbx: PrivateAsterisk, agi: FakeFastAgi, connection: AmiConnection) -> None:
    host, port = agi.address
    await pbx.ami.action("Setvar", Variable="FASTAGI", Value=f"127.0.0.1:{free_port(socket.SOCK_STREAM)}")
    try:
        await sipp.observed_call(pbx, dialled="0537288123", source=sipp.CARRIER_B, expect=404)
    finally:
        await pbx.ami.action("Setvar", Variable="FASTAGI", Value=f"{host}:{port}")
    assert await counters(connection) == {("astdb", "unreachable"): 1}


async def test_a_decision_of_the_service_is_no_fallback(
    pbx: PrivateAsterisk, agi: FakeFastAgi, connection: AmiConnection
) -> None:
    agi.behaviour = {"KIND": "reject", "CAUSE": "1"}
    await sipp.observed_call(pbx, dialled="0537489-0", expect=404)
    assert [event["Cause"] for event in pbx.ami.user_events("CallRouted")] == [""]
    assert await counters(connection) == {}


async def test_the_include_decides_where_astdb_does_not_reach(
    pbx: PrivateAsterisk, agi: FakeFastAgi, connection: AmiConnection
) -> None:
    agi.behaviour = Fails.CLOSES_AT_ONCE
    async with sipp.telephone(pbx, "agent01", hang_up_after=0.2):
        await sipp.observed_call(pbx, dialled="0537488-0", source=sipp.DEMONSTRATION, at=BEYOND, expect=200)
    assert routed(pbx) == [("include", "incomplete", "vermittlung", "12")]
    assert await counters(connection) == {("include", "incomplete"): 1}


async def test_the_include_decides_when_astdb_is_empty(
    pbx: PrivateAsterisk, agi: FakeFastAgi, connection: AmiConnection
) -> None:
    agi.behaviour = Fails.CLOSES_AT_ONCE
    await pbx.ami.action("DBDelTree", Family="amtsleitung")
    try:
        await sipp.observed_call(pbx, dialled="0537288123", source=sipp.CARRIER_B, expect=404)
        assert routed(pbx) == [("include", "no_data", "", "12")]
        # A file that says nothing, as at the very first start.
        include = pbx.directories.generated / "include.conf"
        text = include.read_text(encoding="utf-8")
        include.write_text("", encoding="utf-8")
        await pbx.ami.action("Reload", Module="pbx_config")
        await sipp.observed_call(pbx, dialled="0537288123", source=sipp.CARRIER_B, expect=503)
        assert routed(pbx)[1:] == [("last_resort", "no_data", "", "")]
        include.write_text(text, encoding="utf-8")
        await pbx.ami.action("Reload", Module="pbx_config")
    finally:
        await pbx.write_astdb(example_table(version=12))
    assert await counters(connection) == {("include", "no_data"): 1, ("last_resort", "no_data"): 1}


async def test_no_fallback_is_lost_when_many_are_counted_at_once(
    pbx: PrivateAsterisk, connection: AmiConnection
) -> None:
    for _ in range(TELLERS):
        await pbx.ami.action(
            "Originate", Channel="Local/s@probe-told/n", Application="Wait", Data="60", Async="true"
        )  # fmt: skip
    await pbx.ami.until(
        lambda: len(pbx.ami.user_events("ToldAll")) == TELLERS or None, what="the end of all", deadline=60
    )
    assert await counters(connection) == {("astdb", "silent"): TELLERS * TIMES}


async def test_reloading_the_dialplan_disturbs_no_call(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    """As for each new include: fifty times while calls come."""
    agi.behaviour = {"KIND": "reject", "CAUSE": "1"}
    reloading = asyncio.Event()

    async def reload() -> None:
        for _ in range(50):
            answer = await pbx.ami.action("Reload", Module="pbx_config")
            assert answer["Response"] == "Success"
        reloading.set()

    calls = 0
    async with asyncio.TaskGroup() as group:
        group.create_task(reload())
        while not reloading.is_set() or calls < 4:
            await sipp.observed_call(pbx, dialled="0537489-0", expect=404)
            calls += 1
    await pbx.ami.until(lambda: len(routed(pbx)) == calls or None, what="each decision")
    assert {level for level, _, _, _ in routed(pbx)} == {"service"}


async def test_the_observer_takes_the_counts_over(
    pbx: PrivateAsterisk, agi: FakeFastAgi, connection: AmiConnection, database: RoleUrls
) -> None:
    agi.behaviour = Fails.CLOSES_AT_ONCE
    store = await Store.connect(database.router)
    fallbacks = Fallbacks(store, node="node1", clock=lambda: datetime.now(UTC), together_seconds=0.0)
    running = asyncio.create_task(fallbacks.run())
    try:
        for count in (1, 2):
            await sipp.observed_call(pbx, dialled="0537288123", source=sipp.CARRIER_B, expect=404)
            fallbacks.use_connection(connection)

            async def counted(wanted: int = count) -> bool:
                return [(item.level, item.cause, item.calls) for item in await store.fallbacks()] == [
                    ("astdb", "uncommitted", wanted)
                ]

            await until(counted)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await store.close()
