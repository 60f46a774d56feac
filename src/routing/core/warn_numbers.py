# SPDX-License-Identifier: EUPL-1.2
"""Numbers that can never be reached, or never hold, and blocks of which a part leads nowhere.

A rule is shadowed if, for each of its numbers, another one is asked first and decides from now on, whatever comes::

    2X   by the range 20-29      never reached, if there is a did for each of 20, 21, … 29
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from routing.core.places import place_of
from routing.core.rows import DidRow, IngressNumberRow, NumberBlockRow
from routing.core.table import WILDCARD, Meaning, MeaningKind, Table, row_of
from routing.core.validity import ALWAYS
from routing.core.warn_dates import ended
from routing.core.warn_lines import served_within

_NAMED = 8
_LAST = datetime(9999, 12, 31, tzinfo=UTC)
_RANKS: dict[MeaningKind, int] = {"ingress": 0, "line": 1, "desk": 2, "other": 3}
_Key = tuple[str, Meaning]


class _Rule(NamedTuple):
    """Numbers of one length, from ``low`` to ``high``; of two rules for a number that of the smaller rank is asked."""

    low: int
    high: int
    rank: tuple[int, int, int]


def number_warnings(table: Table, at: datetime) -> Iterator[tuple[str, str]]:
    """Place and sentence of every warning about numbers."""
    open_blocks = {
        head: row for head, row in table.index.blocks.items() if not row.desk_digits and row.other_service_line is None
    }
    extensions: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    editions: defaultdict[tuple[object, ...], list[Meaning]] = defaultdict(list)
    for key, meanings in table.numbers.items():
        for meaning in meanings:
            if meaning.kind == "line" and meaning.head in open_blocks:
                _, first, last, _ = row_of(key, meaning)
                extensions[meaning.head].add((str(first), str(last or first)))
            if meaning.validity != ALWAYS:  # so it is a did or an ingress number
                editions[meaning.row[:-1]].append(meaning)
    for head, row in open_blocks.items():
        yield place_of(row), _gap(extensions[head])
    for of_number in editions.values():
        yield from _never_holding(table, list({meaning.row: meaning for meaning in of_number}.values()), at)
    yield from _shadowed(table, at)


def _gap(extensions: Iterable[tuple[str, str]]) -> str:
    known = [first if first == last else f"{first}-{last}" for first, last in sorted(extensions)]
    named = ", ".join(name or "the bare head number" for name in known[:_NAMED])
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    there = f"all extensions but {named}{more} lead nowhere" if known else "all of its extensions lead nowhere"
    return f"{there}: name an other_service_line if somebody is to answer them"


def _never_holding(table: Table, editions: list[Meaning], at: datetime) -> Iterator[tuple[str, str]]:
    """Former editions behind which a later one stands are history."""
    last = max(editions, key=lambda meaning: meaning.validity.valid_to or _LAST)
    until = last.validity.valid_to
    if until is not None and until <= at:
        yield _place(last.row, last), ended(until)
    for meaning in editions:
        start, end = meaning.validity.valid_from, meaning.validity.valid_to or _LAST
        if meaning.line_key is None or end <= at:
            continue
        if not served_within(table.lines[meaning.line_key], at if start is None else max(start, at), end):
            name = "/".join(meaning.line_key)
            yield (
                _place(meaning.row, meaning),
                f"never holds: {name} is not served at that time; change its times, or its line",
            )


def _place(row: tuple[object, ...], meaning: Meaning) -> str:
    validity, tenant, line = meaning.validity, meaning.tenant, meaning.line
    if meaning.kind == "ingress":
        return place_of(IngressNumberRow(number=f"+{meaning.head}", valid_from=validity.valid_from))
    first, last = str(row[1]), row[2]
    return place_of(
        DidRow(
            head_number=f"+{meaning.head}",
            extension=first,
            last_extension=None if last is None else str(last),
            tenant=tenant or "",
            service_line=line or "",
            valid_from=validity.valid_from,
        )
    )


def _shadowed(table: Table, at: datetime) -> Iterator[tuple[str, str]]:
    rules: defaultdict[int, list[_Rule]] = defaultdict(list)
    asked: defaultdict[tuple[object, ...], list[_Key]] = defaultdict(list)
    known: dict[object, bool] = {}
    for key, meanings in table.numbers.items():
        for meaning in meanings:
            if meaning.kind != "ingress":
                if _steady(table, meaning, at, known):
                    rules[len(key)].append(_rule(key, meaning))
                if len(meanings) > 1 or meaning.width > 1 or meaning.kind != "line":  # one did of one number is reached
                    made_of = row_of(key, meaning)
                    asked[made_of if meaning.kind != "desk" else (*made_of, len(key))].append((key, meaning))
    for found in rules.values():
        found.sort()
    for keys in asked.values():
        if all(_covered(rules[len(key)], _rule(key, meaning)) for key, meaning in keys):
            yield _shadow(table, keys[0])


def _rule(key: str, meaning: Meaning) -> _Rule:
    rank = (key.count(WILDCARD), _RANKS[meaning.kind], meaning.width)
    return _Rule(int(key.replace(WILDCARD, "0")), int(key.replace(WILDCARD, "9")), rank)


def _covered(rules: list[_Rule], rule: _Rule) -> bool:
    """Whether rules that are asked before it hold all of its numbers; those within it begin where it does, or later."""
    at = rule.low
    for place in range(bisect_left(rules, rule.low, key=lambda item: item.low), len(rules)):
        other = rules[place]
        if other.low > at or at > rule.high:
            break
        if other.rank < rule.rank:
            at = max(at, other.high + 1)
    return at > rule.high


def _steady(table: Table, meaning: Meaning, at: datetime, known: dict[object, bool]) -> bool:
    """Whether it holds from now on for ever, and its line, or a desk's tenant, is served as long."""
    if not meaning.validity.contains(at) or meaning.validity.valid_to is not None:
        return False
    asked = meaning.tenant if meaning.kind == "desk" else meaning.line_key
    if asked not in known:
        tenant = table.tenants[meaning.tenant or ""].validity
        steady = tenant.contains(at) and tenant.valid_to is None
        if meaning.kind != "desk":
            line = table.line_served(meaning.line_key, at)
            edition = None if line is None else line.edition_at(at)
            steady = steady and edition is not None and edition.validity.valid_to is None
        known[asked] = steady
    return known[asked]


def _shadow(table: Table, key: _Key) -> tuple[str, str]:
    text, meaning = key
    if meaning.kind == "line":
        return _place(
            row_of(text, meaning), meaning
        ), "never reached: each of its numbers has a rule that is asked first; take it away"
    block = table.index.blocks.get(meaning.head)
    assert isinstance(block, NumberBlockRow)
    if meaning.kind == "desk":
        digits = len(text) - len(meaning.head)
        sentence = f"no desk of {digits} digits can be reached: every such extension has a rule of its own"
        return place_of(block), f"{sentence}; leave {digits} out of desk_digits"
    sentence = f"nobody reaches other_service_line {meaning.line}: every extension has a rule of its own"
    return place_of(block), f"{sentence}; leave it out"
