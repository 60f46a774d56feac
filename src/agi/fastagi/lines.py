# SPDX-License-Identifier: EUPL-1.2
"""The two lines that a decided call leaves: one in the log, one in the journal.

They are written by hand, since one is written for each call: what structlog and ``json.dumps`` make of the same fields
is the measure of both (a property test), and whatever is unusual is left to them.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple, assert_never

from routing.config.journal import Entry
from routing.core.decision import (
    Call,
    Decision,
    Destination,
    DialExtension,
    EnterQueue,
    Forward,
    PlayAnnouncement,
    Reject,
)

LEVEL = "service"
_PLAIN = re.compile(r"[!#-<>-\[\]-~]*+")  # printable ASCII but space, ", = and \
_json = encode_basestring_ascii


def log_fields(call: Call, decision: Decision) -> dict[str, Any]:
    """What the log says of a decision; numbers in fields whose names begin with ``personal_``."""
    return {
        "kind": decision.kind,
        "tenant": decision.tenant,
        "service_line": decision.service_line,
        "trunk": call.trunk,
        "reasons": ".".join(reason.rule for reason in decision.reasons),
        "table_version": decision.table_version,
        "at": decision.at.isoformat(timespec="microseconds"),
        "personal_dialled": call.dialled,
        "personal_caller": call.caller,
    }


class LineTexts(NamedTuple):
    """Both lines but for what is of one call alone, as templates for ``%``."""

    log: str
    journal: str
    kind: str


def line_texts(decision: Decision, trunk: str | None) -> LineTexts:
    """For all calls that come by this trunk and are decided alike, but for number and instant."""
    queue, announcement, target = _parts(decision.destination)
    kind, tenant, line = decision.kind, decision.tenant, decision.service_line
    rules = [reason.rule for reason in decision.reasons]
    where = json.dumps(
        {"tenant": tenant, "line": line, "kind": kind, "queue": queue, "announcement": announcement, "target": target}
    )
    log = f"kind={kind} tenant={_quoted(tenant or '')} service_line={_quoted(line or '')} trunk={_quoted(trunk or '')}"
    why = f"reasons={_quoted('.'.join(rules))} table_version={decision.table_version}"
    return LineTexts(
        log='timestamp=%s.%06dZ level=info event="call routed" milliseconds=%.1f unique_id=%s '
        + f"{log} {why}".replace("%", "%%")
        + " at=%s",
        journal='{"at": "%s", "unique_id": %s, '
        + f'"trunk": {_json(trunk or "")}'.replace("%", "%%")
        + f', "received": %s, "caller": %s, "level": "{LEVEL}", "dialled": %s, '
        + where[1:-1].replace("%", "%%")
        + f', "version": {decision.table_version}, "reasons": {json.dumps(rules)}}}\n',
        kind=kind,
    )


def call_lines(
    texts: LineTexts,
    *,
    received: str,
    caller: str | None,
    dialled: str,
    at: datetime,
    unique_id: str,
    seconds: float,
    ended: float,
    personal: bool,
) -> tuple[str, str]:
    """What ``logs.configure_logs`` writes of ``log_fields``, without its end, and ``journal_entry(…).text()``.

    :param received: the text that was dialled, as it came; ``dialled``: as the decision has it.
    :param at: the decision's instant.
    :param seconds: how long the dialogue took.
    :param ended: when it ended, in seconds since 1970.
    :param personal: without it the numbers are left out of the log.
    """
    second = int(ended)
    if second != _Latest.second:
        _Latest.second, _Latest.stamp = second, datetime.fromtimestamp(second, UTC).isoformat()[: -len("+00:00")]
    iso = at.isoformat(timespec="microseconds")
    utc = iso if at.tzinfo is UTC else _utc(at).isoformat(timespec="microseconds")
    said = "null" if caller is None else f'"{caller}"'
    log = texts.log % (_Latest.stamp, (ended - second) * 1_000_000, seconds * 1000, unique_id, iso)
    if _PLAIN.fullmatch(f"{unique_id}{received}{dialled}{caller}"):
        journal = texts.journal % (utc, f'"{unique_id}"', f'"{received}"', said, f'"{dialled}"')
    else:
        said = "null" if caller is None else _json(caller)
        journal = texts.journal % (utc, _json(unique_id), _json(received), said, _json(dialled))
        received, caller = _quoted(received), _quoted(caller or "")
    return f"{log} personal_dialled={received} personal_caller={caller or ''}" if personal else log, journal


def _quoted(value: str) -> str:
    """As structlog's ``LogfmtRenderer`` does it."""
    quote = " " in value or "=" in value or '"' in value
    value = (value.replace("\\", "\\\\") if quote else value).replace('"', '\\"').replace("\n", "\\n")
    return f'"{value}"' if quote else value


def journal_entry(call: Call, decision: Decision, *, unique_id: str) -> Entry:
    """The decision as the journal holds it."""
    queue, announcement, target = _parts(decision.destination)
    return Entry(
        at=_utc(decision.at),
        unique_id=unique_id,
        trunk=call.trunk or "",
        received=call.dialled,
        caller=call.caller,
        level=LEVEL,
        dialled=decision.dialled_number,
        tenant=decision.tenant,
        line=decision.service_line,
        kind=decision.kind,
        queue=queue,
        announcement=announcement,
        target=target,
        version=decision.table_version,
        reasons=tuple(reason.rule for reason in decision.reasons),
    )


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _parts(destination: Destination) -> tuple[str | None, str | None, str | None]:
    """Queue, announcement and target."""
    match destination:
        case EnterQueue(queue=queue, announcement=announcement):
            return queue, announcement, None
        case PlayAnnouncement(announcement=announcement):
            return None, announcement, None
        case Forward(number=number) | DialExtension(number=number):
            return None, None, number
        case Reject():
            return None, None, None
        case _:
            assert_never(destination)


class _Latest:
    """The second of the last call, as it was written: the calls of one second share its beginning."""

    second = -1
    stamp = ""
