# SPDX-License-Identifier: EUPL-1.2
"""A line said again, slowly: every minute is asked on its own, straight from the rows and the order of the rules.

Nothing of ``routing.core`` is used but the rows. What becomes of a caller is said in plain tuples, and sounds by
their words:

    ("queue", group, greeting, notices, priority, wait seconds, expected wait seconds)
    ("say", words)      ("dial", number, trunk, ring seconds)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from routing.core.rows import (
    NoticeRow,
    OnCallDutyRow,
    OpeningHoursRow,
    OverrideRow,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    StepRow,
)

MINUTE = timedelta(minutes=1)
RING_SECONDS = 30
"""Of a closure's own forward."""
Chain = tuple[tuple[tuple[str, ...], Any], ...]
"""Exits, and where they lead."""
_Link = tuple[tuple[str, ...], Any, int | None, int | None]


class Answer(NamedTuple):
    """What holds at an instant. ``rule`` alone is given while the line is not served."""

    rule: str
    name: str = ""
    chain: Chain = ()
    reasons: tuple[str, ...] = ()
    closing: tuple[datetime, str, Chain] | None = None


@dataclass(slots=True)
class LineOracle:
    """One line of these rows; every text that a caller may hear stands in them, none is made up."""

    rows: Rows
    tenant: str
    line: str
    _open: dict[datetime, bool] = field(default_factory=dict)

    # --- what holds -------------------------------------------------------------------------------------------------

    def edition(self, at: datetime) -> ServiceLineRow | None:
        """The edition that is served."""
        served = any(row.slug == self.tenant and _holds(row, at) for row in self.rows.tenants)
        for row in self.rows.service_lines:
            if served and (row.tenant, row.name) == (self.tenant, self.line) and _holds(row, at):
                return row
        return None

    def hours(self, at: datetime) -> OpeningHoursRow | None:
        """The edition of its hours."""
        edition = self.edition(at)
        for row in self.rows.opening_hours:
            if edition is not None and row.name == edition.opening_hours and _holds(row, at):
                return row
        return None

    def override(self, at: datetime) -> OverrideRow | None:
        """The one that began last; of those that began together the most specific, then the one that ends first."""
        holding = [row for row in self.rows.overrides if self._concerns(row, at) and _holds(row, at)]
        return min(
            holding, key=lambda row: (-row.valid_from.timestamp(), _width(row), row.valid_to, row.name), default=None
        )

    def special(self, at: datetime) -> SpecialHoursRow | None:
        """The line's, else its tenant's, else those of its hours."""
        holding = [row for row in self.rows.special_hours if self._concerns(row, at) and _holds(row, at)]
        return min(holding, key=_width, default=None)

    def notices(self, at: datetime) -> list[NoticeRow]:
        """The widest first, then in the order of their time."""
        holding = [row for row in self.rows.notices if self._concerns(row, at) and _holds(row, at)]
        return sorted(holding, key=lambda row: (-_width(row), row.valid_from, row.valid_to, row.name))

    def window(self, at: datetime) -> str | None:
        """The window that began today or yesterday on the clock on the wall, on a day that is no holiday."""
        hours = self.hours(at)
        if hours is None:
            return None
        wall, holidays = _wall(hours, at), {day for day, _ in hours.holiday_dates}
        for day in (wall.date(), wall.date() - timedelta(days=1)):
            since = wall - datetime.combine(day, time())
            for weekday, start, end in hours.weekly:
                if weekday == date.weekday(day) and day not in holidays and start * MINUTE <= since < end * MINUTE:
                    return f"{_clock(start)}-{_clock(end)}"
        return None

    def is_open(self, at: datetime) -> bool:
        """Whether callers are answered."""
        found = self._open.get(at)
        if found is None:
            found = self._open[at] = self._is_open(at)
        return found

    def _is_open(self, at: datetime) -> bool:
        if self.edition(at) is None:
            return False
        switched = self.override(at) or self.special(at)
        return switched.opens if switched is not None else self.window(at) is not None

    # --- until when -------------------------------------------------------------------------------------------------

    def first(self, at: datetime, until: datetime, *, opened: bool) -> datetime | None:
        """The first instant after ``at`` up to ``until`` that is open (or is not)."""
        return next((instant for instant in self.instants(at, until) if self.is_open(instant) is opened), None)

    def instants(self, at: datetime, until: datetime) -> Iterator[datetime]:
        """Every whole minute, and every instant at which a row begins or ends to hold: nothing changes in between."""
        edges = [edge for edge in self.edges() if at < edge <= until]
        minute = at.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
        while minute <= until:
            while edges and edges[0] <= minute:
                yield edges.pop(0)
            yield minute
            minute += MINUTE
        yield from edges

    def edges(self) -> list[datetime]:
        """All instants at which a row begins or ends to hold, in order."""
        ends = {getattr(row, end, None) for row in self.rows.all() for end in ("valid_from", "valid_to")}
        return sorted(end.astimezone(UTC) for end in ends if end is not None)

    # --- what becomes of a caller -----------------------------------------------------------------------------------

    def answer(self, at: datetime, until: datetime | None) -> Answer:
        """Everything; ``until`` is when the line, if it is open, closes."""
        edition = self.edition(at)
        if edition is None:
            return Answer("not_served")
        rule, name = self._rule(at)
        if not self.is_open(at):
            return Answer(rule, name, self._closed(edition, at), (rule, *self._unmanned(edition.closed, at)))
        notices = self.notices(at)
        reasons = (rule, *("notice" for _ in notices), *self._unmanned(edition.overflow, at))
        closing = None
        if until is not None and edition.after_closing_minutes is not None:
            assert edition.closing_text is not None
            then = self._closed(self.edition(until) or edition, until)
            closing = (until + edition.after_closing_minutes * MINUTE, edition.closing_text, then)
        return Answer(rule, name, self._opened(edition, at, notices), reasons, closing)

    def _rule(self, at: datetime) -> tuple[str, str]:
        override, special, hours = self.override(at), self.special(at), self.hours(at)
        if override is not None:
            return "override_open" if override.opens else "override_closed", override.name
        if special is not None:
            return "special_opening" if special.opens else "closure", special.name
        window = self.window(at)
        if window is not None:
            return "open", window
        holiday = hours and dict(hours.holiday_dates).get(_wall(hours, at).date())
        return ("holiday", holiday) if holiday else ("outside_hours", "")

    def _opened(self, edition: ServiceLineRow, at: datetime, notices: list[NoticeRow]) -> Chain:
        special = None if self.override(at) else self.special(at)
        greeting = (special and special.announcement_text) or edition.greeting_text or self._of_tenant("greeting_text")
        group = (special and special.agent_group) or edition.agent_group
        words = tuple(row.announcement_text for row in notices)
        first = ((), ("queue", group, greeting, words), None, None)
        return _chain(edition, [first, *self._links(edition.overflow, at)])

    def _closed(self, edition: ServiceLineRow, at: datetime) -> Chain:
        words = edition.closed_text or self._of_tenant("closed_text")
        switched = None if self.is_open(at) or self.edition(at) is None else self.override(at) or self.special(at)
        if switched is not None and switched.forward_number is not None:
            told = ("say", switched.announcement_text or words)
            forward = ("dial", switched.forward_number, switched.forward_trunk, RING_SECONDS)
            return ((), forward), (("failed",), told)
        if switched is not None and switched.announcement_text is not None:
            return (((), ("say", switched.announcement_text)),)
        chain = _chain(edition, self._links(edition.closed, at)) or (((), ("say", words)),)
        return ((), chain[0][1]), *chain[1:]  # it begins with its first element, whatever led there

    def _links(self, steps: tuple[StepRow, ...], at: datetime) -> list[_Link]:
        """Each step with what bounds the queue before it; in the place of a rota stands who is on duty."""
        found: list[_Link] = []
        for step in steps:
            bounds = step.after_seconds, step.over_seconds
            match step.kind:
                case "agent_group":
                    found.append((step.when, ("queue", step.agent_group, None, ()), *bounds))
                case "announcement":
                    found.append((step.when, ("say", step.text), *bounds))
                case "forward" | "desk":
                    found.append((step.when, ("dial", step.number, step.trunk, step.ring_seconds), *bounds))
                case "on_call":
                    duties = [duty for duty in self._duties(step.rota, at) for _ in range(step.tries)]
                    dials = [("dial", duty.number, duty.trunk, step.ring_seconds) for duty in duties]
                    found += [(step.when, dial, *bounds) for dial in dials[:1]]
                    found += [(("failed",), dial, None, None) for dial in dials[1:]]
        return found

    def _duties(self, rota: str | None, at: datetime) -> list[OnCallDutyRow]:
        if self.edition(at) is None:
            return []
        holding = [row for row in self.rows.on_call_duties if row.rota == rota and _holds(row, at)]
        return sorted(holding, key=lambda row: (row.rank, row.number))

    def _unmanned(self, steps: tuple[StepRow, ...], at: datetime) -> list[str]:
        rotas = dict.fromkeys(step.rota for step in steps if step.rota is not None)
        return ["nobody_on_call" for rota in rotas if not self._duties(rota, at)]

    def _of_tenant(self, text: str) -> Any:
        return next(getattr(row, text) for row in self.rows.tenants if row.slug == self.tenant)

    def _concerns(self, row: OverrideRow | SpecialHoursRow | NoticeRow, at: datetime) -> bool:
        edition, hours = self.edition(at), getattr(row, "opening_hours", None)
        if hours is not None:
            return edition is not None and edition.opening_hours == hours
        return row.tenant in {None, self.tenant} and row.service_line in {None, self.line}


def _chain(edition: ServiceLineRow, links: list[_Link]) -> Chain:
    """The steps, each queue with its priority and with the first bounds behind it."""
    found: list[tuple[tuple[str, ...], Any]] = []
    for place, (when, target, _, _) in enumerate(links):
        if target[0] == "queue":
            waits = [after for _, _, after, _ in links[place + 1 :] if after is not None]
            expected = [over for _, _, _, over in links[place + 1 :] if over is not None]
            wait = waits[0] if waits else edition.maximum_wait_seconds
            target = (*target, edition.priority, wait, expected[0] if expected else None)
        found.append((when, target))
    return tuple(found)


def _holds(row: Any, at: datetime) -> bool:
    return (row.valid_from is None or row.valid_from <= at) and (row.valid_to is None or not row.valid_to <= at)


def _width(row: OverrideRow | SpecialHoursRow | NoticeRow) -> int:
    """Line, tenant, hours, centre."""
    if row.service_line is not None:
        return 0
    if row.tenant is not None:
        return 1
    return 2 if getattr(row, "opening_hours", None) is not None else 3


def _wall(hours: OpeningHoursRow, at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(hours.timezone)).replace(tzinfo=None)


def _clock(minutes: int) -> str:
    minutes = minutes if minutes <= 1440 else minutes - 1440
    return f"{minutes // 60:02}:{minutes % 60:02}"
