# SPDX-License-Identifier: EUPL-1.2
"""Callers without SIPp: many at once from a trunk's address, each timed to the millisecond.

    async with carrier(system, sipp.DEMONSTRATION) as trunk:
        call = trunk.call(dialled="05372%2089-0", caller="03023125001", at=OPEN)
        await call.ended(seconds=10)

They send no sound. One socket carries all calls of an address; what belongs to which is told by Call-ID and branch.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from tests.support.asterisk import PrivateAsterisk

T1_SECONDS = 0.5
_INVITE_TRIES = 6
_HEADER = re.compile(r"^([A-Za-z-]+)\s*:\s*(.*)$", re.MULTILINE)
_COUNTED = count(0)


@dataclass(slots=True, kw_only=True)
class SipCall:
    """One call. Times are seconds of the monotonic clock; ``code`` is the final answer to the INVITE."""

    call_id: str
    dialled: str
    caller: str
    sent_at: float = 0.0
    first_at: float | None = None
    code: int | None = None
    final_at: float | None = None
    over_at: float | None = None
    hung_up_by_us: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
    decided: asyncio.Event = field(default_factory=asyncio.Event)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    tag: str = ""
    target: str = ""
    invite: bytes = b""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def waited_ms(self) -> float:
        """From the INVITE to the first answer beyond 100, or to the final code."""
        assert self.first_at is not None, f"call {self.call_id} was never answered"
        return (self.first_at - self.sent_at) * 1000

    async def answered(self, seconds: float = 15.0) -> None:
        """Waits for the final answer."""
        await _within(self.decided, seconds, f"a final answer to the call to {self.dialled}")

    async def ended(self, seconds: float = 40.0) -> None:
        """Waits for its end."""
        await _within(self.over, seconds, f"the end of the call to {self.dialled} (code {self.code})")


async def _within(event: asyncio.Event, seconds: float, what: str) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {what}") from None


class Carrier(asyncio.DatagramProtocol):
    """The far end of a trunk."""

    def __init__(self, address: str, remote: tuple[str, int]) -> None:
        self.address = address
        self.remote = remote
        self.calls: dict[str, SipCall] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._mark = secrets.token_hex(4)
        self._lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()

    @property
    def _port(self) -> int:
        assert self._transport is not None
        port = self._transport.get_extra_info("sockname")[1]
        assert isinstance(port, int)
        return port

    def call(
        self,
        *,
        dialled: str,
        caller: str,
        at: str | None = None,
        cancel_after: float | None = None,
        hang_up_after: float | None = None,
        rtp_port: int = 9,
    ) -> SipCall:
        """Places a call now. ``cancel_after``: gives up so many seconds after the INVITE, whatever has been answered.

        ``hang_up_after``: seconds after the answer; left out, Asterisk ends the call. Sound goes to ``rtp_port``.
        """
        number = next(_COUNTED)
        call = SipCall(call_id=f"{self._mark}-{number}@{self.address}", dialled=dialled, caller=caller)
        self.calls[call.call_id] = call
        call.invite = self._invite(call, at, rtp_port)
        call.sent_at = time.monotonic()
        self._send(call.invite)
        self._own(call, self._repeat(call))
        if cancel_after is not None:
            self._own(call, self._cancel(call, cancel_after))
        elif hang_up_after is not None:
            self._own(call, self._hang_up_later(call, hang_up_after))
        return call

    def hang_up(self, call: SipCall) -> None:
        """BYE to a call that was answered."""
        if call.over.is_set():
            return
        call.hung_up_by_us = True
        self._send(self._request(call, "BYE", 2, target=call.target))

    async def close(self) -> None:
        tasks = [task for call in self.calls.values() for task in call.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert self._transport is not None
        self._transport.close()
        await self._lost.wait()

    # ── what is sent ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _own(self, call: SipCall, work: object) -> None:
        call.tasks.append(asyncio.create_task(work))  # type: ignore[arg-type]

    async def _repeat(self, call: SipCall) -> None:
        wait = T1_SECONDS
        for _ in range(_INVITE_TRIES):
            await asyncio.sleep(wait)
            if call.heard.is_set():
                return
            self._send(call.invite)
            wait *= 2

    async def _cancel(self, call: SipCall, seconds: float) -> None:
        await asyncio.sleep(max(0.0, call.sent_at + seconds - time.monotonic()))
        await call.heard.wait()  # RFC 3261, 9.1: not before a provisional answer
        call.hung_up_by_us = True
        if call.decided.is_set():
            if call.code is not None and call.code < 300:
                self.hang_up(call)
            return
        self._send(self._request(call, "CANCEL", 1, branch=self._branch(call, "INVITE")))

    async def _hang_up_later(self, call: SipCall, seconds: float) -> None:
        await call.decided.wait()
        await asyncio.sleep(seconds)
        if call.code is not None and call.code < 300:
            self.hang_up(call)

    def _send(self, text: bytes) -> None:
        assert self._transport is not None
        self._transport.sendto(text, self.remote)

    def _branch(self, call: SipCall, method: str) -> str:
        return f"z9hG4bK-{call.call_id.partition('@')[0]}-{method}"

    def _address_of(self, dialled: str) -> str:
        return f"sip:{dialled}@{self.remote[0]}:{self.remote[1]}"

    def _request(
        self, call: SipCall, method: str, number: int, *, target: str = "", branch: str = "", more: str = ""
    ) -> bytes:
        head, _, body = more.partition("\r\n\r\n")
        to = f"<{self._address_of(call.dialled)}>" + (f";tag={call.tag}" if call.tag and method != "CANCEL" else "")
        lines = [
            f"{method} {target or self._address_of(call.dialled)} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address}:{self._port};branch={branch or self._branch(call, method)}",
            f"From: <sip:{call.caller}@{self.address}>;tag={call.call_id.partition('@')[0]}",
            f"To: {to}",
            f"Call-ID: {call.call_id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:caller@{self.address}:{self._port}>",
            "Max-Forwards: 70",
            *([head] if head else []),
            f"Content-Length: {len(body.encode())}",
            "",
            body,
        ]
        return "\r\n".join(lines).encode()

    def _invite(self, call: SipCall, at: str | None, rtp_port: int) -> bytes:
        clock = f"X-Amtsleitung-At: {at}\r\n" if at is not None else ""
        description = (
            f"v=0\r\no=caller 1 1 IN IP4 {self.address}\r\ns=-\r\nc=IN IP4 {self.address}\r\nt=0 0\r\n"
            f"m=audio {rtp_port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"
        )
        return self._request(call, "INVITE", 1, more=f"{clock}Content-Type: application/sdp\r\n\r\n{description}")

    # ── what is heard ─────────────────────────────────────────────────────────────────────────────────────────────────

    def datagram_received(self, data: bytes, addr: object) -> None:
        text = data.decode("utf-8", "replace")
        headers = {name.lower(): value.strip() for name, value in reversed(_HEADER.findall(text))}
        call = self.calls.get(headers.get("call-id", ""))
        if call is None:
            return
        if text.startswith("SIP/2.0 "):
            self._response(call, int(text[8:11]), headers)
        else:
            self._asked(call, text.split(" ", 1)[0], headers)

    def _response(self, call: SipCall, code: int, headers: dict[str, str]) -> None:
        method = headers["cseq"].split()[-1]
        at = time.monotonic()
        if method == "BYE":
            self._over(call, at)
        if method != "INVITE":
            return
        call.heard.set()
        if code == 100:
            return
        if call.first_at is None:
            call.first_at = at
        if code < 200:
            return
        found = re.search(r";tag=([^;>\s]+)", headers.get("to", ""))
        call.tag = found[1] if found else call.tag
        contact = re.search(r"<([^>]+)>", headers.get("contact", ""))
        call.target = contact[1] if contact else call.target
        branch = "" if code < 300 else self._branch(call, "INVITE")
        self._send(self._request(call, "ACK", 1, target=call.target if code < 300 else "", branch=branch))
        if call.decided.is_set():
            return  # a repetition: it wanted its ACK again
        call.code, call.final_at = code, at
        call.decided.set()
        if code >= 300:
            self._over(call, at)
        elif call.hung_up_by_us:  # the answer came across our CANCEL
            self.hang_up(call)

    def _asked(self, call: SipCall, method: str, headers: dict[str, str]) -> None:
        if method == "ACK":
            return
        kept = [f"{name}: {headers[name.lower()]}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
        self._send("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode())
        if method == "BYE":
            self._over(call, time.monotonic())

    def _over(self, call: SipCall, at: float) -> None:
        if not call.over.is_set():
            call.over_at = at
            call.over.set()


@asynccontextmanager
async def carrier(pbx: PrivateAsterisk, address: str) -> AsyncIterator[Carrier]:
    """The trunk of this address; tasks and socket end with it."""
    loop = asyncio.get_running_loop()
    _, trunk = await loop.create_datagram_endpoint(
        lambda: Carrier(address, ("127.0.0.1", pbx.sip_port)), local_addr=(address, 0)
    )
    try:
        yield trunk
    finally:
        await trunk.close()
