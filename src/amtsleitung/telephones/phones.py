# SPDX-License-Identifier: EUPL-1.2
"""A caller behind a trunk, and an agent's telephone that registers, rings and answers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from amtsleitung.errors import Problem
from amtsleitung.processes import free_udp_port
from amtsleitung.telephones.sipp import SippRun, media_blanks, plain, start_sipp

MILLISECONDS = 1_000
REGISTER_SECONDS = 10.0
EXPIRES_SECONDS = 60
_FINAL_ANSWER = re.compile(r"^SIP/2\.0 ([2-6]\d\d) [^\r\n]*(?:\r?\n[^\r\n]+)*?\r?\nCSeq: 1 INVITE", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A caller's call under way."""

    run: SippRun

    async def over(self, *, deadline_seconds: float) -> int:
        """Waits for the call's end; the final SIP code of its INVITE. Raises ``Problem``."""
        if not await self.run.child.ends_within(deadline_seconds):
            raise Problem(f"The call did not end within {deadline_seconds:g} seconds: look at the log of asterisk.")
        codes = _FINAL_ANSWER.findall(self.run.messages)
        if not codes:
            raise Problem(f"Asterisk did not answer the call ({self.run.complaint}): look at its log.")
        return int(codes[-1])


@asynccontextmanager
async def place(
    *,
    sip: str,
    source: str,
    dialled: str,
    caller: str | None,
    headers: dict[str, str],
    directory: Path,
    talk_seconds: float,
    deadline_seconds: float,
) -> AsyncIterator[Placed]:
    """One call from the trunk address ``source`` to ``sip``; the caller hangs up after ``talk_seconds`` connected.

    ``dialled`` may be any text (it is percent-encoded); ``caller`` ``None`` withholds the number. ``directory``: where
    SIPp's folder is made, here and below.
    """
    lines = dict(headers)
    if caller is None:
        lines["Privacy"] = "id"
        sender = '"Anonymous" <sip:anonymous@anonymous.invalid>'
    else:
        sender = f"<sip:{quote(caller, safe='+')}@{source}>"
    blanks = {
        **media_blanks(),
        "HANG_UP_MS": str(int(talk_seconds * MILLISECONDS)),
        "HEADERS": "".join(f"{name}: {plain(value)}\n" for name, value in lines.items()),
        "DIALLED": plain(quote(dialled, safe="+")),
        "FROM": plain(sender),
        "RTP_PORT": str(free_udp_port()),
    }
    async with start_sipp(
        "caller", blanks=blanks, directory=directory, address=source, port=free_udp_port(), remote=sip, calls=1,
        deadline_seconds=deadline_seconds,
    ) as run:  # fmt: skip
        yield Placed(run=run)


@asynccontextmanager
async def telephone(
    *, address: str, port: int, directory: Path, ring_seconds: float, talk_seconds: float, deadline_seconds: float
) -> AsyncIterator[SippRun]:
    """A telephone that rings for ``ring_seconds``, answers, and hangs up after ``talk_seconds``."""
    blanks = {
        **media_blanks(),
        "FINAL": "200 OK",
        "RING_MS": str(int(ring_seconds * MILLISECONDS)),
        "HANG_UP_MS": str(int(talk_seconds * MILLISECONDS)),
        "AFTER_ACK": "",
        "RTP_PORT": str(free_udp_port()),
    }
    async with start_sipp(
        "telephone", blanks=blanks, directory=directory, address=address, port=port, remote=None, calls=1_000,
        deadline_seconds=deadline_seconds,
    ) as run:  # fmt: skip
        yield run


async def registered(
    *, sip: str, device: str, secret: str, port: int, directory: Path, address: str = "127.0.0.1"
) -> None:
    """Registers a device at ``sip`` for a telephone on ``address:port``. Raises ``Problem`` if it is refused."""
    blanks = {"DEVICE": plain(device), "SECRET": plain(secret), "EXPIRES": str(EXPIRES_SECONDS)}
    async with start_sipp(
        "register", blanks=blanks, directory=directory, address=address, port=port, remote=sip, calls=1,
        deadline_seconds=REGISTER_SECONDS,
    ) as run:  # fmt: skip
        ended = await run.child.ends_within(REGISTER_SECONDS + 1)
        if not ended or run.child.returncode != 0:
            raise Problem(f"{device} could not register at {sip} ({run.complaint}): look at the log of asterisk.")
