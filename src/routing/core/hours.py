# SPDX-License-Identifier: EUPL-1.2
"""Opening hours: half-open weekly windows in a time zone, public holidays, and special hours on dates.

::

    07:00:00.000 ≤ local time < 18:00:00.000      open
    ^ included                  ^ not included

Windows are compared in local wall time, so both daylight-saving days open at 07:00 on the clock on the wall; what
lies in the doubled hour holds twice, and what lies in the skipped one not at all. A window belongs to the day on which
it starts: ``22:00-06:00`` of a Friday ends on Saturday morning, and a holiday on the Friday closes all of it. Which
rule comes before which stands in ``routing.core.timeline``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise

from routing.core.clock_changes import clock_changes
from routing.core.validity import ALWAYS, Validity

MINUTES_PER_DAY = 24 * 60
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Window:
    """One stretch in minutes after local midnight: ``start`` included, ``end`` not.

    ``start`` lies within the day (0–1439); an ``end`` beyond 1440 lies on the next day, less than 24 hours later.
    """

    start: int
    end: int

    def __str__(self) -> str:
        return f"{clock_text(self.start)}-{clock_text(self.end)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHours:
    """One edition of a named weekly rule: seven days from Monday, each with its windows in order, and the holidays."""

    name: str
    timezone: tzinfo
    timezone_name: str
    weekly: tuple[tuple[Window, ...], ...]
    holidays: Mapping[date, str] = field(default_factory=dict)
    validity: Validity = ALWAYS

    @property
    def never_opens(self) -> bool:
        """Whether it has no window at all."""
        return not any(self.weekly)

    @property
    def never_changes(self) -> bool:
        """Whether it is always closed, or always open, and for one and the same reason: no holiday interrupts it."""
        return not self.holidays and (self.never_opens or self.weekly == _ROUND_THE_CLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialHours:
    """A closure, a special opening or (with an ``author``) an override: what holds from ``start`` to ``end`` instead.

    ``title`` is an override's reason. ``announcement``, the forward and the group, where given, replace the line's own.
    With ``opening_hours`` it holds for lines only while they have those.
    """

    name: str
    title: str
    opens: bool
    start: datetime
    end: datetime
    author: str | None = None
    announcement: str | None = None
    forward_number: str | None = None
    forward_trunk: str | None = None
    queue: str | None = None
    opening_hours: str | None = None

    def contains(self, at: datetime) -> bool:
        """Whether ``at`` lies within."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An announcement to those who will wait, from ``start`` to ``end``; ``opening_hours`` as above."""

    name: str
    title: str
    announcement: str
    start: datetime
    end: datetime
    opening_hours: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One turn of an on-call rota."""

    number: str
    trunk: str
    rank: int
    start: datetime
    end: datetime


def clock_text(minutes: int) -> str:
    """Minutes after midnight as ``07:00``; the end of the day is ``24:00``, beyond it the next day's time."""
    if minutes > MINUTES_PER_DAY:
        minutes -= MINUTES_PER_DAY
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def window_at(hours: OpeningHours, local: datetime) -> Window | None:
    """The window within which the clock on the wall stands: one of today's, or one of yesterday's that still runs."""
    day, minute = local.date(), local.hour * 60 + local.minute
    for start_day, passed in ((day, minute), (day - _DAY, minute + MINUTES_PER_DAY)):
        for window in hours.weekly[start_day.weekday()]:
            if window.start <= passed < window.end and start_day not in hours.holidays:
                return window
    return None


def changes_on(hours: OpeningHours, day: datetime) -> Iterator[datetime]:
    """Instants (UTC) on this UTC day at which ``window_at`` or the holiday may change; some change nothing."""
    zone, end = hours.timezone, day + _DAY
    first, last = day.astimezone(zone).date(), end.astimezone(zone).date()
    years = {(day - _DAY).year, (end + _DAY).year}
    changed = [at for year in years for at in clock_changes(zone, year) if day - _DAY <= at <= end + _DAY]
    yield from (at for at in changed if day < at < end)
    local = first - _DAY  # whose windows may run into today
    while local <= last:
        for minutes in _edges(hours, local):
            wall = datetime(local.year, local.month, local.day) + timedelta(minutes=minutes)  # noqa: DTZ001, on the wall
            for fold in (0, 1) if changed else (0,):
                at = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
                if day < at < end:
                    yield at
        local += _DAY


def _edges(hours: OpeningHours, local: date) -> Iterator[int]:
    if local in hours.holidays:
        yield from (0, MINUTES_PER_DAY)
    else:
        for window in hours.weekly[local.weekday()]:
            yield window.start
            yield window.end


_ROUND_THE_CLOCK = ((Window(start=0, end=MINUTES_PER_DAY),),) * len(WEEKDAYS)


def overlapping(weekly: Sequence[Sequence[Window]]) -> tuple[int, Window, Window] | None:
    """The first two windows of a week that share a minute, with the weekday of the first; or ``None``."""
    week = 7 * MINUTES_PER_DAY
    spans = sorted(
        (day * MINUTES_PER_DAY + window.start, day * MINUTES_PER_DAY + window.end, day, window)
        for day, windows in enumerate(weekly)
        for window in windows
    )
    for (_, end, day, window), (start, _, _, later) in pairwise(spans):
        if start < end:
            return day, window, later
    if spans and spans[-1][1] - week > spans[0][0]:  # Sunday night runs into Monday
        return spans[-1][2], spans[-1][3], spans[0][3]
    return None
