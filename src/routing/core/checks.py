# SPDX-License-Identifier: EUPL-1.2
"""Checks of single rows: names that are safe everywhere, keys that occur once, windows and blocks that make sense.

Names travel into file names, Asterisk's configuration, AstDB keys and URLs, so they are restricted once, here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from routing.core.hours import MINUTES_PER_DAY, WEEKDAYS
from routing.core.numbers import E164, NumberFormat, ShortCode, read_number
from routing.core.rows import NumberBlockRow, OpeningHoursRow, Problem, Row, Rows, TrunkRow, key_of

MAXIMUM_NAME_CHARACTERS = 40
MAXIMUM_TITLE_CHARACTERS = 80
MAXIMUM_TEXT_CHARACTERS = 600
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MAXIMUM_PORT = 65_535
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(:(?P<port>[1-9][0-9]{0,4}))?")
_LOOPBACK = re.compile(r"127(\.[0-9]{1,3}){3}")  # a name such as 127.example.org may lead anywhere
_NAMED = {
    "TenantRow": ("slug",),
    "OpeningHoursRow": ("name",),
    "SpecialHoursRow": ("name",),
    "AgentGroupRow": ("name",),
    "AgentRow": ("name", "device"),
    "TrunkRow": ("name",),
    "ServiceLineRow": ("name",),
}
_TITLED = {
    "TenantRow": ("name",),
    "SpecialHoursRow": ("title",),
    "AgentGroupRow": ("title",),
    "ServiceLineRow": ("title",),
}
_TEXTS = {
    "ServiceLineRow": ("greeting_text", "closed_text", "agent_phrase"),
    "SpecialHoursRow": ("announcement_text",),
}


def check_names(rows: Rows) -> Iterator[Problem]:
    """Every name is a slug, every title printable, and no key occurs twice within its type."""
    for row in rows.all():
        yield from _check_row(row)
    for (kind, key), count in Counter((type(row).__name__, key_of(row)) for row in rows.all()).items():
        if count > 1:
            yield Problem(place=_place(kind, key), sentence=f"occurs {count} times: keep one")


def _check_row(row: Row) -> Iterator[Problem]:
    kind = type(row).__name__
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


def check_number_block(row: NumberBlockRow) -> Iterator[Problem]:
    """A head number is written in full, so that nothing about it is guessed."""
    place = f"number_blocks[{row.head_number}]"
    number = read_number(row.head_number, number_format=NumberFormat.E164)
    if isinstance(number, ShortCode):
        yield Problem(place=place, sentence="a short code is no head number; 110 and 112 are never ours to take")
    elif not isinstance(number, E164) or str(number) != row.head_number:
        yield Problem(place=place, sentence="write the head number as + and digits only, such as +49537289")


def check_trunk(row: TrunkRow) -> Iterator[Problem]:
    """An address that is safe in Asterisk's configuration; the demonstration's clock never leaves this machine."""
    place = f"trunks[{row.name}]"
    match = _ADDRESS.fullmatch(row.address)
    if match is None or int(match["port"] or 1) > MAXIMUM_PORT:
        yield Problem(
            place=place, sentence=f"address {row.address!r} must be a host name or IPv4 address, or host:port"
        )
    elif row.demonstration and not _LOOPBACK.fullmatch(match["host"]):
        yield Problem(
            place=place,
            sentence="a demonstration trunk may set the decision's clock: its address must be a loopback one (127.…)",
        )
    try:
        NumberFormat(row.number_format)
    except ValueError:
        known = ", ".join(item.value for item in NumberFormat)
        yield Problem(place=place, sentence=f"number_format {row.number_format!r} is none of {known}")


def place_of(row: Row) -> str:
    """Where a row stands, for people: ``service_lines[stadt-x/vermittlung]``."""
    return _place(type(row).__name__, key_of(row))


def _place(kind: str, key: tuple[object, ...]) -> str:
    noun = {
        "TenantRow": "tenants",
        "OpeningHoursRow": "opening_hours",
        "SpecialHoursRow": "special_hours",
        "AgentGroupRow": "agent_groups",
        "AgentRow": "agents",
        "TrunkRow": "trunks",
        "ServiceLineRow": "service_lines",
        "NumberBlockRow": "number_blocks",
        "DidRow": "dids",
        "AuthorityNumberRow": "authority_numbers",
    }[kind]
    return f"{noun}[{'/'.join(str(part) for part in key if part is not None)}]"
