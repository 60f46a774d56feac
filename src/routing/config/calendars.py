# SPDX-License-Identifier: EUPL-1.2
"""Public holidays by country and state, expanded to dates once, when a configuration is read.

The dates are stored with the rows: a later version of the ``holidays`` library changes nothing that is live.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import cache

Note = Callable[[str, str], None]
"""Takes the text that is wrong, and a sentence."""

FIRST_YEAR = 2000
LAST_YEAR = 2100
_EVERY_YEAR = re.compile(r"[0-9]{2}-[0-9]{2}")
_ONE_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNTRY = re.compile(r"[A-Z]{2}")


def closed_dates(
    calendar: str | None, additions: tuple[tuple[str, str], ...], removals: tuple[str, ...], note: Note
) -> tuple[tuple[date, str], ...]:
    """The dates of a calendar without those removed and with those added, in order; what is wrong is noted.

    A date is written ``2026-12-24``, or ``12-24`` for every year of 2000–2100.
    """
    dates: dict[date, str] = {}
    if calendar is not None:
        try:
            dates.update(holiday_dates(calendar))
        except ValueError as error:
            note(calendar, str(error))
            return ()  # nothing can be removed from a calendar that is not there
    for text in removals:
        days = _days(text, note)
        if days and not dates.keys() & set(days):
            note(text, f"{text!r} is no holiday of this calendar, so it cannot be removed")
        for day in days:
            dates.pop(day, None)
    for text, name in additions:
        dates.update(dict.fromkeys(_days(text, note), name))
    return tuple(sorted(dates.items()))


def _days(text: str, note: Note) -> list[date]:
    if _EVERY_YEAR.fullmatch(text):
        days = [_day(f"{year}-{text}") for year in range(FIRST_YEAR, LAST_YEAR + 1)]  # 02-29: only where there is one
    else:
        days = [_day(text)] if _ONE_DAY.fullmatch(text) else []
    found = [day for day in days if day is not None]
    if not found:
        note(text, f"{text!r} is no date: write 2026-12-24, or 12-24 for every year")
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@cache
def holiday_dates(calendar: str) -> tuple[tuple[date, str], ...]:
    """Dates and German names of ``DE-NI`` (ISO 3166-2) for the years 2000–2100, in order. Raises ``ValueError``."""
    import holidays  # 60 ms: only who reads a configuration pays for it

    country, _, subdivision = calendar.partition("-")
    if not _COUNTRY.fullmatch(country) or not subdivision:
        raise ValueError(f"{calendar!r} names no state: write country and state, such as DE-NI")
    try:
        found = holidays.country_holidays(
            country, subdiv=subdivision, years=range(FIRST_YEAR, LAST_YEAR + 1), language="de"
        )
    except NotImplementedError as error:
        raise ValueError(f"{calendar!r} is no known holiday calendar, such as DE-NI for Lower Saxony") from error
    return tuple(sorted(found.items()))
