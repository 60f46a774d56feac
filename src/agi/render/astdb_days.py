# SPDX-License-Identifier: EUPL-1.2
"""One line's coming days as the fallback reads them: stretches of time, and the plans they refer to.

::

    <from>:<to>:<reasons>:<plan>:<closing>~<from>:…     Unix seconds; <plan> names a plan by its digest

Days come in periods of four (UTC, counted from 1970). A plan is named by what it says, so the many lines that say the
same at the same time (an override of the whole centre) share one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import ceil
from typing import assert_never
from urllib.parse import quote

from agi.render.astdb_items import MAXIMUM_VALUE_BYTES, Item, text_item
from routing.core.chain import chain_text
from routing.core.decision import Destination, DialExtension, EnterQueue, Forward, PlayAnnouncement, Reject, kind_of
from routing.core.line import ServiceLine, Stretch
from routing.core.timeline import stretches

MAXIMUM_DISPLAY_BYTES = 300
"""Of the encoded text. No telephone shows more."""
PERIOD_DAYS = 4
_PERIOD = timedelta(days=PERIOD_DAYS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Four days of a line. ``plans`` are those that ``days`` refers to.

    ``looks_ahead`` is the last instant that any of it depends on; ``None``: it depends on all that will ever be.
    """

    days: Item
    plans: tuple[Item, ...]
    looks_ahead: datetime | None


def period_of(at: datetime) -> int:
    """The number of the period around this instant."""
    return (at - _EPOCH) // _PERIOD


def period_start(number: int) -> datetime:
    """When it begins, in UTC."""
    return _EPOCH + number * _PERIOD


def period(line: ServiceLine, number: int) -> Period:
    """What holds for the line in these four days."""
    start = period_start(number)
    plans: dict[str, Item] = {}
    entries: list[str] = []
    ahead: datetime | None = start + _PERIOD
    for stretch in stretches(line, start, start + _PERIOD):
        plan = plan_item(stretch)
        if plan is not None:
            plans[plan.digest] = plan
        entries.append(stretch_text(stretch, plan))
        if stretch.open:
            ahead = None if stretch.until is None or ahead is None else max(ahead, stretch.until)
    return Period(days=text_item(tuple(_joined(entries))), plans=tuple(plans.values()), looks_ahead=ahead)


def _joined(entries: Sequence[str]) -> Iterator[str]:
    """The entries in as few texts as hold them."""
    text = ""
    for entry in entries:
        if text and len(text) + 1 + len(entry) > MAXIMUM_VALUE_BYTES:
            yield text
            text = ""
        text = f"{text}~{entry}" if text else entry
    yield text


def stretch_text(stretch: Stretch, plan: Item | None) -> str:
    """One stretch as the fallback reads it; it has no plan while the line is not served."""
    closing = "" if stretch.closing is None else str(_up(stretch.closing.until))
    reasons = ".".join(rule for rule, _ in groupby(reason.rule for reason in stretch.reasons))
    return f"{_up(stretch.start)}:{_up(stretch.end)}:{reasons}:{'' if plan is None else plan.digest}:{closing}"


def _up(at: datetime) -> int:
    """Whole Unix seconds, rounded up: the fallback's clock knows no fractions, so an instant is reached, never near."""
    return max(0, ceil(at.timestamp()))


def plan_item(stretch: Stretch) -> Item | None:
    """What becomes of the callers of a stretch; ``None`` while nobody is served.

    Three texts: the first element, the chains behind it (``-c``, if there are any), and what a telephone shows (``-d``,
    if one may ring in a queue).
    """
    if stretch.destination is None:
        return None
    told = closed = ""
    if stretch.closing is not None:
        told, closed = stretch.closing.announcement, chain_text(stretch.closing.steps)
    parts = {}
    chains = f"{chain_text(stretch.overflow)}:{closed}"
    if chains != ":":
        parts["c"] = chains
    if stretch.edition is not None and _may_queue(stretch):
        parts["d"] = encoded_display(stretch.edition.display)
    return text_item((_first(stretch.destination, told),), named=parts)


def _may_queue(stretch: Stretch) -> bool:
    steps = (*stretch.overflow, *(() if stretch.closing is None else stretch.closing.steps))
    return any(isinstance(item, EnterQueue) for item in (stretch.destination, *(step.destination for step in steps)))


def _first(destination: Destination, told: str) -> str:
    """Of more notices than one text holds the last ones are left out: the fallback is brief."""
    queue = announcement = priority = wait = expected = number = trunk = ring = ""
    notices: tuple[str, ...] = ()
    match destination:
        case EnterQueue():
            queue, announcement, notices = destination.queue, destination.announcement or "", destination.notices
            priority, wait = str(destination.priority), str(destination.wait_seconds)
            if destination.expected_wait_seconds is not None:
                expected = str(destination.expected_wait_seconds)
        case PlayAnnouncement():
            announcement = destination.announcement
        case Forward() | DialExtension():
            number, trunk = destination.number.removeprefix("+"), destination.trunk
            ring = str(destination.ring_seconds)
        case Reject():
            raise ValueError("a line refuses nobody")
        case _:
            assert_never(destination)
    fields = (kind_of(destination), queue, announcement, priority, wait, expected, number, trunk, ring, told)
    text = ":".join(fields) + ":"
    for notice in notices:
        longer = f"{text}~{notice}" if not text.endswith(":") else text + notice
        if len(longer) > MAXIMUM_VALUE_BYTES:
            break
        text = longer
    return text


def encoded_display(text: str) -> str:
    """The text percent-encoded, cut between two characters so that it fits."""
    encoded = ""
    for character in text:
        piece = quote(character, safe="")
        if len(encoded) + len(piece) > MAXIMUM_DISPLAY_BYTES:
            break
        encoded += piece
    return encoded
