# SPDX-License-Identifier: EUPL-1.2
"""What ``routing.core.comparison`` finds: who is treated otherwise, when, and how before and after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from routing.core.decision import (
    Closing,
    Decision,
    Destination,
    DialExtension,
    EnterQueue,
    PlayAnnouncement,
    Step,
)
from routing.core.table import WILDCARD, Table

ANY_OTHER_NUMBER = "any other number"
"""Every number, and every text that is none, that leads nowhere in both versions at that time."""
ANY_NUMBER = "any number"
OTHER_AREA_115 = "0…115"
"""115 dialled in an area that neither version names."""
OCCUPIED = "occupied"
"""What whoever may see one tenant only is told of another."""
OTHER_TRUNK = "another trunk"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class NumberRange:
    """Numbers of one length, from ``first`` to ``last`` (E.164 with plus), both included."""

    first: str
    last: str

    def __str__(self) -> str:
        """``+495372890``, ``+49537289XXX`` if it is all of a pattern, else ``+49537289510-27``."""
        if self.first == self.last:
            return self.first
        place = next(i for i, (one, other) in enumerate(zip(self.first, self.last, strict=True)) if one != other)
        head, low, high = self.first[:place], self.first[place:], self.last[place:]
        if set(low) == {"0"} and set(high) == {"9"}:
            return head + WILDCARD * len(low)
        return f"{self.first}-{high}"

    def __contains__(self, number: str) -> bool:
        return len(number) == len(self.first) and self.first <= number <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What a caller gets. ``texts`` are the announcements named in it with their words, in the order of their names.

    A desk's ``destination`` stands for all desks of its block: its number and extension end in ``X``. ``by`` says by
    what the call was recognised (``dialled``, ``ingress_number``, ``diversion``, ``unknown``); it makes no difference.
    """

    tenant: str | None
    service_line: str | None
    destination: Destination
    overflow: tuple[Step, ...]
    closing: Closing | None
    texts: tuple[tuple[str, str], ...]
    by: str = field(default="dialled", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What an agent is shown of a line."""

    tenant: str
    service_line: str
    title: str
    display: str
    agent_phrase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkSettings:
    """The settings that differ, as texts by their names."""

    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Calls that are treated otherwise from ``start`` to ``end``.

    ``kind`` is ``decision`` (``before`` and ``after`` are treatments), ``shown`` (what the agent sees of the same line)
    or ``trunk`` (how a trunk's calls are read or recognised: any of its calls may be decided otherwise).

    ``by`` is what recognises the call: ``dialled`` and ``ingress_number`` (``numbers`` were dialled) or ``diversion``
    (``numbers`` stand in a diversion header). A side that is ``None`` there leads nowhere by itself: the call goes on
    to what comes next. On a number that was dialled such a side is what a diversion header says.
    ``callers`` are classes of 115 (an area code, ``mobile``, …), none of them means every caller; ``trunks`` are those
    concerned ('' = one that is not configured), ``None`` means every trunk alike.
    """

    kind: str
    numbers: tuple[NumberRange | str, ...]
    callers: tuple[str, ...]
    trunks: tuple[str, ...] | None
    by: str
    start: datetime
    end: datetime
    before: Treatment | Shown | TrunkSettings | str | None
    after: Treatment | Shown | TrunkSettings | str | None


def treatment(
    table: Table,
    tenant: str | None,
    service_line: str | None,
    plan: tuple[Destination, tuple[Step, ...], Closing | None],
    by: str = "dialled",
) -> Treatment:
    """The treatment of a plan (destination, overflow, closing) with the words that the table has for it."""
    destination, overflow, closing = plan
    names = set(_sounds((destination, *(step.destination for step in overflow))))
    if closing is not None:
        names |= {closing.announcement, *_sounds(step.destination for step in closing.steps)}
    return Treatment(
        tenant=tenant,
        service_line=service_line,
        destination=destination,
        overflow=overflow,
        closing=closing,
        texts=tuple((name, table.announcements.get(name, "")) for name in sorted(names)),
        by=by,
    )


def treatment_of(table: Table, decision: Decision) -> Treatment:
    """The treatment of one decision of this table."""
    destination = decision.destination
    if isinstance(destination, DialExtension) and destination.number == decision.dialled_number:
        wild = WILDCARD * len(destination.extension)
        destination = replace(destination, extension=wild, number=destination.number[: -len(wild)] + wild)
    plan = (destination, decision.overflow, decision.closing)
    return treatment(table, decision.tenant, decision.service_line, plan, recognised_by(decision))


def recognised_by(decision: Decision) -> str:
    """``dialled``, ``ingress_number``, ``diversion``, or ``unknown`` if the call led nowhere."""
    rules = {reason.rule for reason in decision.reasons}
    if "unknown_number" in rules:
        return "unknown"
    if "diverted" in rules:
        return "diversion"
    return "ingress_number" if "ingress_number" in rules else "dialled"


def visible_to(differences: Iterable[Difference], tenant: str, trunks: Collection[str] = ()) -> Iterator[Difference]:
    """Those that concern one tenant, for whoever may see that one only: another's side is ``OCCUPIED``.

    Its hours are not told either: neighbouring times that now look alike are one. ``trunks`` are those whose names may
    be seen; all others are called ``OTHER_TRUNK``.
    """
    held: dict[Difference, Difference] = {}  # by all but the time
    for difference in differences:
        if not any(_tenant(side) == tenant for side in (difference.before, difference.after)):
            continue
        named = difference.trunks
        if named is not None:
            seen = tuple(name for name in named if name in trunks)
            named = seen if len(seen) == len(named) else (*seen, OTHER_TRUNK)
        before, after = _seen(difference.before, tenant), _seen(difference.after, tenant)
        found = replace(difference, trunks=named, before=before, after=after)
        alike = replace(found, start=_NEVER, end=_NEVER)
        last = held.get(alike)
        if last is not None and last.end == found.start:
            found = replace(found, start=last.start)
        elif last is not None:
            yield last
        held[alike] = found
    yield from held.values()


_NEVER = datetime(1, 1, 1, tzinfo=UTC)
Side = Treatment | Shown | TrunkSettings | str | None


def _tenant(side: Side) -> str | None:
    return side.tenant if isinstance(side, Treatment | Shown) else None


def _seen(side: Side, tenant: str) -> Side:
    return side if _tenant(side) in {None, tenant} else OCCUPIED


def _sounds(destinations: Iterable[Destination]) -> Iterator[str]:
    for destination in destinations:
        match destination:
            case EnterQueue(announcement=announcement, notices=notices):
                yield from notices
                if announcement is not None:
                    yield announcement
            case PlayAnnouncement(announcement=announcement):
                yield announcement
            case _:
                pass
