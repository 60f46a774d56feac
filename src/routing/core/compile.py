# SPDX-License-Identifier: EUPL-1.2
"""Rows → table. Every problem is listed with its row; a configuration with one problem yields no table.

``compile_table`` makes a whole one, ``change_table`` the next one of some changed rows: numbers are put in and taken
out one by one, a line is made anew only if something changed that it depends on. Both are the same code, so both
give the same table. Each can also be had in steps, for a process that must not stop for as long as that takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from routing.core.changes import RowChange
from routing.core.checks import check_names, check_row
from routing.core.compile_frame import Frame, compile_frame
from routing.core.compile_numbers import NO_NUMBERS, NumberBuilder, NumberRow
from routing.core.decide import meanings_of
from routing.core.places import place_of
from routing.core.rows import CompileError, DidRow, IngressNumberRow, NumberBlockRow, Problem, Rows, key_of
from routing.core.steps import Steps, finish
from routing.core.table import NumberIndex, Table

NUMBER_ROWS = (NumberBlockRow, DidRow, IngressNumberRow)
"""Blocks come before what is in them."""


def compile_table(rows: Rows, *, version: int) -> Table:
    """The table these rows mean. Raises ``CompileError`` with all problems."""
    return finish(compile_steps(rows, version=version))


def compile_steps(rows: Rows, *, version: int) -> Steps[Table]:
    """``compile_table`` in steps."""
    compiler = _Compiler()
    yield from check_names(rows.all(), compiler.problems.append)
    frame = yield from compile_frame(_without_numbers(rows), None, compiler.note)
    return (yield from compiler.first_table(_without_numbers(rows), frame, _numbers(rows), version))


def take_steps(rows: Rows, numbers: Iterable[NumberRow], *, version: int) -> Steps[Table]:
    """The table of rows that compiled before: ``numbers`` are drawn one by one, blocks first, and none is kept.

    ``rows`` hold none of them. Raises ``CompileError`` if they do not compile after all.
    """
    compiler = _Compiler()
    yield from check_names(rows.all(), compiler.problems.append)
    frame = yield from compile_frame(rows, None, compiler.note)
    return (yield from compiler.first_table(rows, frame, numbers, version))


def change_table(table: Table, changes: Sequence[RowChange], *, version: int) -> Table:
    """The table after these changes; the time it takes grows with them and with the lines, not with the numbers.

    Raises ``CompileError`` with all problems, and ``ValueError`` if a row to be changed is not there.
    """
    return finish(change_steps(table, changes, version=version))


def change_steps(table: Table, changes: Sequence[RowChange], *, version: int) -> Steps[Table]:
    """``change_table`` in steps."""
    compiler = _Compiler()
    for change in changes:
        if change.after is not None:
            compiler.problems.extend(check_row(change.after))
        yield
    taken = [change.before for change in changes if isinstance(change.before, NUMBER_ROWS)]
    put = [change.after for change in changes if isinstance(change.after, NUMBER_ROWS)]
    rest = [change for change in changes if not isinstance(change.row, NUMBER_ROWS)]
    rows, frame = table.rows, table.frame
    if rest:
        rows = yield from _changed(rows, rest)
        frame = yield from compile_frame(rows, table.frame, compiler.note)
    builder = NumberBuilder(table.index, names=frame.names, note=compiler.note)
    yield from builder.take(taken)
    yield from builder.put(sorted(put, key=lambda row: NUMBER_ROWS.index(type(row))))
    yield from builder.check_references(table.frame.names)
    if rest:
        changed = _table(rows, frame, builder.index(), version)
    else:
        index = builder.index()
        changed = replace(table, version=version, index=index, wildcards=_wildcards(index))
    return (yield from compiler.checked(changed))


@dataclass(slots=True)
class _Compiler:
    problems: list[Problem] = field(default_factory=list)

    def first_table(self, rows: Rows, frame: Frame, numbers: Iterable[NumberRow], version: int) -> Steps[Table]:
        builder = NumberBuilder(NO_NUMBERS, names=frame.names, note=self.note)
        yield from builder.put(numbers)
        return (yield from self.checked(_table(rows, frame, builder.index(), version)))

    def note(self, place: str, sentence: str) -> None:
        self.problems.append(Problem(place=place, sentence=sentence))

    def checked(self, table: Table) -> Steps[Table]:
        yield from self._no_way_back(table)
        if self.problems:
            raise CompileError(tuple(dict.fromkeys(self.problems)))  # a group named twice is one mistake
        return table

    def _no_way_back(self, table: Table) -> Steps[None]:
        """A forward to a number of ours would come in again by the carrier, closed again, for ever."""
        for digits, places in table.frame.forwards.items():
            first = next(meanings_of(table, digits), None)  # behind a desk nothing is asked
            if first is not None and first.kind != "desk":
                for place in places:
                    self.note(place, f"+{digits} is a number of ours: the forward would come back")
            yield


def _table(rows: Rows, frame: Frame, index: NumberIndex, version: int) -> Table:
    return Table(
        version=version,
        rows=rows,
        frame=frame,
        index=index,
        wildcards=_wildcards(index),
        tenants=MappingProxyType({slug: tenant for slug, (tenant, _) in frame.tenants.items()}),
        lines=MappingProxyType({compiled.line.key: compiled.line for compiled in frame.lines.values()}),
        trunks=MappingProxyType(dict(frame.trunks)),
        origins=MappingProxyType(dict(frame.origins)),
        unknown_line=frame.unknown_line,
        buildings=MappingProxyType(dict(frame.buildings)),
        announcements=MappingProxyType(dict(frame.announcements)),
    )


def _wildcards(index: NumberIndex) -> tuple[int, ...]:
    return tuple(sorted(index.wildcards))


def _numbers(rows: Rows) -> Iterable[NumberRow]:
    yield from rows.number_blocks
    yield from rows.dids
    yield from rows.ingress_numbers


def _without_numbers(rows: Rows) -> Rows:
    return replace(rows, number_blocks=(), dids=(), ingress_numbers=())


def _changed(rows: Rows, changes: Iterable[RowChange]) -> Steps[Rows]:
    """The rows with these changes; the others keep their order."""
    by_collection: defaultdict[str, list[RowChange]] = defaultdict(list)
    for change in changes:
        by_collection[change.collection].append(change)
    replaced: dict[str, Any] = {}
    for collection, found in by_collection.items():
        after = {}
        for row in getattr(rows, collection):
            after[key_of(row)] = row
            yield
        for change in found:
            if change.before is not None and after.pop(key_of(change.before), None) is None:
                raise ValueError(f"{place_of(change.before)} is not there, so it cannot be changed")
        after |= {key_of(change.after): change.after for change in found if change.after is not None}
        replaced[collection] = tuple(after.values())
    return replace(rows, **replaced)
