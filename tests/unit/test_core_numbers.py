# SPDX-License-Identifier: EUPL-1.2
"""Reading numbers: every prefix, every trunk format, and the many texts that are no number."""

from __future__ import annotations

import pytest

from routing.core.numbers import (
    E164,
    WHYS,
    Number,
    NumberFormat,
    ShortCode,
    Unreadable,
    is_area_code,
    is_mobile,
    read_number,
    sends,
    significant_digits,
)

MEINERSEN = E164(digits="495372890")
PREFIXED = ["05372890", "+495372890", "00495372890", "+4905372890", "(0 53 72) 89-0", "+49.5372/89-0", "(+49)5372890"]


def read(text: str, number_format: str = "national", own_prefix: str = "", area_code: str | None = None) -> Number:
    found = read_number(text, number_format=NumberFormat(number_format), own_prefix=own_prefix, area_code=area_code)
    assert not isinstance(found, Unreadable) or found.why in WHYS
    return found


@pytest.mark.parametrize("number_format", list(NumberFormat))
@pytest.mark.parametrize("text", PREFIXED)
def test_a_prefix_speaks_for_itself_on_every_trunk(text: str, number_format: str) -> None:
    assert read(text, number_format) == MEINERSEN


@pytest.mark.parametrize(
    ("text", "number_format", "expected"),
    [
        ("5372890", "national", Unreadable(why="no_prefix")),
        ("5372890", "e164", Unreadable(why="no_prefix")),
        ("5372890", "significant", MEINERSEN),
        ("5372890", "international", E164(digits="5372890")),  # Cuba
        ("495372890", "national", Unreadable(why="no_prefix")),
        ("495372890", "e164", Unreadable(why="no_prefix")),
        ("495372890", "significant", E164(digits="49495372890")),  # 0495372890: never taken for a country code
        ("495372890", "international", MEINERSEN),
        ("49 (0)5372 89-0", "international", MEINERSEN),
        ("435372890", "international", E164(digits="435372890")),
        ("5361115", "significant", ShortCode(code="115", area_code="5361")),
        ("495361115", "international", ShortCode(code="115", area_code="5361")),
        ("49115", "international", ShortCode(code="115", area_code=None)),
        ("5361115", "national", Unreadable(why="no_prefix")),
    ],
)
def test_a_bare_number_is_read_as_the_trunk_writes_it(text: str, number_format: str, expected: Number) -> None:
    assert read(text, number_format) == expected


@pytest.mark.parametrize("number_format", list(NumberFormat))
@pytest.mark.parametrize("code", ["110", "112", "115"])
@pytest.mark.parametrize("spelling", ["{}", "0{}", "+49{}", "0049{}", "+490{}", "0049(0){}"])
def test_short_codes_without_an_area(spelling: str, code: str, number_format: str) -> None:
    assert read(spelling.format(code), number_format) == ShortCode(code=code, area_code=None)


@pytest.mark.parametrize("area", ["30", "89", "511", "906", "5361", "5372", "34205", "33051"])
@pytest.mark.parametrize("code", ["110", "112", "115"])
def test_short_codes_behind_an_area_code(area: str, code: str) -> None:
    expected = ShortCode(code=code, area_code=area)
    assert {read(text.format(area, code)) for text in ("0{}{}", "+49{}{}", "0049{}{}", "+49 (0){} {}")} == {expected}
    assert str(expected) == f"0{area}{code}"


@pytest.mark.parametrize("text", ["0537289115", "053611150", "0536101150", "01511115", "0011549", "+43115", "011110"])
def test_what_only_ends_or_begins_like_a_short_code_is_none(text: str) -> None:
    assert isinstance(read(text), E164)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((text, "empty") for text in ("", " ", "-", "()./- ", " " * 64)),
        *((text, "too_long") for text in (" " * 65, "0" * 65, "+4953728900000000", "0537289000000000", "1" * 10_000)),
        *((text, "not_a_country_code") for text in ("+0", "+05372", "+00495372", "00", "000", "0004953", "00 0")),
        ("0", "too_short"),
        *((text, "no_prefix") for text in ("1", "116117", "911", "1115", "53", "49")),
        *((text, "not_digits") for text in ("+", "++49", "+49+", "4+9", "0537289#", "*31#0537", "05372;ext=1")),
        *((text, "not_digits") for text in ("a", "anonymous", "0537289O", "05372\n", "\n05372", "05372\x00", "0x5")),
        *(
            (text, "not_digits")
            for text in ("０５３７２", "٠٥٣٧٢", "०५३", "²³", "05372–89", "05372\u00a089", "☎", "1e3")
        ),
        *((text, "not_digits") for text in ("\udcff", "\u202e05372", "05372\u200b", "\ufeff05372", "0_5372", "0,5")),
    ],
)
def test_anything_else_is_unreadable_and_says_why(text: str, why: str) -> None:
    assert read(text) == Unreadable(why=why)


def test_a_text_of_64_characters_is_still_read() -> None:
    assert read("05372890" + " " * 56) == MEINERSEN
    assert read("+49537289" + "0" * 6) == E164(digits="49537289000000")
    assert read("+" + "1" * 15) == E164(digits="1" * 15)


def test_one_trunk_zero_is_forgiven_and_not_two() -> None:
    assert read("+49(0)5372890") == MEINERSEN
    assert read("+49005372890") == Unreadable(why="no_number")
    assert read("+490") == Unreadable(why="no_number")


def test_significant_digits_and_mobile_numbers() -> None:
    assert significant_digits(MEINERSEN) == "5372890"
    assert significant_digits(E164(digits="435372890")) is None
    assert [is_mobile(E164(digits=digits)) for digits in ("4915112345678", "49160123", "49171123")] == [True] * 3
    assert [is_mobile(E164(digits=digits)) for digits in ("495372890", "4918012345", "4315112", "1171")] == [False] * 4
    assert str(MEINERSEN) == "+495372890"


@pytest.mark.parametrize("text", ["0305115", "030 213115", "0531 2115", "0511 8110"])
def test_a_city_s_number_that_ends_like_a_short_code_is_a_number(text: str) -> None:
    number = read_number(text, number_format=NumberFormat.NATIONAL)
    assert isinstance(number, E164)


@pytest.mark.parametrize(
    ("text", "area"), [("030115", "30"), ("0531115", "531"), ("05372115", "5372"), ("033056115", "33056")]
)
def test_a_short_code_behind_an_area_code_names_the_area(text: str, area: str) -> None:
    assert read_number(text, number_format=NumberFormat.NATIONAL) == ShortCode(code="115", area_code=area)


@pytest.mark.parametrize(
    "text", ["05372 89-0", "05372/890", "+49 (5372) 89 0", "0049537289 0", "tel:+49-5372-89-0", "0 53 72 / 8 90"]
)
def test_every_spelling_of_one_number(text: str) -> None:
    assert read(text) == MEINERSEN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tel:+495372890", MEINERSEN),
        ("TEL:+49-(5372)-89.0", MEINERSEN),
        ("tel:+49-5372-89-0;phone-context=example.com", MEINERSEN),  # a global number needs none
        ("tel:+49-5372-89-0;isub=1;x-carrier=a.b", MEINERSEN),
        ("tel:05372890;phone-context=+49", MEINERSEN),
        ("tel:05372-89-0;Phone-Context=+49", MEINERSEN),
        ("tel:890;phone-context=+49-5372", MEINERSEN),
        ("tel:05372890;phone-context=+4930", MEINERSEN),
        ("tel:0043123456;phone-context=+49", E164(digits="43123456")),
        ("tel:115;phone-context=+49", ShortCode(code="115", area_code=None)),
        ("tel:115;phone-context=+495361", ShortCode(code="115", area_code=None)),
        ("tel:+4953 61115", ShortCode(code="115", area_code="5361")),
        ("tel:", Unreadable(why="phone_context")),
        ("tel:05372890", Unreadable(why="phone_context")),
        ("tel:05372890;phone-context=example.com", Unreadable(why="phone_context")),
        ("tel:05372890;phone-context", Unreadable(why="phone_context")),
        ("tel:8631234;phone-context=+1-914-555", Unreadable(why="phone_context")),
        ("tel:0;phone-context=+49537289", Unreadable(why="phone_context")),  # RFC 3966, 5.1.5: no prefix
        ("tel:0;phone-context=+495", Unreadable(why="phone_context")),
        ("tel:890;phone-context=+49", Unreadable(why="no_prefix")),
        ("tel:+49537289;ext=0", Unreadable(why="uri_parameter")),
        ("tel:+49537289;EXT", Unreadable(why="uri_parameter")),
        ("tel:+49537289;m-carrier=x", Unreadable(why="uri_parameter")),
        ("tel:890;phone-context=+495372;phone-context=+495361", Unreadable(why="uri_parameter")),
        ("tel:890;phone-context;phone-context=+495361", Unreadable(why="uri_parameter")),
        ("tel:+495372890;", Unreadable(why="uri_parameter")),
        ("tel:+495372890;a=b c", Unreadable(why="uri_parameter")),
        ("tel:+495372890;a=", Unreadable(why="uri_parameter")),
        ("tel:+4953728a", Unreadable(why="not_digits")),
        ("tel:tel:+495372890", Unreadable(why="phone_context")),
        ("sip:+495372890", Unreadable(why="not_digits")),
        ("tel +495372890", Unreadable(why="not_digits")),
    ],
)
def test_tel_uris(text: str, expected: Number) -> None:
    for number_format in NumberFormat:
        for own_prefix, area_code in (("", None), ("0", "30"), ("99", "531")):
            assert read(text, number_format, own_prefix, area_code) == expected


@pytest.mark.parametrize(
    ("text", "own_prefix", "expected"),
    [
        ("005372890", "0", MEINERSEN),
        ("0+495372890", "0", MEINERSEN),
        ("00049537289-0", "0", MEINERSEN),
        ("0 05372 890", "0", MEINERSEN),
        ("0115", "0", ShortCode(code="115", area_code=None)),
        ("005361115", "0", ShortCode(code="115", area_code="5361")),
        ("9905372890", "99", MEINERSEN),
        ("9-905372890", "99", MEINERSEN),
        ("+495372890", "99", MEINERSEN),  # names its country: no prefix is missing
        ("00495372890", "99", MEINERSEN),
        ("+495372890", "0", MEINERSEN),
        ("0049537289", "0", E164(digits="4949537289")),  # the prefix, and behind it 049537289
        ("05372890", "0", Unreadable(why="no_prefix")),
        ("05372890", "99", Unreadable(why="no_own_prefix")),
        ("115", "99", Unreadable(why="no_own_prefix")),
        ("990", "99", Unreadable(why="too_short")),
        ("99", "99", Unreadable(why="empty")),
        ("", "99", Unreadable(why="empty")),
        ("99abc", "99", Unreadable(why="not_digits")),
        ("abc", "99", Unreadable(why="not_digits")),
        ("99++4953", "99", Unreadable(why="not_digits")),
    ],
)
def test_the_own_prefix_stands_before_every_number(text: str, own_prefix: str, expected: Number) -> None:
    assert read(text, "national", own_prefix) == expected


@pytest.mark.parametrize("number_format", ["national", "e164"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("890", MEINERSEN),
        ("89-0", MEINERSEN),
        ("12", E164(digits="49537212")),
        ("19222", E164(digits="49537219222")),  # rescue service, in many areas
        ("05361 123", E164(digits="495361123")),
        ("+43123456", E164(digits="43123456")),
        ("115", ShortCode(code="115", area_code=None)),
        ("110", ShortCode(code="110", area_code=None)),
        ("0115", ShortCode(code="115", area_code=None)),
        ("1", Unreadable(why="too_short")),
        ("11", Unreadable(why="no_prefix")),
        ("116117", Unreadable(why="no_prefix")),
        ("11833", Unreadable(why="no_prefix")),
        ("1150", Unreadable(why="no_prefix")),
        ("8" * 10, Unreadable(why="too_long")),
    ],
)
def test_an_area_code_completes_what_has_no_prefix(text: str, number_format: str, expected: Number) -> None:
    assert read(text, number_format, "", "5372") == expected


def test_an_area_code_counts_behind_the_own_prefix_too() -> None:
    assert read("0890", "national", "0", "5372") == MEINERSEN
    assert read("890", "national", "0", "5372") == Unreadable(why="no_own_prefix")


@pytest.mark.parametrize(("number_format", "expected"), [("international", "890"), ("significant", "49890")])
def test_a_format_that_gives_bare_digits_a_meaning_goes_before_the_area(number_format: str, expected: str) -> None:
    assert read("890", number_format, "", "5372") == E164(digits=expected)


@pytest.mark.parametrize(
    ("number", "sends_format", "expected"),
    [
        ("495372890", "e164", "+495372890"),
        ("495372890", "international", "495372890"),
        ("495372890", "national", "05372890"),
        ("495372890", "significant", "5372890"),
        ("43123456", "e164", "+43123456"),
        ("43123456", "international", "43123456"),
        ("43123456", "national", "0043123456"),
        ("43123456", "significant", "0043123456"),
    ],
)
@pytest.mark.parametrize("own_prefix", ["", "0", "99"])
def test_how_a_number_is_sent(number: str, sends_format: str, expected: str, own_prefix: str) -> None:
    sent = sends(E164(digits=number), sends_format=NumberFormat(sends_format), own_prefix=own_prefix)
    assert sent == own_prefix + expected


def test_area_codes() -> None:
    assert all(is_area_code(text) for text in ("30", "511", "5372", "34205", "3581", "906"))
    assert not any(is_area_code(text) for text in ("", "3", "05372", "+49", "53725", "511x", "5111", "1512", "5372\n"))
