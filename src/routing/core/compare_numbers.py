# SPDX-License-Identifier: EUPL-1.2
"""Classes of numbers that two tables cannot tell apart.

A number is looked up under itself and under the patterns that hold it, in both tables. The patterns of one length lie
within each other or apart (``…8XXX`` holds ``…85XX``), so they are a tree, and all numbers that lie in a pattern and
in none below it are looked up alike: they are one class. Only those are looked at that lie in a pattern (or are a
number) which the tables do not have alike, or which leads to a line or a tenant that they do not have alike::

    …8XXX  ─┬─ …85XX ─── …8500       changed: …85XX   →   classes: …85XX without …8500, and …8500
            └─ …81XX

Classes whose patterns mean the same are one for the comparison, however many numbers they are. What lies behind a
meaning that is *firm* (a line's, all the time that is compared) is never asked, so it is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import chain

from routing.core.compare_sides import Side
from routing.core.compare_time import Times
from routing.core.differences import NumberRange
from routing.core.line import LineKey
from routing.core.numbers import E164, NumberFormat, read_number
from routing.core.table import WILDCARD, Meaning

_TRIED = 5  # more than there are short codes
_LEFT_OUT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberClass:
    """Numbers of one class as ranges (first and last digits), one of them, and what they may mean in both tables."""

    ranges: tuple[tuple[str, str], ...]
    digits: str
    before: tuple[Meaning, ...]
    after: tuple[Meaning, ...]


def number_classes(times: Times) -> Iterator[NumberClass]:
    """Every class of which some number may be decided otherwise."""
    ranges: defaultdict[tuple[object, ...], list[tuple[str, str]]] = defaultdict(list)
    found: dict[tuple[object, ...], tuple[str, tuple[Meaning, ...], tuple[Meaning, ...]]] = {}
    changed = _changed(times)
    for first, last, wild in _segments(changed, _below(changed, times)):
        digits = _one_of(first, last)
        if digits is None:
            continue
        before, after = _meanings(times, times.old, digits, wild), _meanings(times, times.new, digits, wild)
        key: tuple[object, ...] = (len(digits), tuple(map(_meant, before)), tuple(map(_meant, after)))
        ranges[key].append((first, last))
        found.setdefault(key, (digits, before, after))
    for key, (digits, before, after) in found.items():
        yield NumberClass(ranges=tuple(ranges[key]), digits=digits, before=before, after=after)


def joined(ranges: Iterable[tuple[str, str]]) -> tuple[NumberRange, ...]:
    """The ranges in order, neighbours as one."""
    found: list[tuple[str, str]] = []
    for first, last in sorted(ranges, key=lambda item: (len(item[0]), item)):
        if found and len(found[-1][1]) == len(first) and int(found[-1][1]) + 1 == int(first):
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return tuple(NumberRange(first=f"+{first}", last=f"+{last}") for first, last in found)


def _meant(meaning: Meaning) -> tuple[object, ...]:
    head = meaning.head if meaning.kind == "desk" else None
    return meaning.kind, meaning.tenant, meaning.line, meaning.trunk, head, meaning.validity


def _changed(times: Times) -> set[str]:
    """Numbers and patterns that the tables do not have alike, or that lead to what they do not have alike."""
    old, new = times.old.table, times.new.table
    changed = set(old.numbers.differing(new.numbers))
    tenants = {
        slug
        for slug in old.tenants.keys() | new.tenants.keys()
        if slug not in old.tenants
        or slug not in new.tenants
        or old.tenants[slug].validity != new.tenants[slug].validity
    }
    if times.affected or tenants:
        for table in (old, new):
            changed.update(
                key for key, meanings in table.numbers.items() if _leads_to(meanings, times.affected, tenants)
            )
    return changed


def _leads_to(meanings: tuple[Meaning, ...], lines: Set[LineKey], tenants: Set[str]) -> bool:
    return any(
        meaning.tenant in tenants if meaning.kind == "desk" else (meaning.tenant, meaning.line) in lines
        for meaning in meanings
    )


def _below(changed: set[str], times: Times) -> dict[str, bool]:
    """The other numbers and patterns that lie in one of these, and whether they may nevertheless be decided otherwise.

    That is if what they mean themselves does not hold all the time.
    """
    counts = sorted({key.count(WILDCARD) for key in changed} - {0})
    found: dict[str, bool] = {}
    for side in (times.old, times.new) if counts else ():
        for key, meanings in side.table.numbers.items():
            own = key.count(WILDCARD)
            if key not in changed and any(
                own < count < len(key) and key[:-count] + WILDCARD * count in changed for count in counts
            ):
                found[key] = not _firm(times, side, meanings[0])
    return found


def _firm(times: Times, side: Side, meaning: Meaning) -> bool:
    """Whether a line's meaning decides, whenever it is asked, of what was dialled and of what a header says."""
    validity = meaning.validity
    return (
        meaning.kind in {"line", "other"}
        and (validity.valid_from is None or validity.valid_from <= times.start)
        and (validity.valid_to is None or validity.valid_to >= times.end)
        and side.always_served(meaning.line_key)
    )


def _segments(changed: Iterable[str], below: Mapping[str, bool]) -> Iterator[tuple[str, str, int]]:
    """(first, last, wildcards) of the numbers that lie in a pattern and in none below it, in order."""
    by_length: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for key in (*changed, *below):
        low, high = int(key.replace(WILDCARD, "0")), int(key.replace(WILDCARD, "9"))
        by_length[len(key)].append((low, -high, key.count(WILDCARD) if below.get(key, True) else _LEFT_OUT))
    for length, nodes in by_length.items():
        for first, last, wild in _without_those_below(sorted(nodes)):
            if wild != _LEFT_OUT:
                yield f"{first:0{length}d}", f"{last:0{length}d}", wild


def _without_those_below(nodes: list[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    around: list[tuple[int, int]] = []  # the patterns that hold the number where we are: last number, wildcards
    at = 0  # all before it has been given out
    for low, negative_high, wild in nodes:
        while around and around[-1][0] < low:
            last, own = around.pop()
            if at <= last:
                yield at, last, own
                at = last + 1
        if around and at < low:
            yield at, low - 1, around[-1][1]
        at = low
        around.append((-negative_high, wild))
    while around:
        last, own = around.pop()
        if at <= last:
            yield at, last, own
            at = last + 1


def _one_of(first: str, last: str) -> str | None:
    """A number of the segment that can be dialled; no other length or short code is read where it is written."""
    low, high = int(first), int(last)
    for tried in chain(range(low, min(low + _TRIED, high) + 1), range(max(high - _TRIED, low), high + 1)):
        digits = f"{tried:0{len(first)}d}"
        if read_number(f"+{digits}", number_format=NumberFormat.E164) == E164(digits=digits):
            return digits
    return None


def _meanings(times: Times, side: Side, digits: str, wild: int) -> tuple[Meaning, ...]:
    """All that a number may mean, in order, up to what is firm."""
    found: list[Meaning] = []
    for count in side.table.wildcards:
        if wild <= count < len(digits):
            for meaning in side.table.numbers.get(digits[:-count] + WILDCARD * count if count else digits) or ():
                found.append(meaning)
                if _firm(times, side, meaning):
                    return tuple(found)
    return tuple(found)
