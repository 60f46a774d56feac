# SPDX-License-Identifier: EUPL-1.2
"""One line in the log for each dialogue. Numbers stand in fields whose names begin with ``personal_``.

``log_dialogue`` writes any of them, by structlog. ``CallLog`` writes the same, but those of decided calls, which are
nearly all, by hand and several at once: a call costs microseconds, structlog's line takes as many as the decision.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from time import time
from typing import Any

import structlog

from agi.fastagi.dialogue import Dialogue
from agi.fastagi.handlers import Answer
from agi.fastagi.lines import call_lines, log_fields
from agi.fastagi.protocol import Accepted, Cause, Failed

_LOG = structlog.get_logger("agi.fastagi")
# A connection that says nothing and goes is a health check or a port scan.
_PROBE = frozenset({Cause.PEER_CLOSED})
GATHER_SECONDS = 0.02
MAXIMUM_GATHERED = 100  # dialogues


class CallLog:
    """Writes down each dialogue that has ended: in the log, and in the journal if its decision was carried out.

    The log's lines go out within 20 ms, in the order in which the dialogues ended; ``flush`` writes what is left.

    :param write: takes several lines, without the last one's end.
    :param personal: whether the numbers are written into the log.
    :param journal: takes one or several lines, each with its end.
    """

    def __init__(
        self, write: Callable[[str], object], *, personal: bool, journal: Callable[[str], None] | None = None
    ) -> None:
        self._write = write
        self._personal = personal
        self._journal = journal
        self._ended: list[tuple[Answer, float, float]] = []
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self, dialogue: Dialogue, seconds: float) -> None:
        """In place of ``log_dialogue``; called in an event loop."""
        answer = dialogue.answer
        if answer is None or not isinstance(dialogue.outcome, Accepted):
            self.flush()
            log_dialogue(dialogue, seconds)
            return
        if dialogue.hung_up:
            self.flush()
            if self._journal is not None:
                self._journal(self._both(answer, seconds, time())[1])
            log_dialogue(dialogue, seconds)
            return
        self._ended.append((answer, seconds, time()))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self.flush)
        elif len(self._ended) >= MAXIMUM_GATHERED:
            self.flush()

    def flush(self) -> None:
        """Writes down what has ended; all at once, which is cheaper than one after the other."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        ended, self._ended = self._ended, []
        if not ended:
            return
        written = [self._both(*one) for one in ended]
        if self._journal is not None:
            self._journal("".join([journal for _, journal in written]))
        self._write("\n".join([log for log, _ in written]))

    def _both(self, answer: Answer, seconds: float, ended: float) -> tuple[str, str]:
        request = answer.request
        return call_lines(
            answer.texts,
            received=request.query["dialled"],
            caller=request.caller,
            dialled=answer.decided.dialled_number,
            at=answer.at,
            unique_id=request.unique_id,
            seconds=seconds,
            ended=ended,
            personal=self._personal,
        )


def log_dialogue(dialogue: Dialogue, seconds: float) -> None:
    """Writes how the dialogue ended, and the decision if there was one."""
    fields: dict[str, Any] = {"milliseconds": round(seconds * 1000, 1)}
    if dialogue.request is not None:
        fields["unique_id"] = dialogue.request.unique_id
    if dialogue.hung_up:
        fields["hung_up"] = True
    if dialogue.answer is not None:
        fields |= log_fields(dialogue.answer.call, dialogue.answer.decision)
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
