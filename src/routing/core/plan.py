# SPDX-License-Identifier: EUPL-1.2
"""What becomes of a line's callers while one rule holds: the destination, the chain behind it, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType

from routing.core.decision import Closing, Destination, EnterQueue, Forward, PlayAnnouncement, Reason, Step
from routing.core.hours import Duty
from routing.core.line import ChainLink, Edition, OnCall, Span, Stretch

NOT_SERVED = "not_served"


def not_served(start: datetime, end: datetime) -> Stretch:
    """A stretch in which the line is nobody's."""
    return Stretch(
        start=start, end=end, edition=None, open=False, rule=NOT_SERVED, until=None, destination=None,
        overflow=(), closing=None, reasons=(),
    )  # fmt: skip


def make_ready(span: Span, until: datetime | None, after: Span | None) -> Stretch:
    """The stretch of a span that lasts until ``until``; ``after`` holds then, if callers may wait beyond it."""
    edition = span.edition
    if edition is None:
        return not_served(span.start, span.end)
    destination, overflow = _open(span, edition) if span.open else _closed(span, edition)
    closing = None
    if after is not None and until is not None and edition.after_closing is not None:
        first, steps = _closed(after, after.edition or edition)
        closing = Closing(
            until=until + edition.after_closing,
            announcement=edition.closing,
            steps=(Step(when=(), destination=first), *steps),
        )
    return Stretch(
        start=span.start,
        end=span.end,
        edition=edition,
        open=span.open,
        rule=span.rule,
        until=until,
        destination=destination,
        overflow=_shared(overflow),
        closing=closing,
        reasons=_told(
            tuple(
                (reason.rule, tuple(reason.parameters.items()))
                for reason in (_rule(span, edition, until), *_notes(span, edition))
            )
        ),
    )


# Of thousands of lines many say the same at the same time. What is equal is one object: it is in the processor's cache.


@lru_cache(maxsize=4_096)
def _shared(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return steps


@lru_cache(maxsize=4_096)
def _told(rules: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> tuple[Reason, ...]:
    return tuple(Reason(rule=rule, parameters=MappingProxyType(dict(parameters))) for rule, parameters in rules)


def _open(span: Span, edition: Edition) -> tuple[Destination, tuple[Step, ...]]:
    special = span.special
    links = _on_duty(edition.overflow, span.duties)
    first = EnterQueue(
        queue=(special.queue if special else None) or edition.queue,
        announcement=(special.announcement if special else None) or edition.greeting,
        notices=tuple(notice.announcement for notice in span.notices),
    )
    return _bounded(first, links, edition), _steps(links, edition)


def _closed(span: Span, edition: Edition) -> tuple[Destination, tuple[Step, ...]]:
    """A closure's own forward or words come before the line's chain."""
    special = None if span.open else span.special
    if special is not None and special.forward_number is not None and special.forward_trunk is not None:
        told = PlayAnnouncement(announcement=special.announcement or edition.closed)
        forward = Forward(number=special.forward_number, trunk=special.forward_trunk)
        return forward, (Step(when=("failed",), destination=told),)
    if special is not None and special.announcement is not None:
        return PlayAnnouncement(announcement=special.announcement), ()
    steps = _steps(_on_duty(edition.closed_chain, span.duties), edition)
    if not steps:
        return PlayAnnouncement(announcement=edition.closed), ()
    return steps[0].destination, steps[1:]


_Link = tuple[ChainLink, Destination]


def _on_duty(chain: Sequence[ChainLink], duties: Mapping[str, tuple[Duty, ...]]) -> tuple[_Link, ...]:
    """The chain with the numbers of those on duty in the place of their rota."""
    found: list[_Link] = []
    for link in chain:
        if isinstance(link.target, OnCall):
            found.extend(_turns(link, link.target, duties))
        else:
            found.append((link, link.target))
    return tuple(found)


def _turns(link: ChainLink, call: OnCall, duties: Mapping[str, tuple[Duty, ...]]) -> Iterator[_Link]:
    for duty in sorted(duties.get(call.rota, ()), key=lambda item: (item.rank, item.number)):
        for _ in range(call.tries):
            yield link, Forward(number=duty.number, trunk=duty.trunk, ring_seconds=call.ring_seconds)
            link = replace(link, when=("failed",), after_seconds=None, over_seconds=None)


def _steps(links: tuple[_Link, ...], edition: Edition) -> tuple[Step, ...]:
    return tuple(
        Step(when=link.when, destination=_bounded(target, links[place + 1 :], edition))
        for place, (link, target) in enumerate(links)
    )


def _bounded(target: Destination, later: tuple[_Link, ...], edition: Edition) -> Destination:
    """A queue is left after the time of the first later step that follows a time-out, and not entered above a wait."""
    if not isinstance(target, EnterQueue):
        return target
    wait = next((link.after_seconds for link, _ in later if link.after_seconds is not None), None)
    return replace(
        target,
        priority=edition.priority,
        wait_seconds=edition.maximum_wait_seconds if wait is None else wait,
        expected_wait_seconds=next((link.over_seconds for link, _ in later if link.over_seconds is not None), None),
    )


def _rule(span: Span, edition: Edition, until: datetime | None) -> Reason:
    zone = span.hours.timezone if span.hours is not None else UTC
    instant = "" if until is None else until.astimezone(zone).isoformat()
    parameters = {"opening_hours": edition.hours_name}
    special = span.special
    if special is not None and special.author is not None:
        end = special.end.astimezone(zone).isoformat()
        parameters = {"name": special.name, "reason": special.title, "author": special.author, "ends_at": end}
    elif special is not None:
        parameters |= {"name": special.name, "title": special.title}
    elif span.window is not None and span.hours is not None:
        parameters |= {"window": str(span.window), "timezone": span.hours.timezone_name}
    elif span.holiday is not None:
        parameters["name"] = span.holiday
    parameters["closes_at" if span.open else "next_opening"] = instant
    return Reason(rule=span.rule, parameters=MappingProxyType(parameters))


def _notes(span: Span, edition: Edition) -> Iterator[Reason]:
    """What accompanies the rule: notices to those who will wait, and rotas with nobody on duty."""
    if span.open:
        for notice in span.notices:
            yield Reason(rule="notice", parameters={"name": notice.name, "title": notice.title})
    chain = edition.overflow if span.open else edition.closed_chain
    for rota in dict.fromkeys(link.target.rota for link in chain if isinstance(link.target, OnCall)):
        if not span.duties.get(rota):
            yield Reason(rule="nobody_on_call", parameters={"rota": rota})
