# SPDX-License-Identifier: EUPL-1.2
"""The exact comparison of two versions: every call that they treat otherwise, and from when to when.

Nothing is sampled. What can be told apart of a call is its instant, its trunk, its number, its caller (for 115 alone)
and the numbers in its diversion headers. Each of these falls into classes within which ``decide`` cannot tell two
calls apart, in either table; one call of each class is decided, once for each piece of time in which no answer changes:

* **trunks** by the order in which they recognise a call and whether unknown numbers have another route
  (``compare_trunks``). How a trunk reads texts is no part of it, because all else is about numbers as they were read: a
  trunk on which that or the order differs is a difference of its own, of the kind ``trunk``.
* **numbers** by the patterns that hold them (``compare_numbers``). Emergency numbers are refused always. Whatever leads
  nowhere in both versions, texts that are no number among it, is one class: ``ANY_OTHER_NUMBER``.
* **115** by the area that was dialled, or by the class of the caller (``compare_authority``).
* **headers** by the number in them, like dialled numbers: ways to recognise a call are asked in turn, and what one
  answers does not depend on the others. So each is compared by itself, and a call is treated otherwise only if the way
  that decides it answers otherwise. Where one answers in one version only, the other side is ``None`` if a header may
  take over: the call goes on to what comes next, and is treated alike only if that happens to be the same.
* **time** by everything dated that the class depends on, then by the stretches of its lines (``compare_time``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from routing.core.compare_authority import caller_classes
from routing.core.compare_numbers import NumberClass, joined, number_classes
from routing.core.compare_time import Entry, Piece, Times
from routing.core.compare_trunks import HEADER, PROBE_HEADERS, TrunkClass, Trunks, trunks_of
from routing.core.decision import Call
from routing.core.differences import ANY_NUMBER, ANY_OTHER_NUMBER, Difference, NumberRange
from routing.core.table import Table
from routing.core.timeline import EARLIEST, LATEST

Pieces = tuple[Piece, ...]
Plan = tuple[tuple[TrunkClass, Pieces], ...]
"""Where a class of calls leads, by class of trunks, in both tables; what is alike is left out."""


def compare(old: Table, new: Table, start: datetime, end: datetime) -> Iterator[Difference]:
    """Every difference from ``start`` to ``end`` (aware, within the years 3 to 9996), in the order of the numbers.

    Raises ``ValueError`` if an instant is naive.
    """
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("start and end need an offset from UTC")
    start, end = max(start, EARLIEST).astimezone(UTC), min(end, LATEST).astimezone(UTC)
    if start < end:
        yield from _Comparison(old, new, start, end).differences()


class _Comparison:
    def __init__(self, old: Table, new: Table, start: datetime, end: datetime) -> None:
        self.trunks: Trunks = trunks_of(old, new)
        self.times = Times(self.trunks.old, self.trunks.new, start, end)
        self.unknown_ends = tuple(
            at for side in (self.times.old, self.times.new) for at in side.ends_of(side.table.unknown_line)
        )

    def differences(self) -> Iterator[Difference]:
        yield from self._trunks()
        yield from self._unknown()
        yield from self._authority()
        classes = tuple(number_classes(self.times))
        yield from self._dialled(classes)
        if self.trunks.trusted:
            yield from self._diverted(classes)

    def _trunks(self) -> Iterator[Difference]:
        for name, before, after in self.trunks.changed:
            yield Difference(
                kind="trunk",
                numbers=(ANY_NUMBER,),
                callers=(),
                trunks=(name,),
                by="dialled",
                start=self.times.start,
                end=self.times.end,
                before=before,
                after=after,
            )

    def _unknown(self) -> Iterator[Difference]:
        plan = self._plan(self.times.cuts(self.unknown_ends), Call(dialled="", caller=None))
        yield from self._told((ANY_OTHER_NUMBER,), (), self._entries(plan))

    def _authority(self) -> Iterator[Difference]:
        """Callers, or areas, of whom the same is told, together."""
        groups: defaultdict[Plan, list[tuple[str, str]]] = defaultdict(list)
        for group in caller_classes(self.times, other_route_changed=self.trunks.other_route_changed):
            cuts = self.times.cuts((*group.ends, *self.unknown_ends))
            plan = self._plan(cuts, Call(dialled=group.dialled, caller=group.caller))
            groups[plan].append((group.number, group.callers))
        for entries, classes in _by_entries((self._entries(plan), found) for plan, found in groups.items()):
            callers = tuple(caller for _, caller in classes if caller)
            if callers:
                yield from self._told(("115",), callers, entries)
            areas = tuple(number for number, caller in classes if not caller)
            if areas:
                yield from self._told(areas, (), entries)

    def _dialled(self, classes: Iterable[NumberClass]) -> Iterator[Difference]:
        groups: defaultdict[Plan, list[tuple[str, str]]] = defaultdict(list)
        for group in classes:
            plan = self._plan(self._cuts(group), Call(dialled=f"+{group.digits}", caller=None))
            known = tuple((trunks, _known(pieces)) for trunks, pieces in plan if trunks.ways is not None)
            groups[known].extend(group.ranges)
        yield from self._numbers((self._entries(plan, headers=True), ranges) for plan, ranges in groups.items())

    def _diverted(self, classes: Iterable[NumberClass]) -> Iterator[Difference]:
        """Calls that a header leads to a line, in one version at least."""
        headers = TrunkClass(names=self.trunks.trusted, probe=PROBE_HEADERS, ways=())
        groups: defaultdict[Pieces, list[tuple[str, str]]] = defaultdict(list)
        for group in classes:
            call = Call(dialled="", caller=None, trunk=headers.probe, diversion=f"+{group.digits}")
            pieces = self.times.pieces(self._cuts(group), call, lambda target: target.by == "diversion")
            groups[pieces].extend(group.ranges)
        found = ((self._entries(((headers, pieces),), "diversion"), ranges) for pieces, ranges in groups.items())
        yield from self._numbers(found)

    def _cuts(self, group: NumberClass) -> list[datetime]:
        """All times at which it may begin or end to lead where it leads."""
        ends = list(self.unknown_ends)
        for meaning in (*group.before, *group.after):
            ends.extend(meaning.validity.ends())
            for side in (self.times.old, self.times.new):
                ends.extend(side.ends_of(meaning.line_key))
                tenant = side.table.tenants.get(meaning.tenant or "")
                if tenant is not None:
                    ends.extend(tenant.validity.ends())
        return self.times.cuts(ends)

    def _plan(self, cuts: list[datetime], call: Call) -> Plan:
        plan = []
        for trunks in self.trunks.classes:
            by_probe = Call(dialled=call.dialled, caller=call.caller, trunk=trunks.probe)
            plan.append((trunks, self.times.pieces(cuts, by_probe)))
        return tuple(plan)

    def _entries(self, plan: Plan, by: str | None = None, *, headers: bool = False) -> tuple[_Entry, ...]:
        """What a plan comes to: each difference with the trunks that it is alike on; ``headers`` may take over."""
        found: defaultdict[Entry, list[str]] = defaultdict(list)
        for trunks, pieces in plan:
            overtaken = self._overtaken(trunks.ways or (), pieces) if headers else ()
            for entry in (*self.times.entries(pieces, by), *self.times.shown(pieces, by), *overtaken):
                found[entry].extend(trunks.names)
        return tuple(
            (entry, None if self.trunks.names.issubset(names) else tuple(sorted(names)))
            for entry, names in found.items()
        )

    def _overtaken(self, ways: Sequence[str], pieces: Pieces) -> Iterator[Entry]:
        """Treated alike, but not by the same way, so that in one version a header between the two comes first."""
        for start, end, before, after in pieces:
            assert before is not None, "whatever is dialled leads somewhere, if only to the unknown numbers"
            assert after is not None, "likewise"
            places = [_place(ways, target.by) for target in (before, after)]
            if HEADER not in ways[min(places) : max(places)]:
                continue
            for told in self.times.alike(before, after, start, end):
                if places[0] < places[1]:
                    yield Entry("decision", before.by, told.start, told.end, told.treatment, None)
                else:
                    yield Entry("decision", after.by, told.start, told.end, None, told.treatment)

    def _numbers(self, found: Iterable[tuple[_Entries, list[tuple[str, str]]]]) -> Iterator[Difference]:
        told = [(joined(ranges), entries) for entries, ranges in _by_entries(found)]
        for numbers, entries in sorted(told, key=lambda item: item[0]):
            yield from self._told(numbers, (), entries)

    def _told(
        self, numbers: tuple[NumberRange | str, ...], callers: tuple[str, ...], entries: _Entries
    ) -> Iterator[Difference]:
        for entry, trunks in sorted(entries, key=lambda item: (item[0].kind, item[0].start, item[1] or ())):
            yield Difference(
                kind=entry.kind,
                numbers=numbers,
                callers=callers,
                trunks=trunks,
                by=entry.by,
                start=entry.start,
                end=entry.end,
                before=entry.before,
                after=entry.after,
            )


_Entry = tuple[Entry, tuple[str, ...] | None]
_Entries = tuple[_Entry, ...]


def _by_entries(
    found: Iterable[tuple[_Entries, list[tuple[str, str]]]],
) -> Iterator[tuple[_Entries, list[tuple[str, str]]]]:
    """What comes to the same, together; what comes to nothing is left out."""
    groups: defaultdict[_Entries, list[tuple[str, str]]] = defaultdict(list)
    for entries, members in found:
        if entries:
            groups[entries].extend(members)
    yield from groups.items()


def _known(pieces: Pieces) -> Pieces:
    """Without those in which the number leads nowhere in both tables: all such numbers are one."""
    return tuple(
        piece
        for piece in pieces
        if not (piece.before and piece.after and piece.before.by == "unknown" == piece.after.by)
    )


def _place(ways: Sequence[str], by: str) -> int:
    return ways.index(by) if by in ways else len(ways)
