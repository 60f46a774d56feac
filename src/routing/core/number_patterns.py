# SPDX-License-Identifier: EUPL-1.2
"""Numbers as they are looked up: E.164 digits, of which the last may be ``X``, any digit.

::

    +4953721 510–527     is written as patterns, the fewest that hold it:   …51X …520 … …527
"""

from __future__ import annotations

from collections.abc import Iterator

from routing.core.numbers import MAXIMUM_E164_DIGITS
from routing.core.rows import DidRow, NumberBlockRow
from routing.core.table import WILDCARD, MeaningKind

MAXIMUM_EXTENSION_DIGITS = 6


def range_of(row: DidRow) -> tuple[int, int, str]:
    """The first and the last number of a range, and the bucket in which ranges are looked for."""
    head = row.head_number.removeprefix("+")
    length = len(head) + len(row.extension)
    return int(head + row.extension), int(head + (row.last_extension or "")), bucket_of(length, head + row.extension)


def bucket_of(length: int, digits: str) -> str:
    """Ranges of one length that share all but their last six digits lie in one bucket."""
    return f"{length}:{digits[: length - MAXIMUM_EXTENSION_DIGITS]}"


def patterns_of_block(row: NumberBlockRow) -> Iterator[tuple[MeaningKind, str]]:
    """The patterns of its desks and of its other extensions."""
    head = row.head_number.removeprefix("+")
    for digits in dict.fromkeys(row.desk_digits):
        yield "desk", head + WILDCARD * digits
    if row.other_service_line is not None:
        for digits in range(min(MAXIMUM_EXTENSION_DIGITS, MAXIMUM_E164_DIGITS - len(head)) + 1):
            yield "other", head + WILDCARD * digits


def patterns_of_did(row: DidRow) -> Iterator[str]:
    """The number itself, or the patterns of a range."""
    head = row.head_number.removeprefix("+")
    if row.last_extension is None:
        yield head + row.extension
        return
    digits = len(row.extension)
    for first, wild in cover(int(row.extension), int(row.last_extension), digits):
        yield head + f"{first:0{digits}d}"[: digits - wild] + WILDCARD * wild


def cover(first: int, last: int, digits: int) -> Iterator[tuple[int, int]]:
    """The fewest patterns that hold exactly the numbers ``first`` to ``last``: (smallest number, wildcard digits)."""
    while first <= last:
        wild = 0
        while wild < digits and first % 10 ** (wild + 1) == 0 and first + 10 ** (wild + 1) - 1 <= last:
            wild += 1
        yield first, wild
        first += 10**wild
