# SPDX-License-Identifier: EUPL-1.2
"""A decision's command, and the lines about it, from texts that were written before.

::

    EXEC MSet "ROUTE_KIND=enter_queue,…,ROUTE_DISPLAY=%s,ROUTE_DIALLED=%s,ROUTE_REDIRECTING=%s,…,ROUTE_OK=v1-%s"
               └ of destination, line, reasons ┘       └───────── of this call alone ─────────┘

The one rule: this only ever says what ``variables.commands`` says, and asks it for whatever is long or unusual. What is
kept here belongs to the very objects of the table that a decision refers to, never to a number or an instant.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from agi.fastagi.lines import LineTexts, line_texts
from agi.fastagi.protocol import MAXIMUM_COMMAND_BYTES
from agi.fastagi.variables import (
    CLOSING,
    DIALLED,
    DISPLAY,
    MAXIMUM_DIALLED_BYTES,
    MAXIMUM_DISPLAY_BYTES,
    NAMES,
    OK,
    REDIRECTING,
    agents_may_get_it,
    commands,
    commit_marker,
    display_of,
    encoded,
    is_safe,
    seconds_to,
    written_values,
)
from routing.core.decision import Closing, Decision, Destination, Step
from routing.core.table import Table

MAXIMUM_KEPT = 4_096  # texts of about 500 bytes
_LONGEST_NUMBER = 64  # characters; no readable number is longer


class _Text(NamedTuple):
    """What was written, and the objects for which it was: as long as they are held their identities are theirs.

    ``display`` is ``None`` if it depends on the instant.
    """

    destination: Destination
    overflow: tuple[Step, ...]
    closing: Closing | None
    display: str | None
    command: str
    lines: LineTexts


class CommandWriter:
    """Writes as ``variables.commands`` does, and keeps at most ``MAXIMUM_KEPT`` texts, all of one table."""

    __slots__ = ("_table", "_texts")

    def __init__(self) -> None:
        self._table: Table | None = None
        self._texts: dict[tuple[object, ...], _Text] = {}

    def commands(
        self, decision: Decision, table: Table, trunk: str | None, unique_id: str
    ) -> tuple[tuple[bytes, ...], LineTexts]:
        """The commands, and the texts for the lines about the call. Raises ``UnwritableError``."""
        text = self._text(decision, table, trunk)
        number, closing, seconds, display = decision.dialled_number, text.closing, "", text.display
        digits = number[1:] if number[:1] == "+" else number
        if len(number) <= _LONGEST_NUMBER and digits.isdecimal() and digits.isascii():
            number = number if digits is number else f"%2B{digits}"
        else:
            number = encoded(number, maximum_bytes=MAXIMUM_DIALLED_BYTES)
        if closing is not None:
            seconds = seconds_to(closing.until, decision.at)
        if display is None:
            display = _encoded_display(display_of(decision, table))
        redirecting = quote(decision.redirecting_number, safe="") if decision.redirecting_number else ""
        line = text.command % (display, number, redirecting, seconds, unique_id)
        if len(line) > MAXIMUM_COMMAND_BYTES or not is_safe(unique_id):
            return commands(decision, table, unique_id=unique_id), text.lines
        return (line.encode("ascii"),), text.lines

    def _text(self, decision: Decision, table: Table, trunk: str | None) -> _Text:
        if table is not self._table or len(self._texts) >= MAXIMUM_KEPT:
            self._table = table
            self._texts.clear()
        destination, overflow, closing, reasons = (
            decision.destination,
            decision.overflow,
            decision.closing,
            decision.reasons,
        )
        # A line's call nearly always has two.
        rules = (reasons[0].rule, reasons[1].rule) if len(reasons) == 2 else tuple([reason.rule for reason in reasons])
        key: tuple[object, ...]
        if decision.service_line is not None:
            key = (id(destination), id(overflow), id(closing), decision.tenant, decision.service_line, rules, trunk)
        elif overflow or closing is not None:
            return _written(decision, table, trunk)
        else:  # desks and the like are made for each call, but are small: they are known by their values
            key = (destination, decision.tenant, rules, trunk)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = _written(decision, table, trunk)
        return text


def _written(decision: Decision, table: Table, trunk: str | None) -> _Text:
    # The marker's end is of this call alone, and so are four values.
    values = written_values(decision) | {OK: commit_marker("")}
    values = {name: value.replace("%", "%%") for name, value in values.items()}
    values |= dict.fromkeys((DISPLAY, DIALLED, REDIRECTING), "%s")
    values |= {CLOSING: "%s", OK: f"{values[OK]}%s"}
    return _Text(
        destination=decision.destination,
        overflow=decision.overflow,
        closing=decision.closing,
        display=_steady_display(decision, table) if agents_may_get_it(decision) else "",
        command=f'EXEC MSet "{",".join(f"{name}={values[name]}" for name in NAMES)}"\n',
        lines=line_texts(decision, trunk),
    )


def _steady_display(decision: Decision, table: Table) -> str | None:
    line = table.lines.get((decision.tenant or "", decision.service_line or ""))
    return None if line is not None and len(line.editions) > 1 else _encoded_display(display_of(decision, table))


@lru_cache(maxsize=MAXIMUM_KEPT)
def _encoded_display(text: str) -> str:
    return encoded(text, maximum_bytes=MAXIMUM_DISPLAY_BYTES)
