# SPDX-License-Identifier: EUPL-1.2
"""Checks of single rows: names that are safe everywhere, keys that occur once, windows and blocks that make sense.

Names travel into file names, Asterisk's configuration, AstDB keys and URLs, so they are restricted once, here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from routing.core.hours import MINUTES_PER_DAY, WEEKDAYS
from routing.core.places import place_of
from routing.core.rows import AgentGroupRow, CentreRow, OpeningHoursRow, Problem, Row, ServiceLineRow, key_of
from routing.core.steps import Steps
from routing.core.warn_fallback import fallback_warnings as fallback_warnings
from routing.core.warnings import warnings_of as warnings_of  # whoever checks wants both

MAXIMUM_NAME_CHARACTERS = 40
MAXIMUM_TITLE_CHARACTERS = 80
MAXIMUM_TEXT_CHARACTERS = 600
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NAMED = {
    "TenantRow": ("slug",),
    "OpeningHoursRow": ("name",),
    "SpecialHoursRow": ("name",),
    "OverrideRow": ("name",),
    "NoticeRow": ("name",),
    "AgentGroupRow": ("name",),
    "AgentRow": ("name", "device"),
    "OnCallRotaRow": ("name",),
    "TrunkRow": ("name",),
    "ServiceLineRow": ("name",),
}
_TITLED = {
    "TenantRow": ("name",),
    "SpecialHoursRow": ("title",),
    "OverrideRow": ("reason", "author"),
    "NoticeRow": ("title",),
    "AgentGroupRow": ("title",),
    "OnCallRotaRow": ("title",),
    "ServiceLineRow": ("title",),
}
_TEXTS = {
    "CentreRow": ("unknown_number_text",),
    "TenantRow": ("greeting_text", "closed_text"),
    "ServiceLineRow": ("greeting_text", "closed_text", "closing_text", "agent_phrase"),
    "SpecialHoursRow": ("announcement_text",),
    "OverrideRow": ("announcement_text",),
    "NoticeRow": ("announcement_text",),
    "AuthorityNumberRow": ("announcement_text",),
}
_NUMBERS = frozenset({"NumberBlockRow", "DidRow", "IngressNumberRow"})  # they hold none of these
MAXIMUM_WAITING = 1_000


def check_names(rows: Iterable[Row], note: Callable[[Problem], None]) -> Steps[None]:
    """Every name is a slug, every title printable, and no key occurs twice within its type."""
    seen: set[tuple[str, tuple[object, ...]]] = set()
    again: Counter[str] = Counter()
    for row in rows:
        for problem in check_row(row):
            note(problem)
        key = (type(row).__name__, key_of(row))
        if key in seen:
            again[place_of(row)] += 1
        seen.add(key)
        yield
    while seen:  # one by one: to let go of a hundred thousand takes time too
        seen.pop()
        yield
    for place, count in again.items():
        note(Problem(place=place, sentence=f"occurs {count + 1} times: keep one"))


def check_row(row: Row) -> Iterator[Problem]:
    """Names, titles and texts of one row."""
    kind = type(row).__name__
    if kind in _NUMBERS:
        return
    place = place_of(row)
    for field in _NAMED.get(kind, ()):
        value = getattr(row, field)
        if not _NAME.fullmatch(value) or len(value) > MAXIMUM_NAME_CHARACTERS:
            yield Problem(
                place=place,
                sentence=f"{field} {value!r} must be lower-case letters a–z, digits and single hyphens, "
                f"at most {MAXIMUM_NAME_CHARACTERS} characters",
            )
    for field in _TITLED.get(kind, ()):
        if not _is_one_line(getattr(row, field), MAXIMUM_TITLE_CHARACTERS):
            yield Problem(
                place=place,
                sentence=f"{field} must be 1 to {MAXIMUM_TITLE_CHARACTERS} printable characters on one line",
            )
    for field in _TEXTS.get(kind, ()):
        value = getattr(row, field)
        if value is not None and not _is_one_line(value, MAXIMUM_TEXT_CHARACTERS):
            yield Problem(
                place=place,
                sentence=f"{field} must be 1 to {MAXIMUM_TEXT_CHARACTERS} printable characters on one line",
            )

    for step in (*row.overflow, *row.closed) if isinstance(row, ServiceLineRow) else ():
        if step.text is not None and not _is_one_line(step.text, MAXIMUM_TEXT_CHARACTERS):
            yield Problem(
                place=place,
                sentence=f"a step's text must be 1 to {MAXIMUM_TEXT_CHARACTERS} printable characters on one line",
            )
    if isinstance(row, AgentGroupRow) and not 1 <= row.maximum_waiting <= MAXIMUM_WAITING:
        yield Problem(
            place=place, sentence=f"maximum_waiting must be 1 to {MAXIMUM_WAITING}, not {row.maximum_waiting}"
        )
    if isinstance(row, CentreRow) and row.name != "centre":
        yield Problem(place=place, sentence="there is one centre, and its name is 'centre'")


def _is_one_line(text: str, maximum: int) -> bool:
    return bool(text.strip()) and text.isprintable() and len(text) <= maximum


def check_holiday_names(place: str, row: OpeningHoursRow) -> Iterator[Problem]:
    """Names of holidays of one's own stand in reasons and logs, like titles."""
    for day, name in row.holiday_additions:
        if not _is_one_line(name, MAXIMUM_TITLE_CHARACTERS):
            yield Problem(
                place=place,
                sentence=f"the holiday {day!r} needs a name of 1 to {MAXIMUM_TITLE_CHARACTERS} printable characters",
            )


def check_window(place: str, day: int, start: int, end: int) -> Iterator[Problem]:
    """One weekly window: a weekday, a start within the day, and an end by midnight or less than 24 hours later.

    A longer one could not be written: ``16:00-16:00`` may mean a whole day as well as a slip.
    """
    if not 0 <= day < len(WEEKDAYS):
        yield Problem(place=place, sentence=f"{day} is no weekday: 0 (Monday) to 6 (Sunday)")
        return
    longest = max(MINUTES_PER_DAY, start + MINUTES_PER_DAY - 1)
    if not (0 <= start < MINUTES_PER_DAY and start < end <= longest):
        yield Problem(
            place=place,
            sentence=f"{WEEKDAYS[day]}: a window from minute {start} to {end} must start within the day (0 to 1439) "
            "and end after it starts, by midnight or less than 24 hours later",
        )
