# SPDX-License-Identifier: EUPL-1.2
"""The one module that names every channel variable of a decision, and writes the command that sets them.

::

    EXEC MSet "ROUTE_KIND=enter_queue,ROUTE_TENANT=samtgemeinde-meinersen,…,ROUTE_OK=v1-1795314100.1"⏎
                                                                            ^^^^^^^^ the commit marker, always last

All variables are set on every call, those without use to nothing, so that none is left from before. Values hold
``A–Z a–z 0–9 _ . ~ % -`` only: free text is percent-encoded UTF-8 (``URIDECODE`` in the dialplan). Where long names
meet a long chain one command is too short for them: then there are two, and the marker ends the second.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import groupby
from typing import assert_never
from urllib.parse import quote

from agi.fastagi.protocol import MAXIMUM_COMMAND_BYTES, MAXIMUM_COMMANDS
from routing.core.chain import chain_text
from routing.core.decision import Closing, Decision, DialExtension, EnterQueue, Forward, PlayAnnouncement, Reject
from routing.core.table import Table

KIND = "ROUTE_KIND"
TENANT = "ROUTE_TENANT"
LINE = "ROUTE_LINE"
QUEUE = "ROUTE_QUEUE"
ANNOUNCEMENT = "ROUTE_ANNOUNCEMENT"
TARGET = "ROUTE_TARGET"
TRUNK = "ROUTE_TRUNK"
RING = "ROUTE_RING"
CAUSE = "ROUTE_CAUSE"
DISPLAY = "ROUTE_DISPLAY"
DIALLED = "ROUTE_DIALLED"
REDIRECTING = "ROUTE_REDIRECTING"
VERSION = "ROUTE_VERSION"
REASONS = "ROUTE_REASONS"
PRIORITY = "ROUTE_PRIORITY"
WAIT = "ROUTE_WAIT"
EXPECTED = "ROUTE_EXPECTED"
NOTICES = "ROUTE_NOTICES"
OVERFLOW = "ROUTE_OVERFLOW"
CLOSING = "ROUTE_CLOSING"
TOLD = "ROUTE_TOLD"
CLOSED = "ROUTE_CLOSED"
OK = "ROUTE_OK"

NAMES = (
    KIND, TENANT, LINE, QUEUE, ANNOUNCEMENT, TARGET, TRUNK, RING, CAUSE, DISPLAY, DIALLED, REDIRECTING, VERSION,
    REASONS, PRIORITY, WAIT, EXPECTED, NOTICES, OVERFLOW, CLOSING, TOLD, CLOSED, OK,
)  # fmt: skip
MAXIMUM_DIALLED_BYTES = 192  # encoded; every readable number has fewer than 64 characters
MAXIMUM_DISPLAY_BYTES = 300  # encoded; no telephone shows more
SHORTEST_DISPLAY_BYTES = 120  # encoded: rather two commands than an agent's display of fewer
MARKER_VERSION = "v1"

_SECOND = timedelta(seconds=1)
_SAFE = re.compile(r"[A-Za-z0-9_.~%-]*")
_ELLIPSIS = "…"


class UnwritableError(ValueError):
    """A decision cannot be written as safe commands of at most 1,000 bytes each."""


def commit_marker(unique_id: str) -> str:
    """What ``ROUTE_OK`` holds once everything before it was set, bound to the channel."""
    return f"{MARKER_VERSION}-{unique_id}"


def commands(decision: Decision, table: Table, *, unique_id: str) -> tuple[bytes, ...]:
    """The command lines, each with its line feed: at most 1,000 bytes of ASCII. Raises ``UnwritableError``.

    If there is too little room for one line the display is shortened first, at a character's end, and ends in ``…``.
    """
    values = _values(decision) | {OK: commit_marker(unique_id)}
    _check(values)
    display = display_of(decision, table) if agents_may_get_it(decision) else ""
    whole = encoded(display, maximum_bytes=MAXIMUM_DISPLAY_BYTES)
    room = MAXIMUM_COMMAND_BYTES - len(_line(_pairs(values)))
    if room >= min(SHORTEST_DISPLAY_BYTES, len(whole)):
        values[DISPLAY] = encoded(display, maximum_bytes=min(room, MAXIMUM_DISPLAY_BYTES))
        return (_line(_pairs(values)),)
    values[DISPLAY] = whole
    return _several(_pairs(values))


def encoded(text: str, *, maximum_bytes: int) -> str:
    """``text`` percent-encoded; if that is too long, its beginning and ``…``, or nothing if not even that fits."""
    whole = quote(text, safe="", errors="replace")
    if len(whole) <= maximum_bytes:
        return whole
    kept = quote(_ELLIPSIS, safe="")
    room = maximum_bytes - len(kept)
    if room < 0:
        return ""
    parts: list[str] = []
    for character in text:
        part = quote(character, safe="", errors="replace")
        room -= len(part)
        if room < 0:
            break
        parts.append(part)
    return "".join(parts) + kept


def _check(values: dict[str, str]) -> None:
    for name, value in values.items():
        if not _SAFE.fullmatch(value):
            raise UnwritableError(f"{name} would hold a character that is not allowed in a channel variable")


def _pairs(values: dict[str, str]) -> list[str]:
    return [f"{name}={values[name]}" for name in NAMES]


def _line(pairs: list[str]) -> bytes:
    return f'EXEC MSet "{",".join(pairs)}"\n'.encode("ascii")


def _several(pairs: list[str]) -> tuple[bytes, ...]:
    """As few lines as hold the pairs in their order."""
    lines: list[list[str]] = [[]]
    for pair in pairs:
        if len(_line([*lines[-1], pair])) > MAXIMUM_COMMAND_BYTES:
            lines.append([])
        lines[-1].append(pair)
    written = tuple(_line(line) for line in lines)
    if len(written) > MAXIMUM_COMMANDS or any(len(line) > MAXIMUM_COMMAND_BYTES for line in written):
        raise UnwritableError(
            f"the decision does not fit in {MAXIMUM_COMMANDS} commands of {MAXIMUM_COMMAND_BYTES} bytes"
        )
    return written


def written_values(decision: Decision) -> dict[str, str]:
    """Every variable but the display and the marker. Raises ``UnwritableError``."""
    values = _values(decision)
    _check(values)
    return values


def seconds_to(until: datetime, at: datetime) -> str:
    """Whole seconds from ``at`` to closing time, rounded up; none once it has come."""
    return str(max(0, -((at - until) // _SECOND)))


def is_safe(value: str) -> bool:
    """Whether a value may stand in a command as it is."""
    return _SAFE.fullmatch(value) is not None


def _values(decision: Decision) -> dict[str, str]:
    values = dict.fromkeys(NAMES, "")
    values[KIND] = decision.kind
    values[TENANT] = decision.tenant or ""
    values[LINE] = decision.service_line or ""
    # Cut with an ellipsis, so that the beginning of a long text is never taken for a number.
    values[DIALLED] = encoded(decision.dialled_number, maximum_bytes=MAXIMUM_DIALLED_BYTES)
    values[REDIRECTING] = quote(decision.redirecting_number or "", safe="")
    values[VERSION] = str(decision.table_version)
    values[REASONS] = ".".join(rule for rule, _ in groupby(reason.rule for reason in decision.reasons))
    values[OVERFLOW] = chain_text(decision.overflow)
    if decision.closing is not None:
        values |= _closing(decision, decision.closing)
    match decision.destination:
        case EnterQueue() as queue:
            values |= _queue(queue)
        case PlayAnnouncement(announcement=announcement):
            values[ANNOUNCEMENT] = announcement
        case Forward(number=number, trunk=trunk, ring_seconds=ring):
            values |= {TARGET: quote(number, safe=""), TRUNK: trunk, RING: str(ring)}
        case DialExtension(number=number, trunk=trunk, ring_seconds=ring):
            values |= {TARGET: quote(number, safe=""), TRUNK: trunk, RING: str(ring)}
        case Reject(cause=cause):
            values[CAUSE] = str(cause)
        case _:
            assert_never(decision.destination)
    return values


def _queue(destination: EnterQueue) -> dict[str, str]:
    expected = destination.expected_wait_seconds
    return {
        QUEUE: destination.queue,
        ANNOUNCEMENT: destination.announcement or "",
        PRIORITY: str(destination.priority),
        WAIT: str(destination.wait_seconds),
        EXPECTED: "" if expected is None else str(expected),
        NOTICES: "~".join(destination.notices),
    }


def _closing(decision: Decision, closing: Closing) -> dict[str, str]:
    return {
        CLOSING: seconds_to(closing.until, decision.at),
        TOLD: closing.announcement,
        CLOSED: chain_text(closing.steps),
    }


def display_of(decision: Decision, table: Table) -> str:
    """For whom the call is: for agents, if ``agents_may_get_it``."""
    if decision.tenant is None or decision.service_line is None:
        return ""
    line = table.lines.get((decision.tenant, decision.service_line))
    return line.edition_near(decision.at).display if line is not None else ""


def agents_may_get_it(decision: Decision) -> bool:
    """Whether the call goes to a queue, at once or later."""
    later = (*decision.overflow, *(decision.closing.steps if decision.closing else ()))
    return any(isinstance(it, EnterQueue) for it in (decision.destination, *(step.destination for step in later)))
