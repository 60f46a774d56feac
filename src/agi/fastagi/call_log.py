# SPDX-License-Identifier: EUPL-1.2
"""One line in the log for each dialogue. Numbers stand in fields whose names begin with ``personal_``."""

from __future__ import annotations

import traceback
from typing import Any

import structlog

from agi.fastagi.dialogue import Dialogue
from agi.fastagi.protocol import Cause, Failed

_LOG = structlog.get_logger("agi.fastagi")
# A connection that says nothing and goes is a health check or a port scan.
_PROBE = frozenset({Cause.PEER_CLOSED})


def log_dialogue(dialogue: Dialogue, *, seconds: float) -> None:
    """Writes how the dialogue ended, and the decision if there was one."""
    fields: dict[str, Any] = {"milliseconds": round(seconds * 1000, 1)}
    if dialogue.request is not None:
        fields["unique_id"] = dialogue.request.unique_id
    if dialogue.hung_up:
        fields["hung_up"] = True
    if dialogue.answer is not None:
        decision, call = dialogue.answer.decision, dialogue.answer.call
        fields |= {
            "kind": decision.kind,
            "tenant": decision.tenant,
            "service_line": decision.service_line,
            "trunk": call.trunk,
            "reasons": ".".join(reason.rule for reason in decision.reasons),
            "table_version": decision.table_version,
            "at": decision.at.isoformat(),
            "personal_dialled": call.dialled,
            "personal_caller": call.caller,
        }
    outcome = dialogue.outcome
    if not isinstance(outcome, Failed):
        _LOG.info("call routed", **fields)
        return
    fields |= {"cause": outcome.cause.value, "detail": outcome.detail}
    if dialogue.error is not None:
        fields |= {"error": type(dialogue.error).__name__, "stack": _places(dialogue.error)}
        _LOG.error("call not routed", personal_error=str(dialogue.error), **fields)
    elif outcome.cause in _PROBE and dialogue.request is None:
        _LOG.info("connection without a request", **fields)
    else:
        _LOG.warning("call not routed", **fields)


def _places(error: BaseException) -> str:
    """Where it happened, innermost last: without the errors' own words, which may repeat what a caller sent."""
    places = traceback.format_tb(error.__traceback__)
    inner = error.__cause__ or error.__context__
    return f"{_places(inner) if inner is not None else ''}{''.join(places)}"
