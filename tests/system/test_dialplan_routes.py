# SPDX-License-Identifier: EUPL-1.2
"""Every kind of decision, carried out by the production dialplan on a real Asterisk; AMI says what happened."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from routing.core.rows import TrunkRow
from routing.core.table import Table
from tests.support import sipp
from tests.support.ami_oracle import Message
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.fake_fastagi import FakeFastAgi
from tests.support.tables import example_rows, example_table

pytestmark = pytest.mark.system

CLOSED = "samtgemeinde-isenbuettel--vermittlung--closed"
DESK = {"KIND": "dial_extension", "TARGET": "%2B49537289123", "TRUNK": "rathaus-meinersen"}
FORWARD = {"KIND": "forward", "TARGET": "%2B493023125100", "TRUNK": "rathaus-meinersen"}


@pytest.fixture(scope="module")
def desk_port() -> int:
    return free_port(socket.SOCK_DGRAM, address=sipp.TOWN_HALL)


@pytest.fixture(scope="module")
def table(desk_port: int) -> Table:
    trunks = tuple(_with_port(row, desk_port) for row in example_rows().trunks)
    return example_table(trunks=trunks)


def _with_port(row: TrunkRow, port: int) -> TrunkRow:
    return replace(row, address=f"{row.address}:{port}") if row.address == sipp.TOWN_HALL else row


@pytest.fixture(scope="module")
async def agi() -> AsyncIterator[FakeFastAgi]:
    async with FakeFastAgi.start() as fake:
        yield fake


@pytest.fixture(scope="module")
async def shared(agi: FakeFastAgi, table: Table) -> AsyncIterator[PrivateAsterisk]:
    async with PrivateAsterisk.start(table, fastagi=agi.address) as pbx:
        yield pbx


@pytest.fixture
async def pbx(shared: PrivateAsterisk) -> AsyncIterator[PrivateAsterisk]:
    shared.ami.messages.clear()
    yield shared
    await shared.no_channels_left()


def routed(pbx: PrivateAsterisk) -> Message:
    """The one decision that was followed."""
    (event,) = pbx.ami.user_events("CallRouted")
    return event


async def test_it_starts_without_a_complaint(pbx: PrivateAsterisk) -> None:
    early = [line for line in pbx.logged("ERROR", "WARNING") if "res_agi" not in line]
    assert early == []


async def test_no_needless_service_runs(pbx: PrivateAsterisk) -> None:
    loaded = set(re.findall(r"^(\w+)\.so ", await pbx.ami.command("module show"), re.MULTILINE))
    assert {"chan_pjsip", "app_queue", "res_agi"} <= loaded
    assert {name for name in loaded if name.startswith(("cdr_", "cel_", "pbx_", "chan_"))} == {
        "chan_pjsip",
        "pbx_config",
    }
    assert not loaded & {"app_system", "func_shell", "func_env", "func_curl", "app_originate", "app_externalivr"}
    assert not {name for name in loaded if name.startswith(("res_ari", "res_http", "res_config", "res_stasis"))}
    assert "Server Disabled" in await pbx.ami.command("http show status")


async def test_narrowband_where_the_trunk_offers_no_wideband(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = {"KIND": "play_announcement", "ANNOUNCEMENT": CLOSED}
    heard = await sipp.observed_call(pbx, dialled="0537488-0", expect=200, offer=("ulaw", "alaw"))
    assert heard.codec == 8  # A-law


async def test_an_announcement_is_played_and_the_call_ended(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = {"KIND": "play_announcement", "ANNOUNCEMENT": CLOSED}
    heard = await sipp.observed_call(pbx, dialled="0537488-0", expect=200)
    assert not heard.hung_up_by_us
    assert heard.ear.loud
    assert routed(pbx)["Announcement"] == CLOSED


async def test_an_announcement_that_is_missing_becomes_the_last_resort(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = {"KIND": "play_announcement", "ANNOUNCEMENT": "no-such-sound"}
    heard = await sipp.observed_call(pbx, dialled="0537488-0", expect=200)
    assert heard.ear.loud


@pytest.mark.parametrize(("cause", "code"), [("1", 404), ("42", 503), ("17", 486), ("", 503)])
async def test_reject_tells_the_cause(pbx: PrivateAsterisk, agi: FakeFastAgi, cause: str, code: int) -> None:
    agi.behaviour = {"KIND": "reject", "CAUSE": cause}
    await sipp.observed_call(pbx, dialled="0537488-0", expect=code)


@pytest.mark.parametrize("behaviour", [DESK, FORWARD])
async def test_desk_and_forward_are_dialled_through_the_trunk(
    pbx: PrivateAsterisk, agi: FakeFastAgi, desk_port: int, behaviour: dict[str, str]
) -> None:
    agi.behaviour = behaviour
    async with sipp.desk(desk_port, hang_up_after=0.3) as desk:
        heard = await sipp.observed_call(pbx, dialled="0537289123", expect=200)
        (invite,) = desk.invites
    assert not heard.hung_up_by_us
    assert re.search(rf"INVITE sip:\+{behaviour['TARGET'][3:]}@127\.0\.0\.4", invite)
    assert "<sip:03023125001@" in invite


async def test_a_withheld_number_stays_withheld_towards_the_town_hall(
    pbx: PrivateAsterisk, agi: FakeFastAgi, desk_port: int
) -> None:
    agi.behaviour = DESK
    async with sipp.desk(desk_port, hang_up_after=0.1) as desk:
        await sipp.observed_call(
            pbx, dialled="0537289123", from_header="<sip:03023125001@x>", headers={"Privacy": "id"}, expect=200
        )
        (invite,) = desk.invites
    assert "3023125001" not in invite


@pytest.mark.parametrize(
    ("final", "code", "speaks"),
    [("486 Busy Here", 486, False), ("404 Not Found", 404, False), ("480 Temporarily Unavailable", 200, True)],
)
async def test_a_desk_that_does_not_answer(
    pbx: PrivateAsterisk, agi: FakeFastAgi, desk_port: int, final: str, code: int, speaks: bool
) -> None:
    agi.behaviour = DESK
    async with sipp.desk(desk_port, final=final):
        heard = await sipp.observed_call(pbx, dialled="0537289123", expect=code)
    assert bool(heard.ear.loud) is speaks


async def test_an_unknown_kind_is_never_followed(pbx: PrivateAsterisk, agi: FakeFastAgi) -> None:
    agi.behaviour = {"KIND": "from-agent"}
    heard = await sipp.observed_call(pbx, dialled="0537488-0", expect=200)
    assert [m["Level"] for m in pbx.ami.user_events("CallRouted")] == ["service", "last_resort"]
    assert heard.ear.loud


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.99"])
async def test_strangers_and_devices_without_password_reach_nothing(pbx: PrivateAsterisk, source: str) -> None:
    await sipp.observed_call(pbx, dialled="0537488-0", caller="agent01", source=source, expect=401)
    assert pbx.ami.user_events("CallReceived") == ()
