# SPDX-License-Identifier: EUPL-1.2
"""Reading a telephone number as a carrier or a person writes it.

The one rule: a number is never guessed. ``+…``, ``00…`` and ``0…`` speak for themselves; a number that starts
with any other digit is read as the trunk's configured format says; and a text that holds more than digits, one
leading plus and separators is *unreadable*, never a shorter number.

::

    +49 5372 89-0        read_number →  E164(digits="495372890")
    ^^^ ^^^^ ^^ ^
    |   |    |  extension (Durchwahl)
    |   |    head number's own part (Kopfnummer: area code + this)
    |   area code (ONKz, 2–5 digits, never starts with 0)
    country code

A German subscriber number never starts with 0 or 1, so *area code + 115* (110, 112) is the short code dialled in
that area and nothing else. Source: Bundesnetzagentur, numbering plan for local numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

SEPARATORS = "-./() "
MAXIMUM_TEXT_CHARACTERS = 64
MAXIMUM_E164_DIGITS = 15  # ITU-T E.164
COUNTRY_CODE = "49"

_READABLE = re.compile(r"\+?[0-9]+")
_WITHOUT_SEPARATORS = str.maketrans("", "", SEPARATORS)
# Area codes are not prefixes of each other: these have two and three digits, all others four, or five behind a 3.
_CITIES = (
    "30|40|69|89"
    "|20[12389]|21[124]|22[18]|23[14]|2[4-9]1|33[15]|34[015]|3[5-9][15]|4[2-9]1|5[1-9]1|6[1-8]1|7[1-9]1|8[1-8]1|906|9[1-9]1"
)
_SHORT_CODE = re.compile(
    rf"(?P<area>(?:{_CITIES}|(?!{_CITIES})(?:3[0-9]{{3,4}}|[24-9][0-9]{{3}}))?)(?P<code>110|112|115)"
)


class NumberFormat(StrEnum):
    """How a trunk writes a number that starts with neither ``+`` nor ``0``."""

    NATIONAL = "national"  # 0537289123; a bare 537289123 is not a number there
    E164 = "e164"  # +49537289123
    INTERNATIONAL = "international"  # 49537289123
    SIGNIFICANT = "significant"  # 537289123


@dataclass(frozen=True, slots=True, kw_only=True)
class E164:
    """A full international number; ``digits`` without the plus, 1–15 of them."""

    digits: str

    def __str__(self) -> str:
        return f"+{self.digits}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortCode:
    """110, 112 or 115, with the area code it was dialled in when the carrier names one (without the 0)."""

    code: str
    area_code: str | None

    def __str__(self) -> str:
        return self.code if self.area_code is None else f"0{self.area_code}{self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Anything else: empty, letters, control characters, too long, or a format this trunk does not deliver."""

    why: str


Number = E164 | ShortCode | Unreadable


def read_number(text: str, *, number_format: NumberFormat) -> Number:
    """The number that ``text`` spells on a trunk of this format. Never raises."""
    if len(text) > MAXIMUM_TEXT_CHARACTERS:
        return Unreadable(why="too_long")
    bare = text.translate(_WITHOUT_SEPARATORS)
    if not bare:
        return Unreadable(why="empty")
    if not _READABLE.fullmatch(bare):
        return Unreadable(why="not_digits")
    international = _international_digits(bare, number_format)
    if isinstance(international, Unreadable | ShortCode):
        return international
    if len(international) > MAXIMUM_E164_DIGITS:
        return Unreadable(why="too_long")
    if international.startswith(COUNTRY_CODE):
        significant = international.removeprefix(COUNTRY_CODE)
        if significant == "0" or significant.startswith("00"):
            return Unreadable(why="no_number")  # dropping one 0 would leave nothing, or a number that starts with 0
        significant = significant.removeprefix("0")  # "+49 (0)5372": no German number starts with 0
        if short := _SHORT_CODE.fullmatch(significant):
            return ShortCode(code=short["code"], area_code=short["area"] or None)
        international = COUNTRY_CODE + significant
    return E164(digits=international)


def _international_digits(bare: str, number_format: NumberFormat) -> str | Unreadable | ShortCode:
    if bare.startswith("+"):
        return bare[1:] if bare[1] != "0" else Unreadable(why="not_a_country_code")
    if bare.startswith("00"):
        return bare[2:] if bare[2:3] not in {"", "0"} else Unreadable(why="not_a_country_code")
    if bare.startswith("0"):
        return COUNTRY_CODE + bare[1:] if len(bare) > 1 else Unreadable(why="too_short")
    if bare in {"110", "112", "115"}:
        return ShortCode(code=bare, area_code=None)
    match number_format:
        case NumberFormat.INTERNATIONAL:
            return bare
        case NumberFormat.SIGNIFICANT:
            return COUNTRY_CODE + bare
        case NumberFormat.NATIONAL | NumberFormat.E164:
            return Unreadable(why="no_prefix")


def significant_digits(number: E164) -> str | None:
    """The number's digits behind the German country code; ``None`` for a foreign number."""
    if not number.digits.startswith(COUNTRY_CODE):
        return None
    return number.digits.removeprefix(COUNTRY_CODE)


def is_mobile(number: E164) -> bool:
    """Whether a German number belongs to a mobile range (015, 016, 017), which has no area."""
    return number.digits.startswith(("4915", "4916", "4917"))
