# SPDX-License-Identifier: EUPL-1.2
"""Blocks, dids, ranges and ingress numbers → what each number means.

The one rule: a whole table and a change of it are made by the same code. Everything is put in, or taken out, one row
at a time, on top of an index that is left as it is; a first table is a change of an empty one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from sys import intern  # one object for equal texts: a hundred thousand rows name a few hundred lines

from routing.core.check_numbers import check_did, check_ingress_number, check_number_block
from routing.core.line import LineKey
from routing.core.names import Names
from routing.core.number_patterns import (
    MAXIMUM_EXTENSION_DIGITS,
    bucket_of,
    patterns_of_block,
    patterns_of_did,
    range_of,
)
from routing.core.numbers import MAXIMUM_E164_DIGITS
from routing.core.places import place_of
from routing.core.rows import DidRow, IngressNumberRow, NumberBlockRow
from routing.core.sharded import ShardedMap, SortedEdit
from routing.core.steps import Steps
from routing.core.table import WILDCARD, Meaning, MeaningKind, NumberIndex, row_of
from routing.core.validity import ALWAYS, Validity

Note = Callable[[str, str], None]
NO_NUMBERS = NumberIndex(
    meanings=ShardedMap(),
    wildcards={},
    blocks=ShardedMap(),
    heads=(),
    ranges=ShardedMap(),
    dids_of_block=ShardedMap(),
    uses_of_line={},
)
_RANKS: dict[MeaningKind, int] = {"ingress": 0, "line": 1, "desk": 2, "other": 3}
NumberRow = NumberBlockRow | DidRow | IngressNumberRow


class NumberBuilder:
    """Puts rows into an index. ``names`` are what rows may refer to.

    What it does to many rows it does in steps, one for each.
    """

    def __init__(self, base: NumberIndex, *, names: Names, note: Note) -> None:
        self._names = names
        self._note = note
        self._meanings = base.meanings.edit()
        self._blocks = base.blocks.edit()
        self._heads = SortedEdit(base.heads)
        self._ranges = base.ranges.edit()
        self._wildcards = Counter(base.wildcards)
        self._dids_of_block = base.dids_of_block.edit()
        self._uses_of_line = Counter(base.uses_of_line)
        self._taken_heads: set[str] = set()

    def index(self) -> NumberIndex:
        """The index with everything put in and taken out."""
        return NumberIndex(
            meanings=self._meanings.done(),
            wildcards=+self._wildcards,
            blocks=self._blocks.done(),
            heads=self._heads.now(),
            ranges=self._ranges.done(),
            dids_of_block=self._dids_of_block.done(),
            uses_of_line=self._uses_of_line,
        )

    def put(self, rows: Iterable[NumberRow]) -> Steps[None]:
        """Put rows in; those of blocks come before those of dids."""
        for row in rows:
            match row:
                case NumberBlockRow():
                    self._put_block(row)
                case DidRow():
                    self._put_did(row)
                case IngressNumberRow():
                    self._put_ingress_number(row)
            yield

    def take(self, rows: Iterable[NumberRow]) -> Steps[None]:
        """Take rows out that were put in. Raises ValueError for one that was not."""
        for row in rows:
            match row:
                case NumberBlockRow():
                    self._take_block(row)
                case DidRow():
                    for key in patterns_of_did(row):
                        self._remove(key, _row_key(row))
                    self._take_range(row)
                    self._count_did(row.head_number, -1)
                    self._use((row.tenant, row.service_line), -1)
                case IngressNumberRow():
                    self._remove(row.number.removeprefix("+"), _row_key(row))
                    if row.tenant is not None and row.service_line is not None:
                        self._use((row.tenant, row.service_line), -1)
            yield

    def check_references(self, before: Names) -> Steps[None]:
        """After a change: nothing may lead to what is gone. ``before`` are the names before it."""
        for tenant, name in sorted(before.lines - self._names.lines):
            if (uses := self._uses_of_line[tenant, name]) > 0:
                self._note(
                    f"service_lines[{tenant}/{name}]", f"there is no such service line, but {uses} rows lead to it"
                )
            yield
        for head_number in sorted(self._taken_heads):
            count = self._dids_of_block.get(head_number) or 0
            if count > 0 and self._block(head_number.removeprefix("+")) is None:
                self._note(
                    f"number_blocks[{head_number}]", f"there is no such number block, but {count} dids are in it"
                )
            yield
        if before.tenants <= self._names.tenants and before.trunks <= self._names.trunks:
            return
        for block in self._blocks.done().values():
            for problem in check_number_block(block, tenants=self._names.tenants, trunks=self._names.trunks):
                self._note(problem.place, problem.sentence)
            yield

    def _put_block(self, row: NumberBlockRow) -> None:
        sound = True
        for problem in check_number_block(row, tenants=self._names.tenants, trunks=self._names.trunks):
            self._note(problem.place, problem.sentence)
            sound = False
        if row.other_service_line is not None:
            self._use((row.tenant, row.other_service_line), 1)
            self._find_line(row, row.tenant, row.other_service_line)
        head = intern(row.head_number.removeprefix("+"))
        self._blocks.put(head, row)
        self._heads.add(head)
        if not sound:
            return
        self._check_ranges_around(row)
        for kind, key in patterns_of_block(row):
            meaning = Meaning(
                kind=kind,
                tenant=row.tenant,
                line=row.other_service_line if kind == "other" else None,
                trunk=row.desk_trunk if kind == "desk" else None,
                head=head,
                validity=ALWAYS,
                width=10 ** key.count(WILDCARD),
                row=("block", row.head_number, kind),
            )
            self._insert(key, (meaning,))

    def _check_ranges_around(self, row: NumberBlockRow) -> None:
        """A range of a wider block that holds numbers of this one: nobody could say whose they are."""
        head = row.head_number.removeprefix("+")
        for length in range(len(head), min(len(head) + MAXIMUM_EXTENSION_DIGITS, MAXIMUM_E164_DIGITS) + 1):
            bucket = bucket_of(length, head[: length - MAXIMUM_EXTENSION_DIGITS])
            low, high = int(head.ljust(length, "0")), int(head.ljust(length, "9"))
            for first, last, meaning in self._range_bucket(bucket):
                if len(meaning.head) < len(head) and first <= high and low <= last:
                    self._note(
                        place_of(row),
                        f"the range {meaning.row[1]}-{meaning.row[2]} of the block +{meaning.head} reaches into this "
                        "one: split the range, or move its numbers here",
                    )

    def _put_did(self, row: DidRow) -> None:
        self._count_did(row.head_number, 1)
        self._use((row.tenant, row.service_line), 1)
        sound = True
        for problem in check_did(row):
            self._note(problem.place, problem.sentence)
            sound = False
        if self._block(row.head_number.removeprefix("+")) is None:
            self._note(place_of(row), f"there is no number block {row.head_number!r}")
        self._find_line(row, row.tenant, row.service_line)
        if not sound:
            return
        head = row.head_number.removeprefix("+")
        if row.last_extension is None and _validity(row) is ALWAYS:
            self._insert(head + row.extension, _single(row.tenant, row.service_line, head), row)
            return
        first, last = row.extension, row.last_extension or row.extension
        meaning = Meaning(
            kind="line",
            tenant=intern(row.tenant),
            line=intern(row.service_line),
            trunk=None,
            head=intern(head),
            validity=_validity(row),
            width=int(last or "0") - int(first or "0") + 1,
            row=_row_key(row),
        )
        if row.last_extension is not None and self._overlaps(row, meaning):
            return
        for key in patterns_of_did(row):
            self._insert(key, (meaning,), row)

    def _overlaps(self, row: DidRow, meaning: Meaning) -> bool:
        """Ranges may lie within each other, the narrower wins; they may not cross. Enters a sound one."""
        low, high, bucket = range_of(row)
        found = self._range_bucket(bucket)
        for first, last, other in found:
            nested = (first <= low and high <= last) or (low <= first and last <= high)
            same = (first, last) == (low, high)
            if first <= high and low <= last and (same or not nested) and other.validity.overlaps(meaning.validity):
                self._note(
                    place_of(row),
                    f"the range {row.extension}-{row.last_extension} overlaps with {other.row[1]}-{other.row[2]} of "
                    f"+{other.head} at the same time: let one end where the other begins",
                )
                return True
        inner = self._block_within(meaning.head, str(low), str(high))
        if inner is not None:
            self._note(place_of(row), f"the range reaches into the block +{inner}: configure those numbers there")
            return True
        self._ranges.put(bucket, (*found, (low, high, meaning)))
        return False

    def _block_within(self, head: str, low: str, high: str) -> str | None:
        """A block with a longer head number that holds one of the numbers from ``low`` to ``high``."""
        for length in range(len(head) + 1, len(low) + 1):
            if self._block(low[:length]) is not None:
                return low[:length]
        heads = self._heads.now()
        for place in range(bisect_right(heads, low), len(heads)):
            found = heads[place]
            if found[: len(high)] > high:
                return None
            if len(found) <= len(high):
                return found
        return None

    def _take_range(self, row: DidRow) -> None:
        if row.last_extension is not None:
            _, _, bucket = range_of(row)
            left = tuple(item for item in self._range_bucket(bucket) if item[2].row != _row_key(row))
            self._ranges.put(bucket, left or None)

    def _put_ingress_number(self, row: IngressNumberRow) -> None:
        sound = True
        for problem in check_ingress_number(row):
            self._note(problem.place, problem.sentence)
            sound = False
        if row.tenant is not None and row.service_line is not None:
            self._use((row.tenant, row.service_line), 1)
            self._find_line(row, row.tenant, row.service_line)
        if sound:
            digits = row.number.removeprefix("+")
            meaning = Meaning(
                kind="ingress",
                tenant=row.tenant,
                line=row.service_line,
                trunk=None,
                head=digits,
                validity=_validity(row),
                width=1,
                row=_row_key(row),
            )
            self._insert(digits, (meaning,), row)

    def _find_line(self, row: NumberRow, tenant: str, name: str) -> None:
        if (tenant, name) not in self._names.lines:
            self._note(place_of(row), f"there is no service line {tenant}/{name}")

    def _insert(self, key: str, alone: tuple[Meaning], row: DidRow | IngressNumberRow | None = None) -> None:
        (meaning,) = alone
        found = self._at(key)
        for other in found:
            alike = other.kind in {"line", "ingress"} and other.width == meaning.width
            if row is not None and alike and other.validity.overlaps(meaning.validity):
                where = "an ingress number" if other.kind == "ingress" else f"{other.tenant}/{other.line}"
                self._note(place_of(row), f"the same number already leads to {where}")
                return
        if not found:
            self._wildcards[key.count(WILDCARD)] += 1
        self._meanings.put(key, tuple(sorted((*found, meaning), key=_specific_first)) if found else alone)

    def _remove(self, key: str, row: tuple[object, ...]) -> None:
        found = self._at(key)
        left = tuple(item for item in found if row_of(key, item) != row)
        if len(left) == len(found):
            raise ValueError(f"{key} does not lead where a row that is taken away leads it")
        if not left:
            self._wildcards[key.count(WILDCARD)] -= 1
        self._meanings.put(key, left or None)

    def _take_block(self, row: NumberBlockRow) -> None:
        head = row.head_number.removeprefix("+")
        if self._block(head) is None:
            raise ValueError(f"there is no number block {row.head_number} that could be taken away")
        self._blocks.put(head, None)
        self._heads.remove(head)
        self._taken_heads.add(row.head_number)
        for kind, key in patterns_of_block(row):
            self._remove(key, ("block", row.head_number, kind))
        if row.other_service_line is not None:
            self._use((row.tenant, row.other_service_line), -1)

    def _count_did(self, head_number: str, count: int) -> None:
        self._dids_of_block.put(head_number, ((self._dids_of_block.get(head_number) or 0) + count) or None)

    def _use(self, line: LineKey, count: int) -> None:
        self._uses_of_line[line] += count
        if not self._uses_of_line[line]:
            del self._uses_of_line[line]

    def _at(self, key: str) -> tuple[Meaning, ...]:
        return self._meanings.get(key) or ()

    def _block(self, head: str) -> NumberBlockRow | None:
        return self._blocks.get(head)

    def _range_bucket(self, bucket: str) -> tuple[tuple[int, int, Meaning], ...]:
        return self._ranges.get(bucket) or ()


@lru_cache(maxsize=4_096)
def _single(tenant: str, line: str, head: str) -> tuple[Meaning]:
    """What the single numbers of a block mean that lead to this line: one object, however many they are."""
    meaning = Meaning(
        kind="line",
        tenant=intern(tenant),
        line=intern(line),
        trunk=None,
        head=intern(head),
        validity=ALWAYS,
        width=1,
        row=(),
    )
    return (meaning,)


def _specific_first(meaning: Meaning) -> tuple[object, ...]:
    begins = meaning.validity.valid_from
    return _RANKS[meaning.kind], meaning.width, begins is not None, 0.0 if begins is None else begins.timestamp()


def _row_key(row: DidRow | IngressNumberRow) -> tuple[object, ...]:
    if isinstance(row, IngressNumberRow):
        return ("ingress", row.number, row.valid_from)
    return (row.head_number, row.extension, row.last_extension, row.valid_from)


def _validity(row: DidRow | IngressNumberRow) -> Validity:
    if row.valid_from is None and row.valid_to is None:
        return ALWAYS
    return Validity(valid_from=row.valid_from, valid_to=row.valid_to)
