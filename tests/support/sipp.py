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
import os
import re
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amtsleitung.telephones.sipp import SCENARIOS, SippRun, media_blanks, plain, start_sipp
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.ear import Ear, media_ear

FOLDER = Path(tempfile.gettempdir()) / f"amtsleitung-sipp-{os.getuid()}"
OWN_SCENARIOS = Path(__file__).with_name("scenarios")
UNAUTHORISED = 401
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

    run: SippRun
    port: int
    ear: Ear = field(default_factory=Ear)

    @property
    def messages(self) -> str:
        """All SIP messages so far, as they went over the wire."""
        return self.run.messages

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
    blanks = {
        **media_blanks(offer),
        "HANG_UP_MS": _milliseconds(hang_up_after),
        "HEADERS": "".join(f"{name}: {plain(value)}\n" for name, value in extra.items()),
        "DIALLED": plain(dialled),
        "FROM": plain(from_header or f"<sip:{caller}@{source}>"),
    }
    async with (
        media_ear(source) as (ear, rtp_port),
        start_sipp(
            "cancel" if cancel else "caller", scenarios=OWN_SCENARIOS if cancel else SCENARIOS,
            blanks=blanks | {"RTP_PORT": str(rtp_port)}, directory=FOLDER, address=source,
            port=free_port(socket.SOCK_DGRAM, address=source), remote=f"127.0.0.1:{pbx.sip_port}", calls=1,
            deadline_seconds=deadline,
        ) as run,
    ):  # fmt: skip
        await run.child.ends_within(deadline + 5)
        status, messages, complaint = run.child.returncode, run.messages, run.complaint
    codes = [int(code) for code in re.findall(r"^SIP/2\.0 ([2-6]\d\d) [^\r\n]*(?:\r?\n[^\r\n]+)*?\r?\nCSeq: 1 INVITE",
                                              messages, re.MULTILINE)]  # fmt: skip
    assert status == 0, f"SIPp ended with {status} ({complaint}).\n{messages[-6000:]}"
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


async def observed_call(pbx: PrivateAsterisk, **wanted: Any) -> Heard:
    """The same, and then all that AMI says about it among ``pbx.ami.messages``."""
    start = len(pbx.ami.messages)
    heard = await call(pbx, **wanted)
    if heard.code != UNAUTHORISED:  # strangers get no channel
        # AMI tells of a call after SIP has ended it; that no channel is left says nothing before the first was seen.
        await pbx.ami.event(start=start, Event="Newchannel")
    await pbx.no_channels_left()
    return heard


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
            await reachable(pbx, device)
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
    blanks = {"DEVICE": plain(device), "SECRET": plain(secret), "EXPIRES": str(expires_seconds)}
    async with start_sipp(
        "register", blanks=blanks, directory=FOLDER, address="127.0.0.1", port=port,
        remote=f"127.0.0.1:{pbx.sip_port}", calls=1, deadline_seconds=10.0,
    ) as run:  # fmt: skip
        await run.child.ends_within(15)
        assert run.child.returncode == 0, f"{device} could not register:\n{run.messages[-3000:]}"


async def reachable(pbx: PrivateAsterisk, device: str) -> None:
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
    blanks = {
        **media_blanks(),
        "FINAL": final,
        "RING_MS": _milliseconds(ring),
        "HANG_UP_MS": _milliseconds(hang_up_after),
        "AFTER_ACK": "" if final.startswith("2") else 'next="4" ',
    }
    async with (
        media_ear(address) as (ear, rtp_port),
        start_sipp(
            "telephone", blanks=blanks | {"RTP_PORT": str(rtp_port)}, directory=FOLDER, address=address, port=port,
            remote=None, calls=1000, deadline_seconds=deadline,
        ) as run,
    ):  # fmt: skip
        yield Telephone(run=run, port=port, ear=ear)


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
