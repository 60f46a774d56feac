# SPDX-License-Identifier: EUPL-1.2
"""A scanner tries extensions and passwords from an address that is no trunk; citizens' calls go on."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count

import pytest

from tests.support.faults.sender import Sender, sender
from tests.support.faults.service_scene import ServiceScene, asked_service
from tests.support.faults.verdict import Verdict

pytestmark = pytest.mark.system

STRANGER = "127.0.0.9"
PER_SECOND = 500
TICK_SECONDS = 0.02
METHODS = ("INVITE", "REGISTER", "OPTIONS")


def probe(number: int) -> bytes:
    """What scanners send: an extension, or a number abroad to be called at somebody else's cost."""
    method = METHODS[number % len(METHODS)]
    user = f"{100 + number % 900}" if number % 2 else f"00{number % 10}37254{number:06}"
    sdp = f"v=0\r\no=- 1 1 IN IP4 {STRANGER}\r\ns=-\r\nc=IN IP4 {STRANGER}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"
    body = sdp if method == "INVITE" else ""
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (
        f"{method} sip:{user}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER}:5060;rport;branch=z9hG4bK-{number}\r\n"
        f'From: "{user}" <sip:{user}@127.0.0.1>;tag={number:x}\r\nTo: <sip:{user}@127.0.0.1>\r\n'
        f"Call-ID: scan-{number}@{STRANGER}\r\nCSeq: 1 {method}\r\nContact: <sip:{user}@{STRANGER}:5060>\r\n"
        f"Max-Forwards: 70\r\nUser-Agent: friendly-scanner\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def scan(stranger: Sender, port: int, sent: list[float]) -> None:
    """Sends `PER_SECOND` of them until it is cancelled; a tick that came late is made up for."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    numbers = count()
    while True:
        await asyncio.sleep(TICK_SECONDS)
        while len(sent) < (loop.time() - begin) * PER_SECOND:
            stranger.send(probe(next(numbers)), port)
            sent.append(loop.time() - begin)


async def test_row(scene: ServiceScene, verdict: Verdict) -> None:
    pbx = scene.pbx
    sent: list[float] = []
    async with asked_service(scene), sender(STRANGER) as stranger:
        await scene.calls(scene.mixed(4))
        await pbx.no_channels_left()
        start = len(pbx.ami.messages)
        verdict.begin(pbx)
        scanning = asyncio.create_task(scan(stranger, pbx.sip_port, sent), name="scanner")
        try:
            verdict.add(await scene.calls(scene.mixed(100), rate=10))
        finally:
            scanning.cancel()
            with suppress(asyncio.CancelledError):
                await scanning
        verdict.others = len(sent)
        verdict.more |= {"messages": len(sent), "per_second": round(len(sent) / sent[-1])}
        await verdict.check()
    channels = {message["Uniqueid"] for message in pbx.ami.messages[start:] if message["Event"] == "Newchannel"}
    assert channels == {call.unique_id for call in verdict.calls}, "a stranger got a channel"
    assert stranger.answers, "Asterisk hears the scanner"
    assert not [answer for answer in stranger.answers if answer.startswith(b"SIP/2.0 2") and b" INVITE" in answer]
