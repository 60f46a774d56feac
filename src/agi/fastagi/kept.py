# SPDX-License-Identifier: EUPL-1.2
"""Answers that hold for the next who dials the same: ``routing.core.steady`` says for how long.

The one rule: an answer is found only for the same text by the same trunk, with no number in a header, by the same
table, and at an instant of its span. A call that is not found is decided.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from agi.fastagi.environment import Request
from agi.fastagi.lines import LineTexts
from agi.fastagi.protocol import MAXIMUM_COMMAND_BYTES
from agi.fastagi.variables import CLOSING, OK, commit_marker, seconds_to
from routing.core.decision import Call, Decision
from routing.core.steady import steady_span
from routing.core.table import Table

MAXIMUM_KEPT = 4_096  # of about two kilobytes
LONGEST_KEPT = 32  # characters that were dialled: no number is longer
LONGEST_COMMAND_KEPT = MAXIMUM_COMMAND_BYTES - 150  # no part of it was shortened because a channel's name is long


class _Kept(NamedTuple):
    start: datetime
    end: datetime
    until: datetime | None  # closing time
    decided: Decision
    texts: LineTexts
    command: str


class KeptAnswers:
    """At most ``MAXIMUM_KEPT``, all of one table."""

    __slots__ = ("_kept", "_table")

    def __init__(self) -> None:
        self._table: Table | None = None
        self._kept: dict[tuple[str, str], _Kept] = {}

    def find(
        self, table: Table, request: Request, dialled: str, trunk: str, at: datetime
    ) -> tuple[Decision, LineTexts, bytes] | None:
        """A decision that is this call's but for its instant, the texts about it, and its command."""
        kept = self._kept.get((dialled, trunk))
        if kept is None or table is not self._table or not kept.start <= at < kept.end:
            return None
        if request.diversion is not None or request.history_info is not None or request.to is not None:
            return None
        seconds = "" if kept.until is None else seconds_to(kept.until, at)
        command = kept.command % (seconds, request.unique_id)
        if len(command) > MAXIMUM_COMMAND_BYTES:
            return None
        return kept.decided, kept.texts, command.encode("ascii")

    def keep(
        self,
        table: Table,
        call: Call,
        decided: Decision,
        commands: tuple[bytes, ...],
        texts: LineTexts,
        unique_id: str,
    ) -> None:
        """Keep what was answered to a call, if it holds for others."""
        if len(commands) != 1 or len(commands[0]) > LONGEST_COMMAND_KEPT:
            return
        if len(call.dialled) > LONGEST_KEPT or call.trunk is None:
            return
        if (span := steady_span(table, call, decided)) is None:
            return
        if table is not self._table or len(self._kept) >= MAXIMUM_KEPT:
            self._table = table
            self._kept.clear()
        command = _template(commands[0].decode("ascii"), unique_id)
        until = None if decided.closing is None else decided.closing.until
        self._kept[call.dialled, call.trunk] = _Kept(*span, until, decided, texts, command)


def _template(command: str, unique_id: str) -> str:
    """With ``%s`` for the seconds until closing time, and for the channel in the marker at its end."""
    before, name, rest = command.replace("%", "%%").partition(f",{CLOSING}=")
    _, comma, rest = rest.partition(",")
    marker = f"{OK}={commit_marker(unique_id)}"
    assert comma, "every command sets every variable"
    assert marker in rest, "and the marker"
    return f"{before}{name}%s{comma}" + rest.replace(marker, f"{OK}={commit_marker('')}%s")
