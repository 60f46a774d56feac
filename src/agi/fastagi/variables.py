# SPDX-License-Identifier: EUPL-1.2
"""The one module that names every channel variable of a decision, and writes the one command that sets them.

::

    EXEC MSet "ROUTE_KIND=enter_queue,ROUTE_TENANT=samtgemeinde-meinersen,…,ROUTE_OK=v1-1795314100.1"⏎
                                                                            ^^^^^^^^ the commit marker, always last

All variables are set on every call, those without use to nothing, so that none is left from before. Values hold
``A–Z a–z 0–9 _ . ~ % -`` only: free text is percent-encoded UTF-8 (``URIDECODE`` in the dialplan).
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import assert_never
from urllib.parse import quote

from agi.fastagi.protocol import MAXIMUM_COMMAND_BYTES
from routing.core.decision import Decision, DialExtension, EnterQueue, Forward, PlayAnnouncement, Reject
from routing.core.table import Table

KIND = "ROUTE_KIND"
TENANT = "ROUTE_TENANT"
LINE = "ROUTE_LINE"
QUEUE = "ROUTE_QUEUE"
ANNOUNCEMENT = "ROUTE_ANNOUNCEMENT"
TARGET = "ROUTE_TARGET"
TRUNK = "ROUTE_TRUNK"
CAUSE = "ROUTE_CAUSE"
DISPLAY = "ROUTE_DISPLAY"
DIALLED = "ROUTE_DIALLED"
VERSION = "ROUTE_VERSION"
REASONS = "ROUTE_REASONS"
OK = "ROUTE_OK"

NAMES = (KIND, TENANT, LINE, QUEUE, ANNOUNCEMENT, TARGET, TRUNK, CAUSE, DISPLAY, DIALLED, VERSION, REASONS, OK)
MAXIMUM_DIALLED_BYTES = 192  # encoded; every readable number has fewer than 64 characters
MARKER_VERSION = "v1"

_SAFE = re.compile(r"[A-Za-z0-9_.~%-]*")
_ELLIPSIS = "…"


class UnwritableError(ValueError):
    """A decision cannot be written as one safe command of at most 1,000 bytes."""


def commit_marker(unique_id: str) -> str:
    """What ``ROUTE_OK`` holds once everything before it was set, bound to the channel."""
    return f"{MARKER_VERSION}-{unique_id}"


def command(decision: Decision, table: Table, *, unique_id: str) -> bytes:
    """The command line, with its line feed: at most 1,000 bytes of ASCII. Raises ``UnwritableError``.

    If there is too little room the display is shortened first, at a character's end, and ends in ``…``.
    """
    values = _values(decision) | {OK: commit_marker(unique_id)}
    room = MAXIMUM_COMMAND_BYTES - len(_written(values))
    values[DISPLAY] = encoded(_display(decision, table), maximum_bytes=max(room, 0))
    line = _written(values)
    if len(line) > MAXIMUM_COMMAND_BYTES:
        raise UnwritableError(
            f"the command has {len(line)} bytes without a display: at most {MAXIMUM_COMMAND_BYTES} fit"
        )
    return line


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


def _written(values: dict[str, str]) -> bytes:
    for name, value in values.items():
        if not _SAFE.fullmatch(value):
            raise UnwritableError(f"{name} would hold a character that is not allowed in a channel variable")
    pairs = ",".join(f"{name}={values[name]}" for name in NAMES)
    return f'EXEC MSet "{pairs}"\n'.encode("ascii")


def _values(decision: Decision) -> dict[str, str]:
    values = dict.fromkeys(NAMES, "")
    values[KIND] = decision.kind
    values[TENANT] = decision.tenant or ""
    values[LINE] = decision.service_line or ""
    # Cut with an ellipsis, so that the beginning of a long text is never taken for a number.
    values[DIALLED] = encoded(decision.dialled_number, maximum_bytes=MAXIMUM_DIALLED_BYTES)
    values[VERSION] = str(decision.table_version)
    values[REASONS] = ".".join(rule for rule, _ in groupby(reason.rule for reason in decision.reasons))
    match decision.destination:
        case EnterQueue(queue=queue, announcement=announcement):
            values[QUEUE], values[ANNOUNCEMENT] = queue, announcement
        case PlayAnnouncement(announcement=announcement):
            values[ANNOUNCEMENT] = announcement
        case Forward(number=number, trunk=trunk) | DialExtension(number=number, trunk=trunk):
            values[TARGET], values[TRUNK] = quote(number, safe=""), trunk
        case Reject(cause=cause):
            values[CAUSE] = str(cause)
        case _:
            assert_never(decision.destination)
    return values


def _display(decision: Decision, table: Table) -> str:
    if not isinstance(decision.destination, EnterQueue) or decision.tenant is None or decision.service_line is None:
        return ""
    line = table.lines.get((decision.tenant, decision.service_line))
    return line.display if line is not None else ""
