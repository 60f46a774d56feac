# SPDX-License-Identifier: EUPL-1.2
"""What the dialplan's fallback cannot hold, row by row, and what its callers get instead.

AstDB holds every rule for the coming 60 days. The include, which decides when AstDB cannot, holds rules and not days:
what is dated is in it for two days from its making. Each sentence begins with a code::

    include_special_hours  include_override  include_notice  include_on_call  include_closing_time  astdb_notices
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from routing.core.line import ServiceLine
from routing.core.places import place_of
from routing.core.rows import Problem, ServiceLineRow
from routing.core.table import Table

INCLUDE_DAYS = 2
"""For how long the include holds what is dated."""
NOTICE_CHARACTERS = 500
"""Of the names of all notices at one time that surely fit into AstDB beside the rest of a plan."""
_GONE = f"without service and AstDB for more than {INCLUDE_DAYS} days"


def fallback_warnings(table: Table, at: datetime) -> tuple[Problem, ...]:
    """All of them about the time from ``at`` (aware) on, in the order of their places."""
    found = {Problem(place=place, sentence=sentence, warning=True): None for place, sentence in _all(table, at)}
    return tuple(sorted(found, key=lambda problem: (problem.place, problem.sentence)))


def _all(table: Table, at: datetime) -> Iterator[tuple[str, str]]:
    rows = table.rows
    for special in rows.special_hours:
        if special.valid_to > at:
            yield place_of(special), f"include_special_hours: {_GONE} its callers get what the weekly hours say"
    for override in rows.overrides:
        if override.valid_to > at + timedelta(days=INCLUDE_DAYS):
            yield place_of(override), f"include_override: {_GONE} its callers get what the weekly hours say"
    for notice in rows.notices:
        if notice.valid_to > at:
            yield place_of(notice), f"include_notice: {_GONE} its callers do not hear it"
    for row in rows.service_lines:
        if row.valid_to is None or row.valid_to > at:
            yield from _line(row)
            if _too_many_notices(table.lines[row.tenant, row.name], at):
                sentence = "its notices at one time may not all fit into AstDB, which then leaves out the last ones"
                yield place_of(row), f"astdb_notices: {sentence}; give them shorter names"


def _line(row: ServiceLineRow) -> Iterator[tuple[str, str]]:
    if any(step.kind == "on_call" for step in (*row.overflow, *row.closed)):
        yield place_of(row), f"include_on_call: {_GONE} nobody is on call: its chain goes on behind the rota"
    if row.after_closing_minutes is not None:
        sentence = "who still waits when it closes is not told so, and waits for the rest of the longest time"
        yield place_of(row), f"include_closing_time: {_GONE} {sentence}"


def _too_many_notices(line: ServiceLine, at: datetime) -> bool:
    """Whether at any beginning of a notice all that hold then have names too long."""
    coming = [notice for notice in line.notices if notice.end > at]
    return any(
        sum(len(other.announcement) + 1 for other in coming if other.start <= notice.start < other.end)
        > NOTICE_CHARACTERS
        for notice in coming
    )
