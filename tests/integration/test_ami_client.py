# SPDX-License-Identifier: EUPL-1.2
"""The adapter against an AMI with every bad habit."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from agi.ami.address import AmiAddress
from agi.ami.client import AmiConnection, AmiLoginError, AmiTimeoutError
from agi.ami.protocol import AmiDisconnectedError
from tests.support.fake_ami import FakeAmi, fake_ami

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def address(fake: FakeAmi, secret: str = "geheim ä") -> AmiAddress:
    return AmiAddress(host="127.0.0.1", port=fake.port, user="amtsleitung", secret=secret)


async def connected(fake: FakeAmi, *, ping_interval_seconds: float = 60.0, event_limit: int = 1000) -> AmiConnection:
    return await AmiConnection.open(
        address(fake),
        clock=lambda: AT,
        deadline_seconds=5,
        ping_interval_seconds=ping_interval_seconds,
        event_limit=event_limit,
    )


async def heard(connection: AmiConnection) -> dict[str, str]:
    async with asyncio.timeout(5):
        return dict((await connection.heard()).message.headers)


@pytest.mark.parametrize("chunk_bytes", [None, 1, 2, 3, 7])
async def test_events_survive_every_cut_also_within_an_umlaut(chunk_bytes: int | None) -> None:
    async with fake_ami(chunk_bytes=chunk_bytes) as fake, await connected(fake) as connection:
        fake.emit("UserEvent", Name="Grün & Söhne, Hankensbüttel")
        fake.emit("Hangup", Uniqueid="1.1")
        assert await heard(connection) == {"event": "UserEvent", "name": "Grün & Söhne, Hankensbüttel"}
        assert await heard(connection) == {"event": "Hangup", "uniqueid": "1.1"}


async def test_a_wrong_secret_is_told_at_once_and_is_not_in_the_sentence() -> None:
    async with fake_ami() as fake:
        with pytest.raises(AmiLoginError, match=r"refuses the AMI user 'amtsleitung'") as caught:
            await AmiConnection.open(address(fake, "falsch"), clock=lambda: AT)
        assert "falsch" not in str(caught.value)


async def test_what_is_no_ami_is_told_from_one() -> None:
    async with fake_ami(banner=b"SSH-2.0-OpenSSH_9.2\r\n") as fake:
        with pytest.raises(AmiDisconnectedError, match="no Asterisk manager interface"):
            await AmiConnection.open(address(fake), clock=lambda: AT)


async def test_a_silent_login_has_a_deadline() -> None:
    async with fake_ami(mute={"Login"}) as fake:
        with pytest.raises(AmiTimeoutError, match=r"did not complete the AMI login within 0\.2 s"):
            await AmiConnection.open(address(fake), clock=lambda: AT, deadline_seconds=0.2)


async def test_a_silent_action_has_a_deadline_and_leaves_nothing_behind() -> None:
    async with fake_ami(mute={"Reload"}) as fake, await connected(fake) as connection:
        with pytest.raises(AmiTimeoutError, match="Reload"):
            await connection.act("Reload", deadline_seconds=0.1)
        assert connection._protocol.responses == {}
        assert (await connection.act("Ping")).success


async def test_a_half_open_link_is_noticed_by_the_missing_ping() -> None:
    async with fake_ami(mute={"Ping"}) as fake, await connected(fake, ping_interval_seconds=0.1) as connection:
        with pytest.raises(AmiDisconnectedError, match="stopped answering"):
            await heard(connection)


async def test_an_action_under_way_fails_when_the_connection_breaks_and_is_never_sent_again() -> None:
    async with fake_ami(mute={"Originate"}) as fake, await connected(fake) as connection:
        asked = asyncio.create_task(connection.act("Originate", {"Channel": "PJSIP/agent01"}))
        await fake.until(lambda: "Originate" in fake.names())
        fake.drop()
        with pytest.raises(AmiDisconnectedError):
            await asked
        async with await connected(fake) as again:
            await again.act("Ping")
        assert fake.names().count("Originate") == 1
        with pytest.raises(AmiDisconnectedError):
            await connection.act("Ping")


async def test_a_disconnect_within_an_event_brings_no_half_event() -> None:
    async with fake_ami() as fake, await connected(fake) as connection:
        fake.emit("Hangup", Uniqueid="1.1")
        fake.send(b"Event: AgentCalled\r\nUniqueid: 1")
        assert await heard(connection) == {"event": "Hangup", "uniqueid": "1.1"}
        fake.drop()
        with pytest.raises(AmiDisconnectedError):
            await heard(connection)


async def test_a_slow_reader_disconnects_itself_and_keeps_what_it_has() -> None:
    async with fake_ami() as fake, await connected(fake, event_limit=3) as connection:
        for number in range(5):
            fake.emit("Hangup", Uniqueid=f"1.{number}")
        async with asyncio.timeout(5):
            await connection.ended.wait()
        assert "more than 3 AMI events were waiting" in connection.why
        assert [item.message.get("uniqueid") for item in connection.heard_so_far()] == ["1.0", "1.1", "1.2"]


@pytest.mark.parametrize("bad", ["a\r\nAction: Command", "a\nb", "a\rb", "a\0b"])
@pytest.mark.parametrize("as_list", [True, False])
async def test_no_value_can_end_its_line(bad: str, as_list: bool) -> None:
    async with fake_ami() as fake, await connected(fake) as connection:
        before = len(fake.actions)
        with pytest.raises(ValueError, match="line break or NUL"):
            await connection.act("Setvar", {"Value": ["good", bad] if as_list else bad})
        with pytest.raises(ValueError, match="no name of an AMI header"):
            await connection.act("Setvar", {"Value\r\nX": "good"})
        assert len(fake.actions) == before


async def test_a_refused_list_ends_and_a_list_is_whole() -> None:
    async with fake_ami(refuse={"QueueStatus"}) as fake, await connected(fake) as connection:
        refused = await connection.act("QueueStatus", as_list=True)
        assert not refused.success
        fake.lists["Status"] = [{"Event": "Status", "Uniqueid": "1.1"}, {"Event": "Status", "Uniqueid": "1.2"}]
        reply = await connection.act("Status", as_list=True)
        assert reply.success
        assert [item.get("uniqueid") for item in reply.items if item.event == "Status"] == ["1.1", "1.2"]


async def test_queue_add_and_originate_without_async_are_answered_and_harm_nothing() -> None:
    async with fake_ami() as fake, await connected(fake) as connection:
        assert (await connection.act("QueueAdd", {"Queue": "abfall", "Interface": "PJSIP/agent01"})).success
        assert (await connection.act("Originate", {"Channel": "PJSIP/agent01"})).success
        assert not connection.ended.is_set()


async def test_a_message_without_end_is_cut_off() -> None:
    async with fake_ami() as fake, await connected(fake) as connection:
        fake.send(b"Event: " + b"x" * 1_100_000)
        async with asyncio.timeout(5):
            await connection.ended.wait()
        assert "more than 1000000 characters" in connection.why


async def test_shutdown_ends_the_connection() -> None:
    async with fake_ami() as fake, await connected(fake) as connection:
        fake.emit("Shutdown", Shutdown="Cleanly")
        async with asyncio.timeout(5):
            await connection.ended.wait()
        assert connection.why == "Asterisk is shutting down"


async def test_closing_leaves_no_task() -> None:
    async with fake_ami() as fake:
        connection = await connected(fake)
        await connection.close()
        await connection.close()
        async with asyncio.timeout(5):
            await connection.ended.wait()
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "AMI ping"]
