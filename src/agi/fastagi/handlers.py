# SPDX-License-Identifier: EUPL-1.2
"""What each path of the service does. Today there is one: ``/route`` asks ``decide`` and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from agi.fastagi.protocol import Cause, Request
from agi.fastagi.variables import commands
from routing.core.decide import decide
from routing.core.decision import Call, Decision
from routing.core.table import Table

ROUTE = "/route"
_REQUIRED = frozenset({"dialled", "trunk"})
_OPTIONAL = frozenset({"at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The commands of a dialogue (nearly always one), and the decision that they carry out."""

    commands: tuple[bytes, ...]
    call: Call
    decision: Decision


class RefusedError(Exception):
    """A request that gets no command, so that the dialplan's own fallback decides."""

    def __init__(self, cause: Cause, sentence: str) -> None:
        super().__init__(sentence)
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """Answers requests with the table of this moment and the time of ``clock`` (aware)."""

    table: Callable[[], Table | None]
    clock: Callable[[], datetime]

    def __call__(self, request: Request) -> Answer:
        """The answer; raises ``RefusedError``."""
        if request.path != ROUTE:
            raise RefusedError(Cause.UNKNOWN_PATH, "Nothing is served under the requested path.")
        table = self.table()
        if table is None:
            raise RefusedError(Cause.NO_TABLE, "There is no table to decide with.")
        return route(request, table, self.clock())


def route(request: Request, table: Table, at: datetime) -> Answer:
    """Decides the call in the query at ``at``; on a demonstration trunk at the query's own ``at``, if it has one."""
    query = request.query
    if _REQUIRED - query.keys() or query.keys() - _REQUIRED - _OPTIONAL:
        raise RefusedError(Cause.BAD_REQUEST, "The query must hold dialled and trunk, and may hold at.")
    call = Call(
        dialled=query["dialled"],
        caller=request.caller,
        trunk=query["trunk"],
        diversion=request.diversion,
        history_info=request.history_info,
        to=request.to,
    )
    trunk = table.trunks.get(query["trunk"])
    asked = query.get("at", "")
    if asked and trunk is not None and trunk.demonstration:
        at = _instant(asked)
    decision = decide(table, call, at)
    return Answer(commands=commands(decision, table, unique_id=request.unique_id), call=call, decision=decision)


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        aware = at.utcoffset() is not None
    except ValueError:
        aware = False
    if not aware:
        raise RefusedError(Cause.BAD_REQUEST, "at must be an ISO 8601 time with its offset from UTC.")
    return at
