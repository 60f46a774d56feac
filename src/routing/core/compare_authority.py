# SPDX-License-Identifier: EUPL-1.2
"""Classes of calls to 115 that two tables cannot tell apart.

115 that was dialled in an area is told by the area, whoever calls: each area that a table names is a class, all others
are one. A bare 115 is told by its caller: withheld, unreadable, foreign, mobile, or German. Of the area codes that the
two tables name, those that a German number begins with are beginnings of the longest of them. So that one says which
each table finds, and the numbers that begin with none are the last class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from routing.core.authority import AREA_CODE_DIGITS, NEUTRAL
from routing.core.compare_time import Times, changed_texts, unknown_changed
from routing.core.differences import OTHER_AREA_115
from routing.core.numbers import COUNTRY_CODE, is_area_code
from routing.core.table import OriginMeaning, Table

WITHHELD = None
_CALLERS: Mapping[str, str | None] = {
    "withheld": WITHHELD,
    "unreadable": "-",
    "foreign": "+43",
    "mobile": f"+{COUNTRY_CODE}15",
}
_MOBILE = ("15", "16", "17")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerClass:
    """Calls to 115 as they were dialled, from one class of callers ('' = whoever calls), with an example of them."""

    number: str
    callers: str
    dialled: str
    caller: str | None
    ends: tuple[datetime, ...]


def caller_classes(times: Times, *, other_route_changed: bool) -> Iterator[CallerClass]:
    """Every class of which some call may be decided otherwise."""
    old, new = times.old.table, times.new.table
    unsteady = other_route_changed or unknown_changed(times)  # where 115 is not served, it is an unknown number
    changed = changed_texts(old, new)
    areas = sorted(origin for origin in old.origins.keys() | new.origins.keys() if origin.isdigit())
    for number, callers, dialled, caller, origins in (*_by_area(areas), *_by_caller(areas, old, new)):
        meanings = tuple(
            tuple(table.origins.get(origin, ()) for origin in names)
            for table, names in zip((old, new), origins, strict=True)
        )
        if unsteady or meanings[0] != meanings[1] or any(_touched(items, times, changed) for items in meanings[0]):
            ends = (end for found in meanings for items in found for end in _ends(items, times))
            yield CallerClass(number=number, callers=callers, dialled=dialled, caller=caller, ends=tuple(ends))


_Class = tuple[str, str, str, str | None, tuple[tuple[str, ...], tuple[str, ...]]]
"""number, callers, dialled, caller, and the origins that each table asks, in their order."""


def _by_area(areas: list[str]) -> Iterator[_Class]:
    dialled = [area for area in areas if is_area_code(area)]
    for area in dialled:
        by_area = (area, "other_area", NEUTRAL)
        yield f"0{area}115", "", f"+{COUNTRY_CODE}{area}115", None, (by_area, by_area)
    named = set(dialled)
    other = next(code for code in map(str, range(30, 100_000)) if is_area_code(code) and code not in named)
    asked = ("other_area", NEUTRAL)
    yield OTHER_AREA_115, "", f"+{COUNTRY_CODE}{other}115", None, (asked, asked)


def _by_caller(areas: list[str], old: Table, new: Table) -> Iterator[_Class]:
    dialled = f"+{COUNTRY_CODE}115"
    for name, caller in _CALLERS.items():
        yield "115", name, dialled, caller, ((name, NEUTRAL), (name, NEUTRAL))
    for area in areas:
        if not area.startswith(_MOBILE):  # one digit more: no longer code begins it, and no short code ends in 3
            yield "115", area, dialled, f"+{COUNTRY_CODE}{area}3", (_asked(area, old), _asked(area, new))
    asked = ("other_area", NEUTRAL)
    yield "115", "other_area", dialled, f"+{COUNTRY_CODE}3", (asked, asked)


def _asked(area: str, table: Table) -> tuple[str, ...]:
    for digits in AREA_CODE_DIGITS:
        if digits <= len(area) and area[:digits] in table.origins:
            return area[:digits], "other_area", NEUTRAL
    return "other_area", NEUTRAL


def _touched(meanings: tuple[OriginMeaning, ...], times: Times, changed: frozenset[str]) -> bool:
    return any(meaning.line in times.affected or meaning.announcement in changed for meaning in meanings)


def _ends(meanings: tuple[OriginMeaning, ...], times: Times) -> Iterator[datetime]:
    for meaning in meanings:
        yield from meaning.validity.ends()
        for side in (times.old, times.new):
            yield from side.ends_of(meaning.line)
