# SPDX-License-Identifier: EUPL-1.2
"""Opening hours said again, slowly: every minute is asked on its own, straight from the rows and the definition.

Nothing of ``routing.core.hours`` is used. An instant is open if the first special hours that hold there (the line's,
the tenant's, those of the hours) open; without any, if the clock on the wall lies within a window that began today
or yesterday on a day that is no holiday.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from routing.core.rows import OpeningHoursRow, SpecialHoursRow

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Oracle:
    """A line's rows; ``special`` may hold those of other lines and tenants too."""

    tenant: str
    line: str
    hours: OpeningHoursRow
    special: tuple[SpecialHoursRow, ...]

    def special_at(self, at: datetime) -> SpecialHoursRow | None:
        """The special hours that hold at this instant."""
        holding = [row for row in self.special if row.valid_from <= at and not row.valid_to <= at]
        for wanted in ((None, self.tenant, self.line), (None, self.tenant, None), (self.hours.name, None, None)):
            for row in holding:
                if (row.opening_hours, row.tenant, row.service_line) == wanted:
                    return row
        return None

    def holiday_at(self, at: datetime) -> str | None:
        """The holiday's name on the date that the wall shows."""
        return dict(self.hours.holiday_dates).get(self._wall(at).date())

    def is_open(self, at: datetime) -> bool:
        """Open or closed at this instant."""
        special = self.special_at(at)
        return special.opens if special is not None else self._in_a_window(self._wall(at))

    def first(self, at: datetime, until: datetime, *, opened: bool) -> datetime | None:
        """The first instant after ``at`` up to ``until`` that is open (or closed), minute by minute."""
        return next((instant for instant in self._instants(at, until) if self.is_open(instant) is opened), None)

    def _wall(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.hours.timezone)).replace(tzinfo=None)

    def _in_a_window(self, wall: datetime) -> bool:
        holidays = dict(self.hours.holiday_dates)
        for day in (wall.date(), wall.date() - timedelta(days=1)):
            midnight = datetime.combine(day, time())
            for weekday, start, end in self.hours.weekly:
                if weekday == date.weekday(day) and day not in holidays:
                    since = wall - midnight
                    if since >= start * MINUTE and not since >= end * MINUTE:
                        return True
        return False

    def _instants(self, at: datetime, until: datetime) -> Iterator[datetime]:
        """Every whole minute, and every instant at which special hours begin or end: nothing changes in between."""
        edges = sorted(
            edge.astimezone(UTC)
            for row in self.special
            for edge in (row.valid_from, row.valid_to)
            if at < edge <= until
        )
        minute = at.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
        while minute <= until:
            while edges and edges[0] <= minute:
                yield edges.pop(0)
            yield minute
            minute += MINUTE
        yield from edges
