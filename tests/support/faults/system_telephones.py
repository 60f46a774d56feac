# SPDX-License-Identifier: EUPL-1.2
"""Telephones that SIPp cannot play: one that answers although it was told that the caller has gone, one that vanishes.

async with late_telephone(system, "agent31") as phone:
    …
    await phone.done(seconds=10)
await vanished_telephone(system, "agent31")
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from tests.support import sipp
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.living import until

_KEPT = ("via", "from", "to", "call-id", "cseq")
_HEADER = re.compile(r"^([A-Za-z-]+)\s*:\s*([^\r\n]*)", re.MULTILINE)


class LateTelephone(asyncio.DatagramProtocol):
    """Rings, and answers the INVITE when it gets the CANCEL; whoever asks for OPTIONS is told that it is there."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[str] = []
        self.over = asyncio.Event()
        self._lost = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None
        self._invite: tuple[str, tuple[str, int]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = data.decode("utf-8", "replace")
        method = text.split(" ", 1)[0]
        self.asked.append(method)
        match method:
            case "INVITE":
                self._invite = (text, addr)
                self._answer(text, addr, "180 Ringing")
            case "CANCEL":
                self._answer(text, addr, "200 OK")
                if self._invite is not None:
                    self._answer(*self._invite, "200 OK", with_media=True)
            case "BYE":
                self._answer(text, addr, "200 OK")
                self.over.set()
            case "ACK":
                pass
            case _:
                self._answer(text, addr, "200 OK")

    def _answer(self, request: str, addr: tuple[str, int], status: str, *, with_media: bool = False) -> None:
        headers = [(name.lower(), value) for name, value in _HEADER.findall(request.partition("\r\n\r\n")[0])]
        lines = [f"SIP/2.0 {status}"]
        for name, value in headers:
            if name in _KEPT:
                tag = f";tag=late{self.port}" if name == "to" and ";tag=" not in value else ""
                lines.append(f"{name}: {value}{tag}")
        body = ""
        if with_media:
            body = (
                "v=0\r\no=late 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                "m=audio 9 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
            )
            lines.append("Content-Type: application/sdp")
        lines += [f"Contact: <sip:late@127.0.0.1:{self.port}>", f"Content-Length: {len(body)}", "", body]
        assert self._transport is not None
        self._transport.sendto("\r\n".join(lines).encode(), addr)

    async def done(self, seconds: float) -> None:
        """Waits until its late answer was hung up."""
        await until(self.over.is_set, f"the late answer is hung up; it was asked {self.asked}", seconds)

    async def close(self) -> None:
        """Without a word to anybody."""
        assert self._transport is not None
        self._transport.close()
        await self._lost.wait()


@asynccontextmanager
async def late_telephone(pbx: PrivateAsterisk, device: str) -> AsyncIterator[LateTelephone]:
    """Registered and reachable; unregistered at the end."""
    phone = await _reachable(pbx, device)
    try:
        yield phone
    finally:
        await phone.close()
        await _forgotten(pbx, device, phone.port)


@asynccontextmanager
async def vanished_telephone(pbx: PrivateAsterisk, device: str) -> AsyncIterator[None]:
    """It was reachable a moment ago and is switched off now; Asterisk was not told. Unregistered at the end."""
    phone = await _reachable(pbx, device)
    await phone.close()
    try:
        yield
    finally:
        await _forgotten(pbx, device, phone.port)


async def _reachable(pbx: PrivateAsterisk, device: str) -> LateTelephone:
    port = free_port(socket.SOCK_DGRAM)
    await sipp.register(pbx, device, pbx.secrets[device], port=port)
    loop = asyncio.get_running_loop()
    _, phone = await loop.create_datagram_endpoint(lambda: LateTelephone(port), local_addr=("127.0.0.1", port))
    await sipp.reachable(pbx, device)
    return phone


async def _forgotten(pbx: PrivateAsterisk, device: str, port: int) -> None:
    await sipp.register(pbx, device, pbx.secrets[device], port=port, expires_seconds=0)
