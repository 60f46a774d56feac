# SPDX-License-Identifier: EUPL-1.2
"""Opening hours: half-open weekly windows in a time zone, and public holidays on which they do not hold.

::

    07:00:00.000 ≤ local time < 18:00:00.000      open
    ^ included                  ^ not included

Windows are compared in local wall time, so both daylight-saving days open at 07:00 on the clock on the wall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise

MINUTES_PER_DAY = 24 * 60
LOOK_AHEAD_DAYS = 400  # longer than any run of closed days that a weekly rule can make
_EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
_LATEST = datetime(9998, 1, 1, tzinfo=UTC) - timedelta(days=LOOK_AHEAD_DAYS)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Window:
    """One stretch of a day, in minutes after local midnight: ``start`` included, ``end`` not."""

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
class Open:
    """Open now, within this window of today, until ``closes_at``."""

    window: Window
    closes_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Closed now: on a holiday (its name) or outside the weekly windows. ``next_opening`` may lie beyond sight."""

    holiday: str | None
    next_opening: datetime | None


def clock_text(minutes: int) -> str:
    """Minutes after midnight as ``07:00``; the end of the day is ``24:00``."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def hours_at(hours: OpeningHours, at: datetime) -> Open | Closed:
    """Whether ``at`` (an aware instant) lies within the hours, and the next change of the other sort."""
    if not _EARLIEST < at < _LATEST:  # a zone's offset must not carry us off the calendar
        return Closed(holiday=None, next_opening=None)
    local = at.astimezone(hours.timezone)
    day = local.date()
    holiday = hours.holidays.get(day)
    if holiday is None:
        minute = local.hour * 60 + local.minute
        for window in hours.weekly[day.weekday()]:
            if window.start <= minute < window.end:
                return Open(window=window, closes_at=_instant(hours, day, window.end))
    return Closed(holiday=holiday, next_opening=next_opening(hours, at))


def next_opening(hours: OpeningHours, at: datetime) -> datetime | None:
    """The first instant after ``at`` at which a window starts; ``None`` if there is none within 400 days."""
    if not _EARLIEST < at < _LATEST:
        return None
    at = at.astimezone(UTC)  # two times of one zone would be compared by the clock on the wall, an hour off in October
    today = at.astimezone(hours.timezone).date()
    for offset in range(LOOK_AHEAD_DAYS + 1):
        day = today + timedelta(days=offset)
        for window in () if day in hours.holidays else hours.weekly[day.weekday()]:
            start = _instant(hours, day, window.start)
            if start > at:
                return start
    return None


def _instant(hours: OpeningHours, day: date, minute: int) -> datetime:
    """The instant at which the wall clock of ``day`` shows ``minute`` (24:00 is the next day's 00:00)."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=hours.timezone)
    return midnight + timedelta(minutes=minute)  # wall-clock arithmetic: a window is wall time


def overlapping(windows: Sequence[Window]) -> tuple[Window, Window] | None:
    """The first two windows of a day that share a minute, or ``None``."""
    ordered = sorted(windows)
    for earlier, later in pairwise(ordered):
        if later.start < earlier.end:
            return earlier, later
    return None
