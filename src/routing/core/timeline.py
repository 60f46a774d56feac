# SPDX-License-Identifier: EUPL-1.2
"""A line through time: stretches within which everything about it stays as it is.

The order of the rules, first match wins:

1. an override: the one that began last; of two that began together the line's before its tenant's before the centre's
2. special hours: the line's, its tenant's, those of its opening hours
3. a holiday of its opening hours
4. their weekly windows

Everything is found by looking: a UTC day is cut wherever anything might change, and each piece is asked once what
holds there. So what decides a call, what a comparison of versions compares and what the fallback is given are one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from routing.core.hours import Notice, SpecialHours, changes_on, window_at
from routing.core.line import Edition, ServiceLine, Span, Stretch
from routing.core.plan import NOT_SERVED, make_ready, not_served

LOOK_AHEAD = timedelta(days=400)
"""Longer than any run of closed days that a weekly rule can make."""
EARLIEST = datetime(3, 1, 1, tzinfo=UTC)  # a zone's clock is looked at in the year before, too
LATEST = datetime(9998, 1, 1, tzinfo=UTC) - LOOK_AHEAD
_DAY = timedelta(days=1)
_MEMO_DAYS = 64


def line_at(line: ServiceLine, at: datetime) -> Stretch:
    """The stretch around ``at`` (an aware instant). Beyond the calendar's ends a line is not served."""
    if not EARLIEST <= at < LATEST:  # a zone's offset must not carry us off the calendar
        return not_served(at, at)
    at = at.astimezone(UTC)
    latest = line.latest.stretch
    if latest is not None and latest.start <= at < latest.end:
        return latest
    spans, ready = _day(line, at)
    place = next(place for place, span in enumerate(spans) if at < span.end)
    if place not in ready:
        ready[place] = _stretch(line, spans[place])
    line.latest.stretch = ready[place]
    return ready[place]


def stretches(line: ServiceLine, start: datetime, end: datetime) -> Iterator[Stretch]:
    """All stretches from ``start`` to ``end`` in order, the first and the last cut there; alike ones are joined."""
    for span in spans(line, start, end):
        yield _stretch(line, span)


def spans(line: ServiceLine, start: datetime, end: datetime) -> Iterator[Span]:
    """The same before they are made ready."""
    if end <= EARLIEST or start >= LATEST or end <= start:
        return
    start = EARLIEST if start <= EARLIEST else start.astimezone(UTC)
    end = LATEST if end >= LATEST else end.astimezone(UTC)
    held: Span | None = None
    for span in _from(line, start):
        if span.start >= end:
            break
        if held is not None and _alike(held, span):
            held = replace(held, end=span.end)
            continue
        if held is not None:
            yield held
        held = replace(span, start=start) if held is None else span
    assert held is not None, "start lies before end"
    yield replace(held, end=min(held.end, end))


def _alike(one: Span, other: Span) -> bool:
    return replace(one, start=other.start, end=other.end) == other


def next_change(line: ServiceLine, at: datetime, *, opened: bool) -> datetime | None:
    """The first instant from ``at`` on, within 400 days, at which the line is open (or is not)."""
    last = at + LOOK_AHEAD
    for span in _from(line, at, exact=False):
        if span.start >= last:
            return None
        if span.open is opened:
            return max(span.start, at)
    return None


def next_opening(line: ServiceLine, at: datetime) -> datetime | None:
    """The first instant after ``at`` at which the line opens; ``None`` if there is none within 400 days."""
    if not EARLIEST <= at < LATEST:
        return None
    stretch = line_at(line, at)
    if not stretch.open:  # closed, or not served yet
        return stretch.until if stretch.edition is not None else next_change(line, at.astimezone(UTC), opened=True)
    return None if stretch.until is None else next_change(line, stretch.until, opened=True)


def _stretch(line: ServiceLine, span: Span) -> Stretch:
    until = after = None
    if span.edition is not None:
        until = next_change(line, span.start, opened=not span.open)
    if span.open and until is not None and span.edition is not None and span.edition.after_closing is not None:
        after = _span_at(line, until)
    return make_ready(span, until, after)


def _span_at(line: ServiceLine, at: datetime) -> Span:
    return next(span for span in _day(line, at)[0] if at < span.end)


def _from(line: ServiceLine, at: datetime, *, exact: bool = True) -> Iterator[Span]:
    """Spans from the one around ``at`` (UTC) on; where nothing changes for long, in one step.

    Unless it is to be ``exact``, nothing is what neither opens nor closes the line.
    """
    while at < LATEST:
        for span in _day(line, at)[0]:
            if span.end <= at:
                continue
            steady = _steady_until(line, span, exact=exact)
            if steady is not None:
                span = replace(span, end=steady)
            yield span
            at = span.end


def _steady_until(line: ServiceLine, span: Span, *, exact: bool) -> datetime | None:
    """The end of a span that no window ends and no day cuts: the next dated boundary."""
    hours = None if span.special is not None else span.hours
    if hours is not None and not hours.never_changes and (exact or not hours.never_opens):
        return None
    place = bisect_right(line.boundaries, span.start)
    later = line.boundaries[place] if place < len(line.boundaries) else LATEST
    return max(later, span.end) if later > span.end else None


def _day(line: ServiceLine, at: datetime) -> tuple[tuple[Span, ...], dict[int, Stretch]]:
    """The spans of the UTC day around ``at``, and what was made ready of them before."""
    ordinal = at.toordinal()
    found = line.memo.get(ordinal)
    if found is None:
        if len(line.memo) >= _MEMO_DAYS:
            line.memo.clear()
        found = line.memo[ordinal] = (_cut(line, datetime(at.year, at.month, at.day, tzinfo=UTC)), {})
    return found


def _cut(line: ServiceLine, day: datetime) -> tuple[Span, ...]:
    end = day + _DAY
    first = bisect_left(line.boundaries, day)
    cuts = {day, end, *line.boundaries[first : bisect_left(line.boundaries, end)]}
    for edition in line.editions:
        if _touches(edition, day, end):
            for hours in edition.hours:
                cuts.update(changes_on(hours, day))
    return tuple(_look(line, start, stop) for start, stop in pairwise(map(_shared, sorted(cuts))))


@lru_cache(maxsize=4_096)
def _shared(at: datetime) -> datetime:
    """One object for equal instants (UTC): thousands of lines open at the same minute, and caches are small."""
    return at


def _touches(edition: Edition, day: datetime, end: datetime) -> bool:
    validity = edition.validity
    return (validity.valid_from is None or validity.valid_from < end) and (
        validity.valid_to is None or validity.valid_to > day
    )


def _look(line: ServiceLine, start: datetime, end: datetime) -> Span:
    """What holds at ``start``, and so until ``end``."""
    edition = line.edition_at(start)
    if edition is None:
        return Span(start=start, end=end, edition=None, open=False, rule=NOT_SERVED)
    hours = edition.hours_at(start)
    span = Span(
        start=start,
        end=end,
        edition=edition,
        open=False,
        rule="outside_hours",
        hours=hours,
        notices=tuple(
            notice for notice in line.notices if notice.start <= start < notice.end and _concerns(notice, edition)
        ),
        duties={
            rota: tuple(duty for duty in duties if duty.start <= start < duty.end)
            for rota, duties in line.rotas.items()
        },
    )
    special = _override(line, start)
    if special is not None:
        return replace(span, special=special, open=special.opens, rule=_OVERRIDE[special.opens])
    special = next((item for item in line.special if item.contains(start) and _concerns(item, edition)), None)
    if special is not None:
        return replace(span, special=special, open=special.opens, rule=_SPECIAL[special.opens])
    if hours is None:
        return span
    local = start.astimezone(hours.timezone)
    window = window_at(hours, local)
    if window is not None:
        return replace(span, window=window, open=True, rule="open")
    holiday = hours.holidays.get(local.date())
    return span if holiday is None else replace(span, holiday=holiday, rule="holiday")


def _concerns(item: SpecialHours | Notice, edition: Edition) -> bool:
    """What holds for other hours is none of this edition's, even if a later one will have those."""
    return item.opening_hours is None or item.opening_hours == edition.hours_name


_OVERRIDE = {True: "override_open", False: "override_closed"}
_SPECIAL = {True: "special_opening", False: "closure"}


def _override(line: ServiceLine, at: datetime) -> SpecialHours | None:
    """They stand in the order of their rank, and ``max`` keeps the first of those that began together."""
    holding = [item for item in line.overrides if item.contains(at)]
    return max(holding, key=lambda item: item.start) if holding else None
