# SPDX-License-Identifier: EUPL-1.2
"""What each path of the service does. Today there is one: ``/route`` asks ``decide`` and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from agi.fastagi.environment import Request
from agi.fastagi.kept import KeptAnswers
from agi.fastagi.lines import LineTexts
from agi.fastagi.protocol import Cause
from agi.fastagi.writing import CommandWriter
from routing.core.decide import decide
from routing.core.decision import Call, Decision
from routing.core.table import Table

ROUTE = "/route"
_REQUIRED = frozenset({"dialled", "trunk"})
_OPTIONAL = frozenset({"at"})


class Answer(NamedTuple):
    """The commands of a dialogue (nearly always one), and the decision that they carry out.

    ``decided`` may have been made for an earlier call, of another instant; ``decision`` is this call's.
    """

    commands: tuple[bytes, ...]
    request: Request
    decided: Decision
    at: datetime
    texts: LineTexts

    @property
    def call(self) -> Call:
        return call_of(self.request)

    @property
    def decision(self) -> Decision:
        return self.decided if self.decided.at == self.at else replace(self.decided, at=self.at)


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
    writer: CommandWriter = field(default_factory=CommandWriter)
    kept: KeptAnswers = field(default_factory=KeptAnswers)

    def __call__(self, request: Request) -> Answer:
        """The answer, at the time of the clock or, on a demonstration trunk, of the query. Raises ``RefusedError``."""
        if request.path != ROUTE:
            raise RefusedError(Cause.UNKNOWN_PATH, "Nothing is served under the requested path.")
        table = self.table()
        if table is None:
            raise RefusedError(Cause.NO_TABLE, "There is no table to decide with.")
        at = self.clock()
        query = request.query
        dialled, trunk = query.get("dialled"), query.get("trunk")
        if dialled is None or trunk is None or (len(query) > len(_REQUIRED) and query.keys() - _REQUIRED - _OPTIONAL):
            raise RefusedError(Cause.BAD_REQUEST, "The query must hold dialled and trunk, and may hold at.")
        if len(query) > len(_REQUIRED) and query["at"]:
            known = table.trunks.get(trunk)
            if known is not None and known.demonstration:
                at = _instant(query["at"])
        found = self.kept.find(table, request, dialled, trunk, at)
        if found is not None:
            decided, text, command = found
            return Answer((command,), request, decided, at, text)
        call = call_of(request)
        decided = decide(table, call, at)
        written, texts = self.writer.commands(decided, table, trunk, request.unique_id)
        self.kept.keep(table, call, decided, written, texts, request.unique_id)
        return Answer(written, request, decided, at, texts)


def call_of(request: Request) -> Call:
    """What ``decide`` is asked."""
    query = request.query
    return Call(
        dialled=query["dialled"],
        caller=request.caller,
        trunk=query["trunk"],
        diversion=request.diversion,
        history_info=request.history_info,
        to=request.to,
    )


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        aware = at.utcoffset() is not None
    except ValueError:
        aware = False
    if not aware:
        raise RefusedError(Cause.BAD_REQUEST, "at must be an ISO 8601 time with its offset from UTC.")
    return at
