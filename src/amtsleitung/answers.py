# SPDX-License-Identifier: EUPL-1.2
"""A decision as the JSON object that ``route`` prints."""

from __future__ import annotations

from typing import Any, assert_never

from routing.core.decision import (
    Decision,
    DialExtension,
    EnterQueue,
    Forward,
    PlayAnnouncement,
    Reject,
)


def answer_of(decision: Decision) -> dict[str, Any]:
    """``target`` is the extension, the number forwarded to, or the cause (Q.850) of a rejection, as text."""
    queue: str | None = None
    announcement: str | None = None
    target: str | None = None
    match decision.destination:
        case EnterQueue(queue=queue, announcement=announcement):
            pass
        case PlayAnnouncement(announcement=announcement):
            pass
        case Forward(number=target):
            pass
        case DialExtension(extension=target):
            pass
        case Reject(cause=cause):
            target = str(cause)
        case _:
            assert_never(decision.destination)
    return {
        "dialled_number": decision.dialled_number,
        "tenant": decision.tenant,
        "service_line": decision.service_line,
        "kind": decision.kind,
        "queue": queue,
        "announcement": announcement,
        "target": target,
        "reasons": [
            {"rule": reason.rule, "parameters": dict(reason.parameters), "detail": reason.detail}
            for reason in decision.reasons
        ],
        "table_version": decision.table_version,
        "at": decision.at.isoformat(),
    }
