# SPDX-License-Identifier: EUPL-1.2
"""One of two tables that are compared: where a call leads, and what its callers get there through time.

A *target* is what a call leads to: a line, or words, a forward, a desk, a refusal that stay as they are. What a line
does does not depend on the call, so it is followed through its stretches once, whoever leads to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from routing.core.decide import decide
from routing.core.decision import Call
from routing.core.differences import Shown, Treatment, recognised_by, treatment, treatment_of
from routing.core.line import LineKey, ServiceLine, Stretch
from routing.core.table import Table
from routing.core.timeline import line_at, stretches

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


class Target(NamedTuple):
    """What a call leads to: a line, or one treatment; and by what it was recognised."""

    line: LineKey | None
    treatment: Treatment | None
    by: str


class Told(NamedTuple):
    """What a target's callers get for a time, and what the agent is shown."""

    start: datetime
    end: datetime
    treatment: Treatment
    shown: Shown | None


class Side:
    """One of the two tables, from ``start`` to ``end``."""

    def __init__(self, table: Table, start: datetime, end: datetime) -> None:
        self.table, self.start, self.end = table, start, end
        self._told: dict[tuple[LineKey, datetime, datetime], tuple[Told, ...]] = {}
        self._always: dict[LineKey | None, bool] = {}

    def target(self, call: Call, at: datetime) -> Target:
        """Where a call leads at an instant."""
        decision = decide(self.table, call, at)
        by = recognised_by(decision)
        if decision.tenant is not None and decision.service_line is not None:
            return Target((decision.tenant, decision.service_line), None, by)
        return Target(None, treatment_of(self.table, decision), by)

    def told(self, target: Target, start: datetime, end: datetime) -> Iterator[Told]:
        """What its callers get within these times, in which it is served."""
        if target.treatment is not None:
            yield Told(start, end, target.treatment, None)
        elif target.line is not None:
            yield from self._line(target.line, start, end)

    def always_served(self, key: LineKey | None) -> bool:
        """Whether a line is served from the start to the end."""
        if key not in self._always:
            line = self.table.line_served(key, self.start)
            self._always[key] = line is not None and not any(self.start < at < self.end for at in self.ends_of(key))
        return self._always[key]

    def ends_of(self, key: LineKey | None) -> Iterator[datetime]:
        """Instants at which a line begins or ends to be served."""
        line = None if key is None else self.table.lines.get(key)
        for edition in () if line is None else line.editions:
            yield from edition.validity.ends()
            yield from edition.tenant.validity.ends()

    def _line(self, key: LineKey, start: datetime, end: datetime) -> tuple[Told, ...]:
        """Whoever leads to a line does so at the same times as others, as a rule: all the time that is compared."""
        asked = (key, start, end)
        found = self._told.get(asked)
        if found is None:
            found = self._told[asked] = tuple(_told(self.table, self.table.lines[key], start, end))
        return found


def _told(table: Table, line: ServiceLine, start: datetime, end: datetime) -> Iterator[Told]:
    shown: dict[int, Shown] = {}
    for stretch in stretches(line, start, end):
        edition = stretch.edition
        if edition is None:
            continue
        if id(edition) not in shown:
            shown[id(edition)] = Shown(
                tenant=line.key[0],
                service_line=line.key[1],
                title=edition.title,
                display=edition.display,
                agent_phrase=edition.agent_phrase,
            )
        for first, last, part in _exactly(line, stretch):
            assert part.destination is not None
            plan = (part.destination, part.overflow, part.closing)
            yield Told(first, last, treatment(table, *line.key, plan), shown[id(edition)])


def _exactly(line: ServiceLine, stretch: Stretch) -> Iterator[tuple[datetime, datetime, Stretch]]:
    """A long stretch, cut where its closing comes into sight: a line looks 400 days ahead, from day to day."""
    start, end = stretch.start, stretch.end
    edition = stretch.edition
    if not stretch.open or edition is None or edition.after_closing is None or end - start <= _DAY:
        yield start, end, stretch
        return
    first, last = line_at(line, start), line_at(line, end - _INSTANT)
    if first.closing == last.closing:
        yield start, end, first
        return
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
    low, high = 0, (end - midnight) // _DAY + 1  # it is in sight at day ``high``, and not at day ``low``
    while high - low > 1:
        middle = (low + high) // 2
        at = midnight + middle * _DAY
        if at >= end or line_at(line, at).closing == last.closing:
            high = middle
        else:
            low = middle
    seen = midnight + high * _DAY
    yield start, seen, first
    yield seen, end, replace(last, start=seen)
