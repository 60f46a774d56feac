# SPDX-License-Identifier: EUPL-1.2
"""Where calls lead in two tables, through time, and where that differs.

Which target a call leads to changes only where something begins or ends to be valid, so it is decided once for each
such piece. What two targets do within a piece is compared once, and not at all if both tables have one line alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from routing.core.announcements import UNKNOWN_NUMBER
from routing.core.compare_sides import Side, Target, Told
from routing.core.decision import Call
from routing.core.differences import Shown, Treatment
from routing.core.line import ServiceLine
from routing.core.table import Table


class Piece(NamedTuple):
    """From ``start`` to ``end`` it leads to these targets; ``None``: nowhere by itself."""

    start: datetime
    end: datetime
    before: Target | None
    after: Target | None


class Entry(NamedTuple):
    """One difference, whoever it concerns."""

    kind: str
    by: str
    start: datetime
    end: datetime
    before: Treatment | Shown | None
    after: Treatment | Shown | None


class Times:
    """Both tables through the time that is compared; ``affected`` are the lines that they do not have alike."""

    def __init__(self, old: Table, new: Table, start: datetime, end: datetime) -> None:
        self.old, self.new = Side(old, start, end), Side(new, start, end)
        self.start, self.end = start, end
        changed = changed_texts(old, new)
        keys = old.lines.keys() | new.lines.keys()
        self.affected = {key for key in keys if not _alike(old.lines.get(key), new.lines.get(key), changed)}
        self._paired: dict[Piece, tuple[Entry, ...]] = {}

    def cuts(self, ends: Iterable[datetime]) -> list[datetime]:
        """The times between which no target changes, if it changes at these only."""
        within = {at.astimezone(UTC) for at in ends if self.start < at < self.end}
        return sorted({self.start, self.end, *within})

    def pieces(
        self,
        cuts: list[datetime],
        call: Call,
        leads: Callable[[Target], bool] = lambda _: True,
    ) -> tuple[Piece, ...]:
        """The pieces between these cuts in which something may differ; a target that does not count leads nowhere."""
        found: list[Piece] = []
        for start, end in pairwise(cuts):
            before, after = (side.target(call, start) for side in (self.old, self.new))
            one, other = (target if leads(target) else None for target in (before, after))
            if one == other and (one is None or one.line not in self.affected):
                continue
            last = found[-1] if found else None
            if last is not None and last.end == start and (last.before, last.after) == (one, other):
                found[-1] = last._replace(end=end)
            else:
                found.append(Piece(start, end, one, other))
        return tuple(found)

    def entries(self, pieces: Iterable[Piece], by: str | None = None) -> Iterator[Entry]:
        """The differences within these pieces, in order; neighbours alike are joined."""
        held: Entry | None = None
        for entry in self._entries(pieces, by):
            if held is not None and _joins(held, entry):
                held = held._replace(end=entry.end)
                continue
            if held is not None:
                yield held
            held = entry
        if held is not None:
            yield held

    def shown(self, pieces: Iterable[Piece], by: str | None = None) -> Iterator[Entry]:
        """Where the agent is shown something else of the line that a call leads to in both."""
        held: Entry | None = None
        for start, end, before, after in pieces:
            if before is None or after is None or before.line is None or before.line != after.line:
                continue
            for first, last, one, other in self._both(before, after, start, end):
                if one.shown == other.shown:
                    continue
                entry = Entry("shown", by or _by(before, after), first, last, one.shown, other.shown)
                if held is not None and _joins(held, entry):
                    held = held._replace(end=last)
                    continue
                if held is not None:
                    yield held
                held = entry
        if held is not None:
            yield held

    def _entries(self, pieces: Iterable[Piece], by: str | None) -> Iterator[Entry]:
        for start, end, before, after in pieces:
            way = by or _by(before, after)
            if before is None and after is not None:
                for told in self.new.told(after, start, end):
                    yield Entry("decision", way, told.start, told.end, None, told.treatment)
            elif after is None and before is not None:
                for told in self.old.told(before, start, end):
                    yield Entry("decision", way, told.start, told.end, told.treatment, None)
            else:
                assert before is not None, "a piece in which both lead nowhere is none"
                assert after is not None, "likewise"
                for entry in self._pair(Piece(start, end, before, after), before, after):
                    yield entry._replace(by=way)

    def _pair(self, piece: Piece, before: Target, after: Target) -> tuple[Entry, ...]:
        """All differences between two targets, found once."""
        found = self._paired.get(piece)
        if found is None:
            found = self._paired[piece] = tuple(
                Entry("decision", "", first, last, one.treatment, other.treatment)
                for first, last, one, other in self._both(before, after, piece.start, piece.end)
                if one.treatment != other.treatment
            )
        return found

    def alike(self, before: Target, after: Target, start: datetime, end: datetime) -> Iterator[Told]:
        """Where two targets treat their callers alike."""
        for first, last, one, other in self._both(before, after, start, end):
            if one.treatment == other.treatment:
                yield Told(first, last, one.treatment, None)

    def _both(
        self, before: Target, after: Target, start: datetime, end: datetime
    ) -> Iterator[tuple[datetime, datetime, Told, Told]]:
        """The times at which both are served, cut where either changes."""
        first, second = self.old.told(before, start, end), self.new.told(after, start, end)
        one, other = next(first, None), next(second, None)
        while one is not None and other is not None:
            begin, stop = max(one.start, other.start), min(one.end, other.end)
            if begin < stop:
                yield begin, stop, one, other
            one, other = (
                next(first, None) if one.end == stop else one,
                next(second, None) if other.end == stop else other,
            )


def changed_texts(old: Table, new: Table) -> frozenset[str]:
    """The names of announcements whose words differ."""
    if old.announcements == new.announcements:
        return frozenset()
    return frozenset(
        name
        for name in old.announcements.keys() | new.announcements.keys()
        if old.announcements.get(name) != new.announcements.get(name)
    )


def unknown_changed(times: Times) -> bool:
    """Whether what becomes of unknown numbers may differ, on a trunk that stays as it is."""
    old, new = times.old.table, times.new.table
    lines = {old.unknown_line, new.unknown_line}
    return len(lines) > 1 or bool(lines & times.affected) or UNKNOWN_NUMBER in changed_texts(old, new)


def _joins(held: Entry, entry: Entry) -> bool:
    return held.end == entry.start and held._replace(start=entry.start, end=entry.end) == entry


def _by(before: Target | None, after: Target | None) -> str:
    ways = [target.by for target in (before, after) if target is not None]
    return "dialled" if "dialled" in ways or "ingress_number" not in ways else "ingress_number"


def _alike(one: ServiceLine | None, other: ServiceLine | None, changed: frozenset[str]) -> bool:
    if one is None or other is None or (changed and not changed.isdisjoint(_sounds_of(one, other))):
        return False
    return one is other or (
        (one.editions, one.overrides, one.special, one.notices, one.rotas)
        == (other.editions, other.overrides, other.special, other.notices, other.rotas)
    )


def _sounds_of(*lines: ServiceLine) -> Iterator[str]:
    for line in lines:
        for edition in line.editions:
            yield from (edition.greeting, edition.closed, edition.closing)
            for link in (*edition.overflow, *edition.closed_chain):
                name = getattr(link.target, "announcement", None)
                if name is not None:
                    yield name
        for special in (*line.overrides, *line.special):
            if special.announcement is not None:
                yield special.announcement
        yield from (notice.announcement for notice in line.notices)
