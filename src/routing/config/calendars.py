# SPDX-License-Identifier: EUPL-1.2
"""Public holidays by country and state, expanded to dates once, when a configuration is read.

The dates are stored with the rows: a later version of the ``holidays`` library changes nothing that is live.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache

FIRST_YEAR = 2000
LAST_YEAR = 2100
_COUNTRY = re.compile(r"[A-Z]{2}")


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
