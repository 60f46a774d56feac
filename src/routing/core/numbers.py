# SPDX-License-Identifier: EUPL-1.2
"""Reading a telephone number as a carrier or a person writes it, and writing it as a trunk wants it.

The one rule: a number is never guessed. ``+…``, ``00…`` and ``0…`` speak for themselves; a number that starts
with any other digit is read as the trunk is configured, by its format or its area code; and a text that holds more
than digits, one leading plus and separators is *unreadable*, never a shorter number.

::

    +49 5372 89-0        read_number →  E164(digits="495372890")
    ^^^ ^^^^ ^^ ^
    |   |    |  extension (Durchwahl)
    |   |    head number's own part (Kopfnummer: area code + this)
    |   area code (ONKz, 2–5 digits, never starts with 0)
    country code

A trunk's *own prefix* (an exchange line's 0, a carrier's selection code) stands before every number, so it is taken
off first, whatever comes behind it. Without it only ``+…`` and ``00…`` are numbers there: they name a country, which
nothing that lacks the prefix can be mistaken for.

A German subscriber number never starts with 0 or 11, so *area code + 115* (110, 112) is the short code dialled in
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

SHORT_CODES = ("110", "112", "115")
WHYS = (
    "empty",
    "too_long",
    "too_short",
    "not_digits",
    "not_a_country_code",
    "no_number",
    "no_prefix",
    "no_own_prefix",
    "phone_context",
    "uri_parameter",
)
"""Every reason for which a text is unreadable."""

_READABLE = re.compile(r"\+?[0-9]+")
_WITHOUT_SEPARATORS = str.maketrans("", "", SEPARATORS)
# Area codes are not prefixes of each other: these have two and three digits, all others four, or five behind a 3.
_CITIES = (
    "30|40|69|89"
    "|20[12389]|21[124]|22[18]|23[14]|2[4-9]1|33[15]|34[015]|3[5-9][15]|4[2-9]1|5[1-9]1|6[1-8]1|7[1-9]1|8[1-8]1|906|9[1-9]1"
)
_AREA = rf"{_CITIES}|(?!{_CITIES})(?:3[0-9]{{3,4}}|[24-9][0-9]{{3}})"
_AREA_CODE = re.compile(_AREA)
_SHORT_CODE = re.compile(rf"(?P<area>(?:{_AREA})?)(?P<code>{'|'.join(SHORT_CODES)})")
_PARAMETER = re.compile(r"(?P<name>[A-Za-z0-9-]+)(?:=(?P<value>[A-Za-z0-9.()+-]+))?")


class NumberFormat(StrEnum):
    """How a trunk writes numbers, and so how one is read that starts with neither ``+`` nor ``0``."""

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


def read_number(
    text: str, *, number_format: NumberFormat, own_prefix: str = "", area_code: str | None = None
) -> Number:
    """The number that ``text`` spells on a trunk that is configured so. Never raises.

    With ``area_code`` a number without any prefix is one of that area; formats that give such a number a meaning of
    their own go before it. A ``tel:`` URI says all about itself, so the trunk's settings do not matter to it.
    """
    if len(text) > MAXIMUM_TEXT_CHARACTERS:
        return Unreadable(why="too_long")
    if text[3:4] == ":" and text[:3].lower() == "tel":
        return _read_uri(text[4:])
    bare = text.translate(_WITHOUT_SEPARATORS)
    if own_prefix and bare:
        if bare.startswith(own_prefix):
            bare = bare[len(own_prefix) :]
        elif not bare.startswith(("+", "00")):
            return Unreadable(why="no_own_prefix" if _READABLE.fullmatch(bare) else "not_digits")
    return _read_bare(bare, number_format, area_code)


def _read_bare(bare: str, number_format: NumberFormat, area_code: str | None) -> Number:
    if not bare:
        return Unreadable(why="empty")
    if not _READABLE.fullmatch(bare):
        return Unreadable(why="not_digits")
    international = _international_digits(bare, number_format, area_code)
    if not isinstance(international, str):
        return international
    if len(international) > MAXIMUM_E164_DIGITS:
        return Unreadable(why="too_long")
    if not international.startswith(COUNTRY_CODE):
        return E164(digits=international)
    significant = international[len(COUNTRY_CODE) :]
    if significant.startswith("0"):  # "+49 (0)5372": no German number starts with 0
        if significant == "0" or significant[1] == "0":
            return Unreadable(why="no_number")  # dropping one 0 would leave nothing, or a number that starts with 0
        significant = significant[1:]
    if significant.endswith(SHORT_CODES) and (short := _SHORT_CODE.fullmatch(significant)):
        return ShortCode(code=short["code"], area_code=short["area"] or None)
    return E164(digits=COUNTRY_CODE + significant)


def _international_digits(
    bare: str, number_format: NumberFormat, area_code: str | None
) -> str | Unreadable | ShortCode:
    if bare.startswith("+"):
        return bare[1:] if bare[1] != "0" else Unreadable(why="not_a_country_code")
    if bare.startswith("00"):
        return bare[2:] if bare[2:3] not in {"", "0"} else Unreadable(why="not_a_country_code")
    if bare.startswith("0"):
        return COUNTRY_CODE + bare[1:] if len(bare) > 1 else Unreadable(why="too_short")
    if bare in SHORT_CODES:
        return ShortCode(code=bare, area_code=None)
    if number_format is NumberFormat.INTERNATIONAL:
        return bare
    if number_format is NumberFormat.SIGNIFICANT:
        return COUNTRY_CODE + bare
    return Unreadable(why="no_prefix") if area_code is None else _local_digits(bare, area_code)


def _local_digits(bare: str, area_code: str) -> str | Unreadable:
    if bare.startswith("11"):  # 116117, 11833: dialled alike everywhere, numbers of no area
        return Unreadable(why="no_prefix")
    return COUNTRY_CODE + area_code + bare if len(bare) > 1 else Unreadable(why="too_short")


def _read_uri(rest: str) -> Number:
    """What stands behind ``tel:`` (RFC 3966): a global number, or a local one with its ``phone-context``.

    A local number is read as dialled in Germany (``+49``) or in one of its areas (``+495372``). In any other context
    it is unreadable: adding its digits to the context's "cannot be relied upon" (5.1.5). So is an extension, which may
    be dialled in many ways, and what the RFC makes mandatory for those who know it (``m-…``).
    """
    text, *parameters = rest.split(";")
    context = _phone_context(parameters)
    if context is None:
        return Unreadable(why="uri_parameter")
    bare = text.translate(_WITHOUT_SEPARATORS)
    if bare.startswith("+"):
        return _read_bare(bare, NumberFormat.E164, None)
    area_code = context.removeprefix(f"+{COUNTRY_CODE}")
    if area_code == context or not (area_code == "" or is_area_code(area_code)):
        return Unreadable(why="phone_context")
    return _read_bare(bare, NumberFormat.NATIONAL, area_code or None)


def _phone_context(parameters: list[str]) -> str | None:
    """The context without separators, empty if there is none; ``None`` if a parameter forbids to read the number."""
    contexts = []
    for parameter in parameters:
        found = _PARAMETER.fullmatch(parameter)
        if found is None:
            return None
        name = found["name"].lower()
        if name == "ext" or name.startswith("m-"):
            return None
        if name == "phone-context":
            contexts.append((found["value"] or "").translate(_WITHOUT_SEPARATORS))
    return None if len(contexts) > 1 else "".join(contexts)


def sends(number: E164, *, sends_format: NumberFormat, own_prefix: str = "") -> str:
    """How the number is written towards a trunk that wants this format.

    `read_number` with the same settings reads it back. Foreign numbers have a national form nowhere: ``00…`` there.
    """
    if sends_format is NumberFormat.E164:
        return f"{own_prefix}+{number.digits}"
    if sends_format is NumberFormat.INTERNATIONAL:
        return own_prefix + number.digits
    significant = significant_digits(number)
    if significant is None:
        return f"{own_prefix}00{number.digits}"
    return f"{own_prefix}{'0' if sends_format is NumberFormat.NATIONAL else ''}{significant}"


def is_area_code(text: str) -> bool:
    """Whether the text has an area code's form: 2 to 5 digits, without the 0 that is dialled before it."""
    return _AREA_CODE.fullmatch(text) is not None


def significant_digits(number: E164) -> str | None:
    """The number's digits behind the German country code; ``None`` for a foreign number."""
    if not number.digits.startswith(COUNTRY_CODE):
        return None
    return number.digits.removeprefix(COUNTRY_CODE)


def is_mobile(number: E164) -> bool:
    """Whether a German number belongs to a mobile range (015, 016, 017), which has no area."""
    return number.digits.startswith(("4915", "4916", "4917"))
