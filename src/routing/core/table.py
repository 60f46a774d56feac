# SPDX-License-Identifier: EUPL-1.2
"""The compiled table: everything ``decide`` looks at, in the shape in which it looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from routing.core.line import LineKey, ServiceLine, Tenant
from routing.core.numbers import NumberFormat
from routing.core.plan import NOT_SERVED
from routing.core.rows import NumberBlockRow, Rows
from routing.core.sharded import ShardedMap
from routing.core.timeline import line_at
from routing.core.validity import Validity

if TYPE_CHECKING:
    from routing.core.compile_frame import Frame

WILDCARD = "X"
MeaningKind = Literal["line", "desk", "other", "ingress"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """One dated meaning of a number, or of all numbers of a pattern.

    ``line`` (a did), ``desk`` (an extension that stays with the tenant's own PBX, behind ``trunk``), ``other`` (any
    other extension, answered by a line) or ``ingress`` (``line`` may be missing). ``width`` is how many numbers the
    rule holds as it was configured: of two on one pattern the narrower comes first. ``row`` is what it was made of; it
    is empty for single numbers that lead to a line for ever, which share one meaning: `row_of`.
    """

    kind: MeaningKind
    tenant: str | None
    line: str | None
    validity: Validity
    trunk: str | None
    head: str
    width: int
    row: tuple[object, ...]

    @property
    def line_key(self) -> LineKey | None:
        """The line it leads to."""
        return None if self.tenant is None or self.line is None else (self.tenant, self.line)


def row_of(key: str, meaning: Meaning) -> tuple[object, ...]:
    """What a meaning that stands at this key was made of: a did is its head number, its extensions, its beginning."""
    return meaning.row or (f"+{meaning.head}", key.removeprefix(meaning.head), None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginMeaning:
    """What becomes of 115 from one area or one class of callers: a line, an announcement or a forward."""

    origin: str
    standing: str
    line: LineKey | None
    announcement: str | None
    forward_number: str | None
    forward_trunk: str | None
    validity: Validity


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A trunk as the decision needs it."""

    name: str
    number_format: NumberFormat
    has_other_route: bool
    demonstration: bool
    own_prefix: str = ""
    area_code: str | None = None
    trusts_diversion: bool = False
    recognise_by: tuple[str, ...] = ("dialled", "ingress_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberIndex:
    """Numbers as they are looked up, and what is needed to change a few of them.

    ``meanings`` is keyed by E.164 digits without the plus, whose last digits may be ``X``: any digit there.
    ``wildcards`` counts the patterns by their number of ``X``. ``ranges`` holds the configured ranges of
    one length that share all but their last six digits. ``blocks`` is keyed by the head number's digits, ``heads`` are
    these in order.
    """

    meanings: ShardedMap[tuple[Meaning, ...]]
    wildcards: Mapping[int, int]
    blocks: ShardedMap[NumberBlockRow]
    heads: tuple[str, ...]
    ranges: ShardedMap[tuple[tuple[int, int, Meaning], ...]]
    dids_of_block: ShardedMap[int]
    uses_of_line: Mapping[LineKey, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A configuration ready to decide with.

    ``rows`` are all rows but those of numbers, which are in ``index``; ``frame`` is what the compiler made of them.
    ``wildcards`` are the numbers of ``X`` in use, fewest first: the more specific pattern is looked up before the
    wider. ``origins`` are what 115 is told apart by. ``buildings`` are the tenants' counters: lines that nobody can
    call, whose hours agents are told. ``announcements`` maps each sound's name to its German text.
    """

    version: int
    rows: Rows
    frame: Frame
    index: NumberIndex
    wildcards: tuple[int, ...]
    tenants: Mapping[str, Tenant]
    lines: Mapping[LineKey, ServiceLine]
    trunks: Mapping[str, Trunk]
    origins: Mapping[str, tuple[OriginMeaning, ...]]
    unknown_line: LineKey | None
    buildings: Mapping[str, ServiceLine]
    announcements: Mapping[str, str]

    @property
    def numbers(self) -> ShardedMap[tuple[Meaning, ...]]:
        """What each number, or pattern of numbers, means."""
        return self.index.meanings

    def line_served(self, key: LineKey | None, at: datetime) -> ServiceLine | None:
        """The line, if it is served at this instant."""
        line = None if key is None else self.lines.get(key)
        if line is None:
            return None
        if line_at(line, at).rule != NOT_SERVED or line.edition_at(at) is not None:  # beyond the calendar's ends
            return line
        return None
