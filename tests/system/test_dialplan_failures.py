# SPDX-License-Identifier: EUPL-1.2
"""The call path when everything behind it fails: AstDB decides, then a sentence from the disk, or 503."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator

import pytest

from tests.support import sipp
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.fake_fastagi import Fails, FakeFastAgi
from tests.support.tables import example_table
from tests.support.wait import until

pytestmark = pytest.mark.system

OPEN = "2026-11-23T10:00:00+01:00"  # a Monday
TECHNICAL_FAULT = "technical-fault"
PROVOKED = ("write() returned error",)  # the service closes while it is being told of the call
CALLERS = re.compile(r"3023125\d{3}")  # every caller of this module, in each spelling


@pytest.fixture(scope="module")
async def agi() -> AsyncIterator[FakeFastAgi]:
    async with FakeFastAgi.start() as fake:
        yield fake


@pytest.fixture(scope="module")
async def shared(agi: FakeFastAgi) -> AsyncIterator[PrivateAsterisk]:
    async with PrivateAsterisk.start(example_table(version=12), fastagi=agi.address, provoked=PROVOKED) as pbx:
        yield pbx


@pytest.fixture
async def pbx(shared: PrivateAsterisk, agi: FakeFastAgi) -> AsyncIterator[PrivateAsterisk]:
    agi.environments.clear()
    shared.ami.messages.clear()
    yield shared
    await shared.no_channels_left()


@pytest.fixture
async def no_astdb(pbx: PrivateAsterisk) -> AsyncIterator[None]:
    await pbx.ami.action("DBDel", Family="amtsleitung", Key="current")
    yield
    await pbx.put("current", "1")


@pytest.fixture
async def nothing_listens(pbx: PrivateAsterisk, agi: FakeFastAgi) -> AsyncIterator[None]:
    await pbx.ami.action("Setvar", Variable="FASTAGI", Value=f"127.0.0.1:{free_port(socket.SOCK_STREAM)}")
    yield
    host, port = agi.address
    await pbx.ami.action("Setvar", Variable="FASTAGI", Value=f"{host}:{port}")


def happenings(pbx: PrivateAsterisk) -> list[tuple[str, str, str]]:
    """The dialplan's own events in order: name, level, kind."""
    return [(m["UserEvent"], m["Level"], m["Kind"]) for m in pbx.ami.messages if m["Event"] == "UserEvent"]


BY_ASTDB = [("CallReceived", "", ""), ("CallRouted", "astdb", "play_announcement")]


@pytest.mark.parametrize("failure", Fails)
async def test_whatever_the_service_does_astdb_decides(pbx: PrivateAsterisk, agi: FakeFastAgi, failure: Fails) -> None:
    agi.behaviour = failure
    heard = await sipp.observed_call(pbx, dialled="05372 89-500".replace(" ", "%20"), source=sipp.DEMONSTRATION,
                            at="2026-11-22T10:00:00+01:00", expect=200)  # fmt: skip
    assert happenings(pbx) == BY_ASTDB
    event = pbx.ami.user_events("CallRouted")[0]
    assert (event["Tenant"], event["Line"], event["Version"]) == ("samtgemeinde-meinersen", "einwohnermeldewesen", "12")
    assert event["Announcement"] == "samtgemeinde-meinersen--einwohnermeldewesen--closed"
    assert event["Reasons"] == "number.outside_hours"
    assert heard.ear.loud


@pytest.mark.usefixtures("nothing_listens")
async def test_no_service_at_all(pbx: PrivateAsterisk) -> None:
    async with sipp.telephone(pbx, "agent01", hang_up_after=0.2) as phone:
        await sipp.observed_call(pbx, dialled="0537488-0", source=sipp.DEMONSTRATION, at=OPEN, expect=200)
        (invite,) = phone.invites
    assert happenings(pbx) == [("CallReceived", "", ""), ("CallRouted", "astdb", "enter_queue")]
    assert 'From: "Samtgemeinde Isenbüttel, Vermittlung, guten Tag." <sip:03023125001@' in invite


async def test_the_marker_belongs_to_this_call(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = {"KIND": "reject", "CAUSE": "1"}
    await sipp.observed_call(pbx, dialled="0537489-0", expect=404)
    assert happenings(pbx)[-1] == ("CallRouted", "service", "reject")


async def test_caller_hangs_up_while_the_service_is_silent(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = Fails.SAYS_NOTHING
    heard = await sipp.observed_call(pbx, dialled="0537289-0", cancel=True, hang_up_after=0.3, expect=487)
    assert heard.code == 487
    assert agi.environments
    await pbx.no_channels_left()
    assert happenings(pbx) == [("CallReceived", "", "")]


@pytest.mark.usefixtures("no_astdb")
@pytest.mark.parametrize("failure", [Fails.CLOSES_AT_ONCE, Fails.SAYS_NOTHING, Fails.HALF_A_LINE])
async def test_the_last_resort_speaks(pbx: PrivateAsterisk, agi: FakeFastAgi, failure: Fails) -> None:
    agi.behaviour = failure
    heard = await sipp.observed_call(pbx, dialled="0537289-0", expect=200)
    assert heard.ear.loud
    assert not heard.hung_up_by_us
    assert happenings(pbx)[-1] == ("CallRouted", "last_resort", "last_resort")
    assert pbx.ami.user_events("CallRouted")[0]["Announcement"] == TECHNICAL_FAULT


@pytest.mark.usefixtures("no_astdb")
async def test_a_carrier_with_another_route_is_sent_there(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = Fails.CLOSES_AT_ONCE
    heard = await sipp.observed_call(pbx, dialled="0537289-0", source=sipp.CARRIER_B, expect=503)
    assert not heard.ear.packets
    assert happenings(pbx)[-1] == ("CallRouted", "last_resort", "last_resort")


async def test_a_generation_that_is_not_there_decides_nothing(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = Fails.CLOSES_AT_ONCE
    await pbx.put("current", "99")
    try:
        await sipp.observed_call(pbx, dialled="0537289-0", source=sipp.CARRIER_B, expect=503)
    finally:
        await pbx.put("current", "1")


async def test_many_calls_at_once_leave_nothing_behind(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = Fails.SAYS_NOTHING
    calls = [sipp.observed_call(pbx, dialled="0537288123", source=sipp.CARRIER_B, expect=404) for _ in range(4)]
    await asyncio.gather(*calls)
    await pbx.ami.until(lambda: len(pbx.ami.user_events("CallRouted")) == 4 or None, what="a decision for each call")
    assert [event for event in happenings(pbx) if event[0] == "CallRouted"] == [("CallRouted", "astdb", "reject")] * 4


def failed_urls(pbx: PrivateAsterisk) -> list[str]:
    """What Asterisk's own AGI module says of a service that it cannot reach."""
    return [line for line in pbx.logged("WARNING") if "failed for url" in line]


@pytest.mark.usefixtures("nothing_listens")
@pytest.mark.parametrize("dialled", ["0537288123", "0537288(123"])  # an open bracket keeps arguments together
@pytest.mark.parametrize("caller", ["03023125042", "+493023125042"])
async def test_no_log_holds_a_callers_number(pbx: PrivateAsterisk, dialled: str, caller: str) -> None:
    before = len(failed_urls(pbx))
    for _ in range(2):  # the log is written in order, so the second call's warning follows all of the first one's
        await sipp.observed_call(pbx, dialled=dialled, caller=caller, source=sipp.CARRIER_B, expect=404)
    assert len(pbx.ami.user_events("CallReceived")) == 2
    await until(lambda: len(failed_urls(pbx)) == before + 2, what="a warning for each call")
    assert all("/route?dialled=0537" in line for line in failed_urls(pbx))
    files = [path for path in (*pbx.directories.log.rglob("*"), pbx.directories.root / "output") if path.is_file()]
    assert "output" in {path.name for path in files}
    held = {path.name: CALLERS.findall(path.read_text(encoding="utf-8", errors="replace")) for path in files}
    assert held == {path.name: [] for path in files}
