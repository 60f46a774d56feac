# SPDX-License-Identifier: EUPL-1.2
"""One line's coming days as the fallback reads them: stretches of each day, and the few plans they refer to.

A plan is written once, however many days follow it; what differs from day to day (when a stretch begins and ends, and
until when callers may wait) stands with the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from math import ceil
from typing import assert_never

from routing.core.chain import chain_text
from routing.core.decision import DialExtension, EnterQueue, Forward, PlayAnnouncement, Reject, kind_of
from routing.core.line import ServiceLine, Stretch
from routing.core.timeline import stretches

_Plan = tuple[tuple[str, ...], tuple[str, ...], str, str]
"""The fields of a plan without its notices; the notices; both chains; the display."""


class LinePlans:
    """Collects the plans of a line while its days are asked for."""

    def __init__(self, line: ServiceLine) -> None:
        self._line = line
        self._plans: dict[_Plan, int] = {}

    def day(self, start: datetime, end: datetime, maximum_bytes: int) -> Iterator[str]:
        """The day's stretches, joined into as few texts of this length as hold them."""
        text = ""
        for stretch in stretches(self._line, start, end):
            entry = self._entry(stretch)
            if text and len(text) + 1 + len(entry) > maximum_bytes:
                yield text
                text = ""
            text = f"{text}~{entry}" if text else entry
        yield text

    def written(self, maximum_bytes: int) -> Iterator[tuple[str, str, str]]:
        """Plan, chains and display of each plan so far, in the order of their numbers.

        Of more notices than one text holds the last ones are left out: the fallback is brief.
        """
        for fields, notices, chains, display in self._plans:
            text = ":".join(fields) + ":"
            for notice in notices:
                longer = f"{text}~{notice}" if not text.endswith(":") else text + notice
                if len(longer) > maximum_bytes:
                    break
                text = longer
            yield text, chains, display

    def _entry(self, stretch: Stretch) -> str:
        plan = closing = ""
        if stretch.destination is not None:
            plan = str(self._plans.setdefault(_plan(stretch), len(self._plans) + 1))
            closing = "" if stretch.closing is None else str(_up(stretch.closing.until))
        reasons = ".".join(rule for rule, _ in groupby(reason.rule for reason in stretch.reasons))
        return f"{_up(stretch.start)}:{_up(stretch.end)}:{reasons}:{plan}:{closing}"


def _up(at: datetime) -> int:
    """Whole Unix seconds, rounded up: the fallback's clock knows no fractions, so an instant is reached, never near."""
    return max(0, ceil(at.timestamp()))


def _plan(stretch: Stretch) -> _Plan:
    queue = announcement = priority = wait = expected = number = trunk = ring = ""
    notices: tuple[str, ...] = ()
    destination = stretch.destination
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
        case Reject() | None:
            raise ValueError("a line has a plan only while it is served, and refuses nobody")
        case _:
            assert_never(destination)
    told = closed = ""
    if stretch.closing is not None:
        told, closed = stretch.closing.announcement, chain_text(stretch.closing.steps)
    first = (kind_of(destination), queue, announcement, priority, wait, expected, number, trunk, ring, told)
    display = "" if stretch.edition is None else stretch.edition.display
    return first, notices, f"{chain_text(stretch.overflow)}:{closed}", display
