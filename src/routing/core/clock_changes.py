# SPDX-License-Identifier: EUPL-1.2
"""When a zone's clock is put forward or back. Found by looking, for ``zoneinfo`` does not tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=1024)  # a quarter of a millisecond for a year, asked for at every call
def clock_changes(zone: tzinfo, year: int) -> tuple[datetime, ...]:
    """The instants (UTC) of a year, 1 to 9998 and within the calendar in this zone, at which its offset changes."""
    found: list[datetime] = []
    before, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while before < end:
        after = before + _DAY
        if _offset(before, zone) != _offset(after, zone):
            found.append(_change(before, after, zone))
        before = after
    return tuple(found)


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The first second of the new offset, by halving the day."""
    old = _offset(before, zone)
    while after - before > _SECOND:
        middle = before + (after - before) // (2 * _SECOND) * _SECOND
        if _offset(middle, zone) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(at: datetime, zone: tzinfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()
