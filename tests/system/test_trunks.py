# SPDX-License-Identifier: EUPL-1.2
"""Trunks as they are really connected: UDP, TCP, TLS with SRTP, by registration. A second Asterisk is the carrier."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from amtsleitung.certificates import self_signed
from amtsleitung.settings import CertificateFiles
from routing.core.rows import TrunkRow
from tests.support.ami_oracle import Message
from tests.support.asterisk import PrivateAsterisk
from tests.support.fake_fastagi import FakeFastAgi
from tests.support.tables import example_table

pytestmark = pytest.mark.system

PEER = "127.0.0.1"
LOGIN = "agent01"  # the carrier takes the centre's registration for one of its devices
ANSWERED = """
[answered]
exten => s,1,Wait(10)
exten => h,1,UserEvent(Answered,Signalling: ${CHANNEL(pjsip,secure)},Media: ${CHANNEL(rtp,secure,audio)},Codec: ${CHANNEL(audioreadformat)},Packets: ${CHANNEL(rtcp,rxcount)})
"""  # noqa: E501
ANSWERS = {"KIND": "play_announcement", "ANNOUNCEMENT": "technical-fault"}
NOBODY = ("127.0.0.1", 1)
PROVOKED = (
    "Unable to retrieve PJSIP transport 'transport-tcp'",  # a registration ends together with the last trunk over TCP
    "The certificate is untrusted",
    "Couldn't negotiate stream",
)
STEP_SECONDS = 15.0


def trunk(name: str, port: int, **settings: Any) -> TrunkRow:
    return TrunkRow(**{"name": name, "address": f"{PEER}:{port}", "number_format": "e164"} | settings)


def certificates(folder: Path) -> dict[str, CertificateFiles]:
    """Two parties, each with a certificate of its own and the other's as its authority; and one who knows nobody."""
    folder.mkdir(exist_ok=True)
    for name in ("centre", "carrier", "stranger"):
        certificate, key = self_signed(name, PEER)
        (folder / f"{name}.pem").write_text(certificate)
        (folder / f"{name}.key").write_text(key)
    return {
        name: CertificateFiles(
            certificate=folder / f"{name}.pem", private_key=folder / f"{name}.key", authorities=folder / f"{other}.pem"
        )
        for name, other in (("centre", "carrier"), ("carrier", "centre"), ("stranger", "stranger"))
    }


class Pair:
    """The centre, which is the product, and a carrier."""

    def __init__(self, centre: PrivateAsterisk, carrier: PrivateAsterisk, agi: FakeFastAgi) -> None:
        self.centre, self.carrier, self.agi = centre, carrier, agi

    @classmethod
    @asynccontextmanager
    async def start(cls, files: dict[str, CertificateFiles], *, carrier: str = "carrier") -> AsyncIterator[Pair]:
        table = example_table()
        async with (
            FakeFastAgi.start() as agi,
            PrivateAsterisk.start(
                table, fastagi=agi.address, with_astdb=False, certificate_files=files["centre"],
                trunk_passwords={"registered": "s3cret;word"}, provoked=PROVOKED,
            ) as centre,
            PrivateAsterisk.start(
                table, fastagi=NOBODY, with_astdb=False, certificate_files=files[carrier],
                extra_dialplan=ANSWERED, device_secrets={LOGIN: "s3cret;word"}, provoked=PROVOKED,
            ) as other,
        ):  # fmt: skip
            agi.behaviour = ANSWERS
            yield cls(centre, other, agi)

    async def connect(
        self, name: str, *, more: tuple[TrunkRow, ...] = (), by_address: bool = True, **settings: Any
    ) -> None:
        """Both learn of the trunk while they run; the carrier knows the centre as ``centre`` ``by_address``, or not."""
        tls = settings.get("transport") == "tls"
        ports = (self.carrier.tls_port, self.centre.tls_port) if tls else (self.carrier.sip_port, self.centre.sip_port)
        there = trunk("centre", ports[1], **{k: v for k, v in settings.items() if k in SHARED})
        await self.centre.reload(example_table(trunks=(trunk(name, ports[0], **settings), *more, *OTHERS)))
        there = there if by_address else replace(there, address="127.0.9.9")
        await self.carrier.reload(example_table(trunks=(there, *OTHERS)))
        for ami in (self.centre.ami, self.carrier.ami):
            ami.messages.clear()
        self.agi.environments.clear()

    async def call(self, dialled: str = "PJSIP/+495372890@centre") -> Message:
        """The carrier calls the centre, which answers; what the carrier saw of the connection."""
        answer = await self.carrier.ami.action(
            "Originate", Channel=dialled, Context="answered", Exten="s", Priority="1", Async="true"
        )
        assert answer["Response"] == "Success"
        found = await self.carrier.ami.event(start=0, UserEvent="Answered")
        await self.centre.no_channels_left()
        await self.carrier.no_channels_left()
        return found


SHARED = ("transport", "media_encryption", "codecs")
OTHERS = tuple(row for row in example_table().rows.trunks if row.name in ("carrier", "rathaus-meinersen"))


@pytest.fixture(scope="module")
async def shared_pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with Pair.start(certificates(tmp_path_factory.mktemp("certificates"))) as pair:
        yield pair


@pytest.fixture
async def pair(shared_pair: Pair) -> AsyncIterator[Pair]:
    shared_pair.agi.behaviour = ANSWERS
    yield shared_pair
    await shared_pair.centre.no_channels_left()
    await shared_pair.carrier.no_channels_left()


async def eventually(pair: Pair, what: str, condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for what a command line says, from event to event."""
    end = asyncio.get_running_loop().time() + STEP_SECONDS
    while not await condition():
        assert asyncio.get_running_loop().time() < end, f"waited in vain for {what}"
        with contextlib.suppress(AssertionError):
            await pair.centre.ami.event(start=len(pair.centre.ami.messages), deadline=0.2, Event="Registry")


@pytest.mark.parametrize(
    ("settings", "signalling", "media", "codec"),
    [
        ({"transport": "udp"}, "0", "0", "g722"),
        ({"transport": "tcp", "codecs": ("alaw",)}, "0", "0", "alaw"),
        ({"transport": "tls", "codecs": ("ulaw",)}, "1", "0", "ulaw"),
        ({"transport": "tls", "media_encryption": "sdes"}, "1", "1", "g722"),
        ({"transport": "udp", "media_encryption": "sdes"}, "0", "1", "g722"),
    ],
    ids=["udp", "tcp", "tls", "tls-srtp", "udp-srtp"],
)
async def test_a_call_through_a_trunk(
    pair: Pair, settings: dict[str, Any], signalling: str, media: str, codec: str
) -> None:
    await pair.connect("line", trusts_diversion=True, own_prefix="", **settings)
    seen = await pair.call()
    (received,) = pair.centre.ami.user_events("CallReceived")
    assert (received["Trunk"], unquote(received["Received"])) == ("line", "+495372890")
    assert (seen["Signalling"], seen["Media"], seen["Codec"]) == (signalling, media, codec)
    assert int(seen["Packets"]) > 5, "nothing was to be heard"
    assert pair.agi.environments[0]["agi_arg_4"] == "to=%2B495372890"


async def test_a_trunk_that_wants_srtp_takes_no_call_without(pair: Pair) -> None:
    await pair.connect("line", transport="tls", media_encryption="sdes")
    await pair.carrier.reload(example_table(trunks=(trunk("centre", pair.centre.tls_port, transport="tls"), *OTHERS)))
    await pair.carrier.ami.action(
        "Originate", Channel="PJSIP/1@centre", Context="answered", Exten="s", Priority="1", Async="true"
    )
    ended = await pair.carrier.ami.event(start=0, Event="Hangup")
    assert ended["Cause"] == "58"  # bearer capability not available: SIP 488
    assert pair.agi.environments == []


@pytest.mark.parametrize(
    ("settings", "received"),
    [
        ({"sends_format": "e164"}, "+493023125100"),
        ({"sends_format": "national"}, "03023125100"),
        ({"sends_format": "international"}, "493023125100"),
        ({"sends_format": "significant"}, "3023125100"),
        ({"sends_format": "national", "own_prefix": "0"}, "003023125100"),
        (
            {"sends_format": "e164", "own_prefix": "99", "transport": "tls", "media_encryption": "sdes"},
            "99+493023125100",
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["forward", "dial_extension"])
async def test_a_number_is_sent_as_the_trunk_wants_it(
    pair: Pair, settings: dict[str, Any], received: str, kind: str
) -> None:
    await pair.connect("line", **settings)
    pair.agi.behaviour = {"KIND": kind, "TARGET": "%2B493023125100", "TRUNK": "line"}
    await pair.call()
    (arrived,) = pair.carrier.ami.user_events("CallReceived")
    assert unquote(arrived["Received"]) == received


async def test_a_registration_and_a_call_by_it(pair: Pair) -> None:
    """Other trunks have the same address: only the contact that was registered tells them apart."""
    others = tuple(trunk(name, pair.carrier.sip_port) for name in ("another", "without"))
    await pair.connect("registered", more=others, by_address=False, registration_user=LOGIN, transport="tcp")

    async def registered() -> bool:
        return "Registered" in await pair.centre.ami.command("pjsip show registrations")

    await eventually(pair, "the registration", registered)
    contact = await pair.carrier.ami.command(f"pjsip show aor {LOGIN}")
    assert re.search(rf"sip:{LOGIN}@{PEER}:\d+;transport=TCP;line=\w+", contact), contact
    await pair.call(f"PJSIP/{LOGIN}")
    (received,) = pair.centre.ami.user_events("CallReceived")
    assert (received["Trunk"], unquote(received["Received"])) == ("registered", LOGIN)


async def test_a_trunk_without_its_password_still_takes_calls(pair: Pair) -> None:
    await pair.connect("unregistered", registration_user=LOGIN)
    await pair.call()
    (received,) = pair.centre.ami.user_events("CallReceived")
    assert received["Trunk"] == "unregistered"
    assert "No objects found" in await pair.centre.ami.command("pjsip show registrations")


async def test_a_carrier_for_whom_nobody_vouches_gets_no_call(tmp_path: Path) -> None:
    """Neither does it get through itself: it does not know us."""
    async with Pair.start(certificates(tmp_path), carrier="stranger") as pair:
        await pair.connect("line", transport="tls", media_encryption="sdes")
        for one in (pair.centre, pair.carrier):
            by = "line" if one is pair.centre else "centre"
            await one.ami.action(
                "Originate", Channel=f"PJSIP/+493023125100@{by}", Application="Wait", Data="1", Async="true"
            )
            await one.ami.event(start=0, Event="Hangup")
        assert pair.carrier.ami.user_events("CallReceived") == ()
        assert pair.centre.ami.user_events("CallReceived") == ()


async def test_nobody_listens_for_what_no_trunk_uses(pair: Pair, tmp_path: Path) -> None:
    async with Pair.start(certificates(tmp_path)) as fresh:
        for port in (fresh.centre.sip_port, fresh.centre.tls_port):
            with pytest.raises(OSError, match=r"refused|Connect call failed"):
                await asyncio.open_connection(PEER, port)
