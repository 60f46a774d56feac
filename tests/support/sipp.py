# SPDX-License-Identifier: EUPL-1.2
"""SIPp as callers, agents' telephones and town halls of a private Asterisk.

    heard = await sipp.call(pbx, dialled="0537289-0", caller="03023125001", expect=200)
    async with sipp.telephone(pbx, "agent01", answers_after=0.2) as phone: ...
    async with sipp.desk(port, final="486 Busy Here") as desk: ...

Every process has a number of calls and a time after which it ends by itself. Callers come from a trunk's loopback
address; what Asterisk sends them is received here, so that a test can say whether anything was to be heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.sipp_process import Ear, ended, media, media_ear, private_directory, start_sipp, text_of

CARRIER, DEMONSTRATION, TOWN_HALL, CARRIER_B = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How a caller's call went."""

    code: int
    """The final answer to the INVITE."""
    call_id: str
    hung_up_by_us: bool
    messages: str
    ear: Ear

    @property
    def codec(self) -> int | None:
        """The payload type that Asterisk sent most, ``None`` if it sent nothing."""
        return next((payload for payload, _ in self.ear.packets.most_common(1)), None)


@dataclass(slots=True, kw_only=True)
class Telephone:
    """A telephone or town hall that waits for calls."""

    directory: Path
    port: int
    ear: Ear = field(default_factory=Ear)

    @property
    def messages(self) -> str:
        """All SIP messages so far, as they went over the wire."""
        return text_of(self.directory / "messages.log")

    @property
    def invites(self) -> tuple[str, ...]:
        """The INVITEs received, whole."""
        parts = re.split(r"^-{20,}.*$", self.messages, flags=re.MULTILINE)
        return tuple(
            part for part in parts if "message received" in part and re.search(r"^INVITE ", part, re.MULTILINE)
        )


async def call(
    pbx: PrivateAsterisk,
    *,
    dialled: str,
    caller: str | None = "03023125001",
    from_header: str | None = None,
    headers: Mapping[str, str] | None = None,
    at: str | None = None,
    source: str = CARRIER,
    expect: int | None = None,
    offer: tuple[str, ...] = ("g722", "alaw"),
    hang_up_after: float = 60.0,
    cancel: bool = False,
    deadline: float = 40.0,
) -> Heard:
    """One call from a trunk's address; ends when either side has hung up.

    ``dialled`` stands in the request URI as it is, so escapes can be hostile. ``caller`` ``None`` = withheld;
    ``from_header`` replaces the whole From. ``at`` sets the clock on the demonstration trunk. With ``cancel`` the
    caller gives up before the answer, else after it, after ``hang_up_after`` seconds. ``expect``: the final code.
    """
    extra = dict(headers or {}) | ({"X-Amtsleitung-At": at} if at is not None else {})
    if from_header is None and caller is None:
        from_header = '"Anonymous" <sip:anonymous@anonymous.invalid>'
        extra.setdefault("Privacy", "id")
    values = {"HANG_UP_MS": str(int(hang_up_after * 1000)), **media(offer)}
    values["HEADERS"] = "".join(f"{name}: [header{number}]\n" for number, name in enumerate(extra))
    keys = {"dialled": dialled, "from": from_header or f"<sip:{caller}@{source}>"}
    keys |= {f"header{number}": value for number, value in enumerate(extra.values())}  # brackets in them stay text
    async with media_ear(source) as (ear, rtp_port), private_directory() as directory:
        process = await start_sipp(
            directory, "cancel" if cancel else "caller", values, keys | {"rtp_port": str(rtp_port)},
            address=source, port=free_port(socket.SOCK_DGRAM, source), remote=f"127.0.0.1:{pbx.sip_port}",
            calls=1, deadline=deadline,
        )  # fmt: skip
        async with ended(process):
            status = await asyncio.wait_for(process.wait(), deadline + 5)
        messages = text_of(directory / "messages.log")
        errors = text_of(directory / "errors.log") + text_of(directory / "output")
    codes = [int(code) for code in re.findall(r"^SIP/2\.0 ([2-6]\d\d) [^\r\n]*(?:\r?\n[^\r\n]+)*?\r?\nCSeq: 1 INVITE",
                                              messages, re.MULTILINE)]  # fmt: skip
    assert status == 0, f"SIPp ended with {status}.\n{errors[-2000:]}\n{messages[-6000:]}"
    assert codes, f"no final answer:\n{messages[-6000:]}"
    assert expect is None or codes[-1] == expect, f"{codes[-1]} instead of {expect}:\n{messages[-6000:]}"
    call_id = re.search(r"^Call-ID: ([^\r\n]+)", messages, re.MULTILINE)
    return Heard(
        code=codes[-1],
        call_id=call_id[1] if call_id else "",
        hung_up_by_us=bool(re.search(rf"^BYE sip:.*\r?\nVia: [^\n]*{re.escape(source)}", messages, re.MULTILINE)),
        messages=messages,
        ear=ear,
    )


@asynccontextmanager
async def telephone(
    pbx: PrivateAsterisk,
    device: str,
    *,
    answers_after: float | None = 0.1,
    hang_up_after: float = 60.0,
    final: str = "200 OK",
    deadline: float = 120.0,
) -> AsyncIterator[Telephone]:
    """An agent's telephone: registered and reachable; ``answers_after`` ``None`` = rings for ever."""
    port = free_port(socket.SOCK_DGRAM)
    secret = pbx.secrets[device]
    await register(pbx, device, secret, port=port)
    ring = 3600.0 if answers_after is None else answers_after
    try:
        async with _waiting(
            "127.0.0.1", port, final=final, ring=ring, hang_up_after=hang_up_after, deadline=deadline
        ) as phone:
            await _reachable(pbx, device)
            yield phone
    finally:
        await register(pbx, device, secret, port=port, expires_seconds=0)


@asynccontextmanager
async def desk(
    port: int,
    *,
    final: str = "200 OK",
    answers_after: float = 0.1,
    hang_up_after: float = 60.0,
    address: str = TOWN_HALL,
    deadline: float = 120.0,
) -> AsyncIterator[Telephone]:
    """A town hall's telephone system, or a carrier, at a trunk's address: rings, then answers with ``final``."""
    async with _waiting(
        address, port, final=final, ring=answers_after, hang_up_after=hang_up_after, deadline=deadline
    ) as it:
        yield it


async def register(pbx: PrivateAsterisk, device: str, secret: str, *, port: int, expires_seconds: int = 60) -> None:
    """Registers a device from this port of 127.0.0.1 (0 seconds: off again); raises `AssertionError` if refused."""
    async with private_directory() as directory:
        keys = {"device": device, "expires": str(expires_seconds)}
        process = await start_sipp(
            directory, "register", {}, keys, address="127.0.0.1", port=port,
            remote=f"127.0.0.1:{pbx.sip_port}", calls=1, deadline=10.0, more=("-au", device, "-ap", secret),
        )  # fmt: skip
        async with ended(process):
            status = await asyncio.wait_for(process.wait(), 15)
        messages = text_of(directory / "messages.log")
    assert status == 0, f"{device} could not register:\n{messages[-3000:]}"


async def _reachable(pbx: PrivateAsterisk, device: str) -> None:
    """Waits until Asterisk takes the device for reachable: its first OPTIONS is answered."""
    loop = asyncio.get_running_loop()
    end = loop.time() + 15
    while "Avail" not in await pbx.ami.command(f"pjsip show aor {device}"):
        assert loop.time() < end, f"{device} did not become reachable"
        with contextlib.suppress(AssertionError):
            await pbx.ami.event(start=len(pbx.ami.messages), deadline=0.2, Event="ContactStatus", AOR=device)


@asynccontextmanager
async def _waiting(
    address: str, port: int, *, final: str, ring: float, hang_up_after: float, deadline: float
) -> AsyncIterator[Telephone]:
    values = {
        "FINAL": final,
        "RING_MS": str(int(ring * 1000)),
        "HANG_UP_MS": str(int(hang_up_after * 1000)),
        "AFTER_ACK": "" if final.startswith("2") else 'next="4" ',
        **media(("g722", "alaw")),
    }
    async with media_ear(address) as (ear, rtp_port), private_directory() as directory:
        process = await start_sipp(
            directory, "telephone", values, {"rtp_port": str(rtp_port)},
            address=address, port=port, remote=None, calls=1000, deadline=deadline,
        )  # fmt: skip
        async with ended(process):
            yield Telephone(directory=directory, port=port, ear=ear)
