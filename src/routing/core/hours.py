# SPDX-License-Identifier: EUPL-1.2
"""Opening hours: half-open weekly windows in a time zone, public holidays, and special hours on dates.

::

    07:00:00.000 ≤ local time < 18:00:00.000      open
    ^ included                  ^ not included

Windows are compared in local wall time, so both daylight-saving days open at 07:00 on the clock on the wall; what
lies in the doubled hour holds twice, and what lies in the skipped one not at all. A window belongs to the day on which
it starts: ``22:00-06:00`` of a Friday ends on Saturday morning, and a holiday on the Friday closes all of it. The
order of the rules: special hours, holiday, weekly windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise

from routing.core.clock_changes import clock_changes

MINUTES_PER_DAY = 24 * 60
LOOK_AHEAD_DAYS = 400  # longer than any run of closed days that a weekly rule can make
_EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
_LATEST = datetime(9998, 1, 1, tzinfo=UTC) - timedelta(days=LOOK_AHEAD_DAYS)
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_FIRST_DAY = datetime(1, 1, 1, tzinfo=UTC)  # a Monday
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


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
    """A named weekly rule: seven days from Monday, each with its windows in order, and the holidays."""

    name: str
    timezone: tzinfo
    timezone_name: str
    weekly: tuple[tuple[Window, ...], ...]
    holidays: Mapping[date, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialHours:
    """A closure or a special opening: what holds from ``start`` to ``end`` (instants, half-open) instead.

    ``announcement`` and the forward, where given, replace those of the line while it is closed.
    """

    name: str
    title: str
    opens: bool
    start: datetime
    end: datetime
    announcement: str | None = None
    forward_number: str | None = None
    forward_trunk: str | None = None

    def contains(self, at: datetime) -> bool:
        """Whether ``at`` lies within."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Open now, by a window or by special hours, until ``closes_at`` (``None``: not within 400 days)."""

    window: Window | None
    special: SpecialHours | None
    closes_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Closed now: by special hours, on a holiday (its name), or outside the windows.

    ``next_opening`` is ``None`` if there is none within 400 days.
    """

    special: SpecialHours | None
    holiday: str | None
    next_opening: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A line's hours with its special hours, the most specific first: the first that holds, wins."""

    hours: OpeningHours
    special: tuple[SpecialHours, ...] = ()


def clock_text(minutes: int) -> str:
    """Minutes after midnight as ``07:00``; the end of the day is ``24:00``, beyond it the next day's time."""
    if minutes > MINUTES_PER_DAY:
        minutes -= MINUTES_PER_DAY
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def hours_at(schedule: Schedule, at: datetime) -> Open | Closed:
    """Whether ``at`` (an aware instant) lies within the hours, why, and when that changes."""
    if not _EARLIEST < at < _LATEST:  # a zone's offset must not carry us off the calendar
        return Closed(special=None, holiday=None, next_opening=None)
    at = at.astimezone(UTC)
    special = _special_at(schedule, at)
    if special is not None:
        if special.opens:
            return Open(window=None, special=special, closes_at=_first(schedule, at, opened=False))
        return Closed(special=special, holiday=None, next_opening=_first(schedule, at, opened=True))
    window = _window_at(schedule.hours, at)
    if window is not None:
        return Open(window=window, special=None, closes_at=_first(schedule, at, opened=False))
    holiday = schedule.hours.holidays.get(at.astimezone(schedule.hours.timezone).date())
    return Closed(special=None, holiday=holiday, next_opening=_first(schedule, at, opened=True))


def next_opening(schedule: Schedule, at: datetime) -> datetime | None:
    """The first instant after ``at`` at which the line opens; ``None`` if it stays as it is for 400 days."""
    state = hours_at(schedule, at)
    if isinstance(state, Open):  # it has to close first
        return None if state.closes_at is None else _first(schedule, state.closes_at, opened=True)
    return state.next_opening


def _special_at(schedule: Schedule, at: datetime) -> SpecialHours | None:
    for special in schedule.special:
        if special.contains(at):
            return special
    return None


def _window_at(hours: OpeningHours, at: datetime) -> Window | None:
    local = at.astimezone(hours.timezone)
    day, minute = local.date(), local.hour * 60 + local.minute
    for start_day, passed in ((day, minute), (day - _DAY, minute + MINUTES_PER_DAY)):
        if start_day not in hours.holidays:
            for window in hours.weekly[start_day.weekday()]:
                if window.start <= passed < window.end:
                    return window
    return None


def _first(schedule: Schedule, at: datetime, *, opened: bool) -> datetime | None:
    """The first instant from ``at`` (UTC) on, within 400 days, at which the line is open (or is closed)."""
    for start, end in _stretches(schedule, at):
        special = _special_at(schedule, start)
        if special is None:
            found = _first_by_week(schedule.hours, start, end, opened=opened)
            if found is not None:
                return found
        elif special.opens is opened:
            return start
    return None


def _stretches(schedule: Schedule, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The 400 days from ``at`` on, cut where special hours begin or end and where the clock is changed."""
    last = at + LOOK_AHEAD_DAYS * _DAY
    cuts = {instant for special in schedule.special for instant in (special.start, special.end)}
    for year in range(at.year, last.year + 1):
        cuts.update(clock_changes(schedule.hours.timezone, year))
    return pairwise((at, *sorted(instant for instant in cuts if at < instant < last), last))


def _first_by_week(hours: OpeningHours, start: datetime, end: datetime, *, opened: bool) -> datetime | None:
    """The same by the weekly windows alone, in a stretch within which the clock is not changed."""
    offset = start.astimezone(hours.timezone).utcoffset() or timedelta(0)
    wall = start + offset
    today = wall.toordinal() - 1
    days = range(today - 1, today + (end - start).days + 3)  # from yesterday, whose windows may run into today
    first = today * MINUTES_PER_DAY + wall.hour * 60 + wall.minute
    minute = _open_from(hours, first, days) if opened else _closed_from(hours, first, days)
    if minute is None or minute == first:
        return None if minute is None else start
    found = _FIRST_DAY + minute * _MINUTE - offset
    return found if found < end else None


def _open_from(hours: OpeningHours, minute: int, days: range) -> int | None:
    """The first open minute, counted on the wall from the first day of the calendar, from ``minute`` on."""
    if not any(hours.weekly):
        return None
    for day in days:
        for window in _windows_of(hours, day):
            if day * MINUTES_PER_DAY + window.end > minute:
                return max(minute, day * MINUTES_PER_DAY + window.start)
    return None


def _closed_from(hours: OpeningHours, minute: int, days: range) -> int | None:
    """The first closed minute, counted in the same way: windows that touch are passed as one."""
    if hours.weekly == _ROUND_THE_CLOCK and not hours.holidays:
        return None
    for day in days:
        if day * MINUTES_PER_DAY > minute:
            return minute
        for window in _windows_of(hours, day):
            if window.start <= minute - day * MINUTES_PER_DAY < window.end:
                minute = day * MINUTES_PER_DAY + window.end
    return None


_ROUND_THE_CLOCK = ((Window(start=0, end=MINUTES_PER_DAY),),) * len(WEEKDAYS)


def _windows_of(hours: OpeningHours, day: int) -> tuple[Window, ...]:
    windows = hours.weekly[day % len(WEEKDAYS)]
    return () if windows and date.fromordinal(day + 1) in hours.holidays else windows


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
