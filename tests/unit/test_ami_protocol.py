# SPDX-License-Identifier: EUPL-1.2
"""The mended protocol and the messages, at every cut and with hostile content."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agi.ami.address import read_ami_url
from agi.ami.messages import AmiMessage, parse_message
from agi.ami.protocol import MendedProtocol

RECORDING = Path(__file__).parent.parent / "replay" / "answered.ami"
BANNER = b"Asterisk Call Manager/9.0.0\r\n"


class Transport(asyncio.Transport):
    aborted = False

    def abort(self) -> None:
        self.aborted = True


class Owner:
    def __init__(self) -> None:
        self.messages: list[AmiMessage] = []

    def on_message(self, message: AmiMessage) -> None:
        self.messages.append(message)

    def on_lost(self, why: str) -> None:
        raise AssertionError(why)


async def fed(*pieces: bytes) -> tuple[list[AmiMessage], Transport]:
    owner, transport = Owner(), Transport()
    protocol = MendedProtocol(owner)
    protocol.connection_made(transport)
    for piece in pieces:
        protocol.data_received(piece)
    protocol.banner.cancel()
    return owner.messages, transport


async def test_a_message_means_the_same_at_every_cut() -> None:
    data = BANNER + "Event: UserEvent\r\nName: Grün & Söhne\r\nLast:\r\n\r\nEvent: Next\r\n\r\n".encode()
    whole, _ = await fed(data)
    assert [message.event for message in whole] == ["UserEvent", "Next"]
    assert whole[0].headers == {"event": "UserEvent", "name": "Grün & Söhne", "last": ""}
    for cut in range(1, len(data)):
        assert (await fed(data[:cut], data[cut:]))[0] == whole
    assert (await fed(*(data[i : i + 1] for i in range(len(data)))))[0] == whole


async def test_a_recording_means_the_same_byte_by_byte() -> None:
    data = RECORDING.read_bytes()
    whole, _ = await fed(BANNER, data)
    assert len(whole) == data.count(b"\r\n\r\n")
    assert (await fed(BANNER, *(data[i : i + 1] for i in range(len(data)))))[0] == whole


async def test_what_is_no_utf8_does_not_end_anything() -> None:
    messages, transport = await fed(BANNER, b"Event: UserEvent\r\nName: \xff\xfe\r\n\r\n")
    assert messages[0].get("name") == "\ufffd\ufffd"
    assert not transport.aborted


@pytest.mark.parametrize(
    ("block", "repeated", "malformed"),
    [
        ("Event: Hangup\r\nUniqueid: 1.1", frozenset(), False),
        ("Event: Hangup\r\nUniqueid: 1.1\r\nUNIQUEID: 1.2", frozenset({"uniqueid"}), False),
        ("Event: Hangup\r\nno colon", frozenset(), True),
        ("Event: Hangup\r\nName: a\nUniqueid: 1.2", frozenset(), True),
        ("Event: Hangup\r\n: no name", frozenset(), True),
        ("Event: X\r\nChanVariable: A=1\r\nChanVariable: B=2", frozenset(), False),
    ],
)
def test_smuggled_lines_are_seen(block: str, repeated: frozenset[str], malformed: bool) -> None:
    message = parse_message(block)
    assert (message.repeated, message.malformed) == (repeated, malformed)
    assert message.get("uniqueid") in ("", "1.1")


def test_an_ami_url_is_percent_decoded() -> None:
    address = read_ami_url("ami://amts%40x:ge%3Ah%2Feim@127.0.0.1:5039")
    assert (address.user, address.secret, address.host, address.port) == ("amts@x", "ge:h/eim", "127.0.0.1", 5039)
    assert "geim" not in repr(address)
    assert read_ami_url("ami://u:s@[::1]").port == 5038


@pytest.mark.parametrize(
    "url",
    ["", "http://u:geheim@h", "ami://geheim@h", "ami://u:geheim@", "ami://u:geheim@h:x", "ami://u:geheim%0d@h",
     "ami://u:geheim@h/path"],
)  # fmt: skip
def test_a_bad_ami_url_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(ValueError, match="ami://user:secret@host:port") as caught:
        read_ami_url(url)
    assert "geheim" not in str(caught.value)
