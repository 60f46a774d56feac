# SPDX-License-Identifier: EUPL-1.2
"""What a change of a line leaves as it was: most changes are dated, and touch a few days of sixty.

A period of a line is made of what is dated within it, and of what comes later only in so far as its callers are told
when the line closes. So it is made anew only if a change touches it, or lies before the last closing it looks at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from agi.render.astdb_days import Period, period_start
from routing.core.hours import Duty, Notice, SpecialHours
from routing.core.line import ServiceLine

Times = Sequence[tuple[datetime, datetime]]


def changed_times(before: ServiceLine, after: ServiceLine) -> Times | None:
    """From when to when something dated came, went or changed; ``None`` if what is not dated changed."""
    if before is after:
        return ()
    if (before.editions, before.tenant_name) != (after.editions, after.tenant_name):
        return None
    old, new = set(_dated(before)), set(_dated(after))
    if old == new and tuple(_dated(before)) != tuple(_dated(after)):
        return None  # the order says who comes first
    return tuple((item.start, item.end) for _, item in old ^ new)


def still_holds(number: int, period: Period, times: Times) -> bool:
    """Whether a period is as it was in spite of these changes."""
    start = period_start(number)
    ahead = period.looks_ahead
    return all(end <= start or (ahead is not None and ahead < begin) for begin, end in times)


def _dated(line: ServiceLine) -> Iterator[tuple[str, SpecialHours | Notice | Duty]]:
    yield from (("override", item) for item in line.overrides)
    yield from (("special", item) for item in line.special)
    yield from (("notice", item) for item in line.notices)
    for rota, duties in line.rotas.items():
        yield from ((rota, duty) for duty in duties)
