# SPDX-License-Identifier: EUPL-1.2
"""SIP messages sent as they are from an address of one's own, and what came back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

_STATUS = re.compile(rb"SIP/2\.0 ([1-6]\d\d) ")


class Sender(asyncio.DatagramProtocol):
    """``answers``: whole messages received, in order."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self._settled = 0
        self.transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.answers.append(data)

    def send(self, message: bytes, port: int) -> None:
        """To Asterisk's port on loopback."""
        assert self.transport is not None
        self.transport.sendto(message, ("127.0.0.1", port))

    def settle(self, port: int) -> None:
        """Acknowledges each final answer to an INVITE since the last time, and ends what was answered."""
        news, self._settled = self.answers[self._settled :], len(self.answers)
        for answer in news:
            headers = {name: _header(answer, name) for name in (b"From", b"To", b"Call-ID", b"CSeq", b"Via")}
            status = _STATUS.match(answer)
            if status is None or None in headers.values() or not (headers[b"CSeq"] or b"").endswith(b" INVITE"):
                continue
            if int(status[1]) >= 200:
                self.send(_in_dialogue(b"ACK", 1, headers, port), port)
            if 200 <= int(status[1]) < 300:
                self.send(_in_dialogue(b"BYE", 2, headers, port), port)

    def codes(self, call_id: str) -> set[int]:
        """Of the answers to this call."""
        wanted = re.compile(
            rb"^(?:Call-ID|i)[ \t]*:[ \t]*" + re.escape(call_id.encode()) + rb"\r$", re.MULTILINE | re.IGNORECASE
        )
        return {int(found[1]) for text in self.answers if wanted.search(text) and (found := _STATUS.match(text))}


@asynccontextmanager
async def sender(address: str, *, port: int = 0) -> AsyncIterator[Sender]:
    """At this address and port (0: a free one) until the end of the block."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Sender, local_addr=(address, port))
    protocol.transport = transport
    try:
        yield protocol
    finally:
        transport.close()


def _header(message: bytes, name: bytes) -> bytes | None:
    found = re.search(rb"^" + name + rb": ([^\r\n]*)\r$", message, re.MULTILINE)
    return found[1] if found else None


def _in_dialogue(method: bytes, number: int, headers: Mapping[bytes, bytes | None], port: int) -> bytes:
    via = headers[b"Via"] if method == b"ACK" else (headers[b"Via"] or b"") + b"-bye"
    return (
        b"%s sip:127.0.0.1:%d SIP/2.0\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n"
        b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ) % (method, port, via, headers[b"From"], headers[b"To"], headers[b"Call-ID"], number, method)
