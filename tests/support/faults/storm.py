# SPDX-License-Identifier: EUPL-1.2
"""Many callers at a rate, each with a number of their own, and what SIP told each of them.

    told = await storm(pbx, dials, rate=20, source=sipp.DEMONSTRATION)
    told[dials[0].caller].code, told[dials[0].caller].waited_ms

One SIPp process makes all calls of a storm; times are those at which SIPp sent and received the messages.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path

from amtsleitung.telephones.sipp import media_blanks, start_sipp
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.ear import media_ear
from tests.support.sipp import FOLDER

SCENARIOS = Path(__file__).with_name("scenarios")
FICTION = ("03023125", "04066969", "06990009", "08999998")
"""Each has a thousand numbers that nobody has (Bundesnetzagentur)."""
HANG_UP_SECONDS = 0.3
_LEFT_SECONDS = 40.0  # beyond the last call's start: its wait, its end, and a busy machine
_MESSAGE = re.compile(r"^-{20,} (\S+ \S+)\nUDP message (sent|received) [^\n]*\n\n", re.MULTILINE)
_CALL_ID = re.compile(r"^Call-ID: ([^\r\n]+)", re.MULTILINE)
_CALLER = re.compile(r"^From: <sip:([^@]+)@", re.MULTILINE)
_ANSWER = re.compile(r"SIP/2\.0 ([1-6]\d\d) ")
_OF_INVITE = re.compile(r"^CSeq: 1 INVITE", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """One call to make: ``dialled`` as it stands in the request URI; ``at`` is the clock on the demonstration trunk."""

    dialled: str
    caller: str
    at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Told:
    """What SIP told one caller. ``code``: the final answer, ``None`` if there was none.

    ``waited_ms``: from the INVITE to the first answer that says more than that it has come.
    """

    asked_at: datetime
    code: int | None = None
    waited_ms: float | None = None


async def storm(
    pbx: PrivateAsterisk,
    dials: Sequence[Dial],
    *,
    rate: float,
    source: str,
    hang_up_after: float = HANG_UP_SECONDS,
    gives_up: bool = False,
) -> Mapping[str, Told]:
    """Makes these calls, ``rate`` of them a second, and waits for their ends; what was told, by caller.

    Callers hang up ``hang_up_after`` seconds behind the answer; with ``gives_up`` they cancel after that time instead.
    """
    callers = [dial.caller for dial in dials]
    assert len(set(callers)) == len(callers), "each call of a storm needs a caller of its own"
    lines = [f"{dial.dialled};{dial.caller};{dial.at.isoformat() if dial.at else ''}" for dial in dials]
    blanks = {
        **media_blanks(),
        "HANG_UP_MS": str(round(hang_up_after * 1000)),
        "HEADERS": "X-Amtsleitung-At: [field2]\n" if all(dial.at for dial in dials) else "",
    }
    deadline = len(dials) / rate + hang_up_after + _LEFT_SECONDS
    async with (
        media_ear(source) as (_, rtp_port),
        start_sipp(
            "impatient" if gives_up else "storm", scenarios=SCENARIOS, blanks=blanks | {"RTP_PORT": str(rtp_port)},
            directory=FOLDER, address=source, port=free_port(socket.SOCK_DGRAM, address=source),
            remote=f"127.0.0.1:{pbx.sip_port}", calls=len(dials), deadline_seconds=deadline,
            options=("-l", "2000", "-inf", "calls.csv", "-r", f"{rate:g}"),
            files={"calls.csv": "\n".join(["SEQUENTIAL", *lines, ""])},
        ) as run,
    ):  # fmt: skip
        assert await run.child.ends_within(deadline + 5), "SIPp did not end"
        told = dict(read_told(run.messages))
    assert told.keys() <= set(callers), told.keys() - set(callers)
    assert len(told) == len(dials), f"SIPp made only {len(told)} of {len(dials)} calls: {run.complaint}"
    return told


def read_told(messages: str) -> Iterator[tuple[str, Told]]:
    """Caller and what was told, of SIPp's message log."""
    told: dict[str, Told] = {}
    callers: dict[str, str] = {}
    parts = _MESSAGE.split(messages)[1:]
    for at, direction, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        call_id, caller = _CALL_ID.search(text), _CALLER.search(text)
        if call_id is None or not _OF_INVITE.search(text):
            continue
        instant = datetime.fromisoformat(at).astimezone()
        if direction == "sent" and text.startswith("INVITE ") and caller is not None:
            told.setdefault(call_id[1], Told(asked_at=instant))
            callers[call_id[1]] = caller[1]
        elif direction == "received" and call_id[1] in told and (answer := _ANSWER.match(text)):
            _take(told[call_id[1]], int(answer[1]), instant)
    yield from ((callers[key], result) for key, result in told.items())


def _take(told: Told, code: int, at: datetime) -> None:
    if code > 100 and told.waited_ms is None:
        told.waited_ms = (at - told.asked_at).total_seconds() * 1000
    if code >= 200 and told.code is None:
        told.code = code


def fictional_callers() -> Iterator[str]:
    """Four thousand numbers, as a national trunk writes them."""
    for last, block in product(range(1000), FICTION):
        yield f"{block}{last:03}"
