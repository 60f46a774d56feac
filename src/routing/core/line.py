# SPDX-License-Identifier: EUPL-1.2
"""A service line compiled: its editions, and everything on dates that can change what becomes of its callers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from routing.core.decision import Closing, Destination, Reason, Step
from routing.core.hours import Duty, Notice, OpeningHours, SpecialHours, Window
from routing.core.validity import Validity

LineKey = tuple[str, str]
"""A tenant's slug and a line's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tenant as the decision needs it."""

    slug: str
    name: str
    validity: Validity


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """Stands for whoever is on duty: each is tried ``tries`` times."""

    rota: str
    tries: int
    ring_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLink:
    """A step as it is configured: ``after_seconds`` and ``over_seconds`` bound the queue before it."""

    when: tuple[str, ...]
    after_seconds: int | None
    over_seconds: int | None
    target: Destination | OnCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What a line is for a stretch of time. ``hours`` are the editions of its opening hours."""

    tenant: Tenant
    name: str
    title: str
    hours_name: str
    hours: tuple[OpeningHours, ...]
    queue: str
    priority: int
    maximum_wait_seconds: int
    after_closing: timedelta | None
    greeting: str
    closed: str
    closing: str
    agent_phrase: str
    overflow: tuple[ChainLink, ...]
    closed_chain: tuple[ChainLink, ...]
    validity: Validity

    @property
    def display(self) -> str:
        """What the agent says, for a telephone's display: however few characters it shows, they say for whom."""
        name = self.tenant.name
        return self.agent_phrase if self.agent_phrase.startswith(name) else f"{name}: {self.agent_phrase}"

    def hours_at(self, at: datetime) -> OpeningHours | None:
        """The edition of the opening hours that holds at this instant."""
        for hours in self.hours:
            if hours.validity.contains(at):
                return hours
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of time within which everything about a line stays as it is, from ``start`` to ``end`` (UTC).

    ``edition`` is ``None`` while the line is not served; all that follows from it is empty then. ``reasons`` end with
    the rule (``open``, ``special_opening``, ``override_open``, ``outside_hours``, ``holiday``, ``closure``,
    ``override_closed``) or with what accompanies it. What every decision looks at comes first, and so lies together.
    """

    start: datetime
    end: datetime
    rule: str
    destination: Destination | None
    overflow: tuple[Step, ...]
    closing: Closing | None
    reasons: tuple[Reason, ...]
    edition: Edition | None
    open: bool
    until: datetime | None
    """Open: when it closes. Closed: when it opens next. ``None``: not within 400 days."""


@dataclass(slots=True)
class Latest:
    """The stretch that was asked for last: most calls come while it still holds."""

    stretch: Stretch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The same before it is made ready: which rule holds, and by what."""

    start: datetime
    end: datetime
    edition: Edition | None
    open: bool
    rule: str
    hours: OpeningHours | None = None
    special: SpecialHours | None = None
    window: Window | None = None
    holiday: str | None = None
    notices: tuple[Notice, ...] = ()
    duties: Mapping[str, tuple[Duty, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServiceLine:
    """A line through all of its time. Overrides, special hours and notices are those that concern it.

    ``special`` is ordered: the first that holds, wins. ``boundaries`` are all instants, in order, at which anything
    but the weekly windows begins or ends. ``memo`` holds stretches that were asked for before, ``latest`` the last one.
    """

    key: LineKey
    editions: tuple[Edition, ...]
    tenant_name: str
    latest: Latest = field(default_factory=Latest, repr=False)
    overrides: tuple[SpecialHours, ...] = ()
    special: tuple[SpecialHours, ...] = ()
    notices: tuple[Notice, ...] = ()
    rotas: Mapping[str, tuple[Duty, ...]] = field(default_factory=dict)
    boundaries: tuple[datetime, ...] = ()
    memo: dict[int, tuple[tuple[Span, ...], dict[int, Stretch]]] = field(default_factory=dict, repr=False)

    @property
    def tenant(self) -> Tenant:
        """Whose line it is."""
        return self.editions[0].tenant

    @property
    def name(self) -> str:
        """The line's name within its tenant."""
        return self.key[1]

    def edition_at(self, at: datetime) -> Edition | None:
        """The edition that is served at this instant, if any is."""
        for edition in self.editions:
            if edition.validity.contains(at) and edition.tenant.validity.contains(at):
                return edition
        return None

    def edition_near(self, at: datetime) -> Edition:
        """The same, else the last one before, else the first: for texts about a call that went elsewhere."""
        served = self.edition_at(at)
        if served is not None:
            return served
        begun = [e for e in self.editions if e.validity.valid_from is None or e.validity.valid_from <= at]
        return begun[-1] if begun else self.editions[0]


def boundaries_of(line: ServiceLine) -> tuple[datetime, ...]:
    """Every instant, in UTC and in order, at which something dated begins or ends for this line."""
    found: set[datetime] = set()
    for edition in line.editions:
        found.update(edition.validity.ends())
        found.update(edition.tenant.validity.ends())
        for hours in edition.hours:
            found.update(hours.validity.ends())
    dated: tuple[SpecialHours | Notice | Duty, ...] = (
        *line.overrides,
        *line.special,
        *line.notices,
        *(d for duties in line.rotas.values() for d in duties),
    )
    for item in dated:
        found.update((item.start, item.end))
    return tuple(sorted(at.astimezone(UTC) for at in found))
