# SPDX-License-Identifier: EUPL-1.2
"""Whose is a number? Asked of every row, one by one, by the order of the rules; nothing is compiled or looked up.

A single number beats a range, the narrower range the wider one; desks and other extensions come last, those of the
longer head first. What does not hold now is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from routing.core.rows import DidRow, NumberBlockRow, Row, Rows

MAXIMUM_EXTENSION_DIGITS = 6


class Claim(NamedTuple):
    """A row that claims a number: ``line``, ``desk``, ``other`` or ``ingress``; the least ``rank`` comes first."""

    rank: tuple[Any, ...]
    kind: str
    row: Any
    tenant: str | None
    line: str | None


def claims(rows: Rows, digits: str) -> list[Claim]:
    """All rows that claim the number (E.164 digits), whenever they hold, the most specific first."""
    number = f"+{digits}"
    found = [claim for row in rows.dids for claim in _of_did(row, number)]
    found += [claim for row in rows.number_blocks for claim in _of_block(row, number)]
    found += [
        Claim((0, 0, _begin(row)), "ingress", row, row.tenant, row.service_line)
        for row in rows.ingress_numbers
        if row.number == number
    ]
    return sorted(found, key=lambda claim: claim.rank)


def holds(rows: Rows, claim: Claim, at: datetime) -> bool:
    """Whether the row holds, and what it leads to is served."""
    if not _within(claim.row, at):
        return False
    tenant = any(row.slug == claim.tenant and _within(row, at) for row in rows.tenants)
    if claim.kind == "desk":
        return tenant
    return tenant and any(
        (row.tenant, row.name) == (claim.tenant, claim.line) and _within(row, at) for row in rows.service_lines
    )


def _of_did(row: DidRow, number: str) -> Iterator[Claim]:
    first, last = row.head_number + row.extension, row.head_number + (row.last_extension or row.extension)
    if len(number) == len(first) and first <= number <= last:
        width = int(last) - int(first)
        rank = (0, 1, _begin(row)) if row.last_extension is None else (1, width, _begin(row))
        yield Claim(rank, "line", row, row.tenant, row.service_line)


def _of_block(row: NumberBlockRow, number: str) -> Iterator[Claim]:
    extension = number.removeprefix(row.head_number)
    if not number.startswith(row.head_number) or len(extension) > MAXIMUM_EXTENSION_DIGITS:
        return
    rank = (2, -len(row.head_number))
    if len(extension) in row.desk_digits:
        yield Claim((*rank, 0), "desk", row, row.tenant, None)
    if row.other_service_line is not None:
        yield Claim((*rank, 1), "other", row, row.tenant, row.other_service_line)


def _within(row: Row, at: datetime) -> bool:
    begins, ends = getattr(row, "valid_from", None), getattr(row, "valid_to", None)
    return (begins is None or begins <= at) and (ends is None or not ends <= at)


def _begin(row: Any) -> float:
    return float("-inf") if row.valid_from is None else float(row.valid_from.timestamp())


def ambiguous(rows: Rows) -> bool:
    """Whether two rows of one rank claim one number at one time, or a range reaches into another block."""
    return (
        any(_collide(one, other) for place, one in enumerate(rows.dids) for other in rows.dids[:place])
        or any(_reaches_into(did, block) for did in rows.dids for block in rows.number_blocks)
        or any(
            _overlap(one, other) and one.number == other.number
            for place, one in enumerate(rows.ingress_numbers)
            for other in rows.ingress_numbers[:place]
        )
        or any(
            _overlap(did, ingress) and did.last_extension is None and did.head_number + did.extension == ingress.number
            for did in rows.dids
            for ingress in rows.ingress_numbers
        )
    )


def _numbers(row: DidRow) -> set[str]:
    if row.last_extension is None:
        return {row.head_number + row.extension}
    digits = len(row.extension)
    span = range(int(row.extension), int(row.last_extension) + 1)
    return {f"{row.head_number}{number:0{digits}}" for number in span}


def _collide(one: DidRow, other: DidRow) -> bool:
    mine, theirs = _numbers(one), _numbers(other)
    if (
        not _overlap(one, other)
        or not mine & theirs
        or (one.last_extension is None) is not (other.last_extension is None)
    ):
        return False
    return mine == theirs or not (mine < theirs or theirs < mine)


def _reaches_into(did: DidRow, block: NumberBlockRow) -> bool:
    """A range of a wider block that holds numbers of a narrower one: nobody could say whose they are."""
    nested = len(block.head_number) > len(did.head_number)
    return did.last_extension is not None and nested and any(n.startswith(block.head_number) for n in _numbers(did))


def _overlap(one: Any, other: Any) -> bool:
    return (one.valid_from is None or other.valid_to is None or one.valid_from < other.valid_to) and (
        other.valid_from is None or one.valid_to is None or other.valid_from < one.valid_to
    )
