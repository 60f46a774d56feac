# SPDX-License-Identifier: EUPL-1.2
"""Reading numbers against an independent reader, phonenumberslite.

Differences that are ours on purpose, each held here by a test: letters, extensions, full-width digits and other
decoration make a number unreadable (the library strips them), and area code + 115 is a short code, not a number.
"""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from routing.core.numbers import E164, SEPARATORS, Number, NumberFormat, ShortCode, Unreadable, read_number, sends
from tests.property.rows import number_texts

formats = st.sampled_from(list(NumberFormat))
prefixes = st.sampled_from(["0", "+49", "0049", "+49(0)", "0049(0)", "(0"])
# A German national number: an area code that exists and a subscriber number, which never starts with 0 or 1.
significants = st.builds(
    str.__add__,
    st.sampled_from(["30", "40", "69", "89", "531", "511", "5361", "5371", "5372", "5374", "5832", "33051", "34205"]),
    st.from_regex(r"[2-9][0-9]{3,6}", fullmatch=True),
)


@st.composite
def separated(draw: st.DrawFn, digits: str) -> str:
    text = list(digits)
    for _ in range(draw(st.integers(0, 5))):
        text.insert(draw(st.integers(1, len(text))), draw(st.sampled_from("- ./")))
    return "".join(text)


def theirs(text: str) -> str:
    found = phonenumbers.parse(text, "DE")
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)


@settings(max_examples=300, deadline=None)
@given(prefixes, significants.flatmap(separated), formats)
def test_a_prefixed_german_number_is_read_as_the_library_reads_it(
    prefix: str, rest: str, number_format: NumberFormat
) -> None:
    text = prefix + rest + (")" if prefix == "(0" else "")
    found = read_number(text, number_format=number_format)
    digits = "".join(c for c in rest if c.isdigit())
    if isinstance(found, ShortCode):
        assert digits.endswith(found.code)
        assert digits == f"{found.area_code}{found.code}"
        return
    assert str(found) == f"+49{digits}" == theirs(text)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["+", "00"]),
    st.sampled_from([(43, "5372"), (31, "20"), (33, "1"), (44, "20"), (45, "3"), (48, "22"), (1, "212"), (41, "44")]),
    st.from_regex(r"[2-9][0-9]{6,7}", fullmatch=True).flatmap(separated),
)
def test_a_foreign_number_keeps_its_country(plus: str, place: tuple[int, str], rest: str) -> None:
    country, area = place
    text = f"{plus}{country} {area} {rest}"
    found = read_number(text, number_format=NumberFormat.NATIONAL)
    digits = "".join(c for c in rest if c.isdigit())
    assert str(found) == f"+{country}{area}{digits}" == theirs(text)


@pytest.mark.parametrize(
    ("text", "library"),
    [
        ("05372 89-0 x12", "+495372890"),  # an extension is dropped there
        ("０５３７２８９０", "+495372890"),  # full-width digits are folded
        ("05372–890", "+495372890"),  # an en dash is punctuation
        ("05372 tel 890", None),
        ("49537289123", "+4949537289123"),  # read as national although no trunk said so
        ("5372890", "+495372890"),
    ],
)
def test_where_we_refuse_and_the_library_guesses(text: str, library: str | None) -> None:
    assert isinstance(read_number(text, number_format=NumberFormat.NATIONAL), Unreadable)
    assert library is None or theirs(text) == library


@settings(max_examples=300, deadline=None)
@given(number_texts, formats)
@example("4900", NumberFormat.INTERNATIONAL)
@example("490", NumberFormat.INTERNATIONAL)
def test_whatever_is_read_is_canonical(text: str, number_format: NumberFormat) -> None:
    """Reading what was read gives the same number again, on any trunk; and no digit comes from nowhere."""
    found = read_number(text, number_format=number_format)
    if isinstance(found, Unreadable):
        return
    for other in NumberFormat:
        assert read_number(str(found), number_format=other) == found
    bare = "".join(c for c in text if c not in SEPARATORS)
    if isinstance(found, E164):
        assert 1 <= len(found.digits) <= 15
        assert bare.endswith(found.digits.removeprefix("49").removeprefix("0") or "9")
    else:
        assert bare.endswith(found.code)


own_prefixes = st.sampled_from(["", "0", "9", "99", "00", "5372", "12345678"])
area_codes = st.sampled_from([None, "30", "531", "5372", "33051"])


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(significants.map("49{}".format), st.from_regex(r"(43|31|33|44|48|1|380)[2-9][0-9]{6,9}", fullmatch=True)),
    formats,
    own_prefixes,
    area_codes,
)
def test_what_is_sent_is_read_back(
    digits: str, number_format: NumberFormat, own_prefix: str, area_code: str | None
) -> None:
    """By a peer that is configured alike, in every format, with and without an own prefix."""
    number = read_number(f"+{digits}", number_format=NumberFormat.E164)
    if not isinstance(number, E164):
        return  # area code + 115
    sent = sends(number, sends_format=number_format, own_prefix=own_prefix)
    back = read_number(sent, number_format=number_format, own_prefix=own_prefix, area_code=area_code)
    assert back == number


@settings(max_examples=300, deadline=None)
@given(significants.flatmap(separated), st.sampled_from(["+49", "+49-", "+49."]))
def test_a_global_tel_uri_is_read_as_the_library_reads_it(rest: str, country: str) -> None:
    found = read_number(f"tel:{country}{rest}", number_format=NumberFormat.NATIONAL)
    if isinstance(found, E164):
        assert str(found) == theirs(f"tel:{country}{rest.replace('/', '-')}")


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["30", "531", "5361", "5372", "33051"]), st.from_regex(r"[2-9][0-9]{3,6}", fullmatch=True))
def test_an_area_is_the_same_from_a_trunk_or_a_context(area: str, local: str) -> None:
    """And the library, which adds every context's digits, agrees where it is an area's."""
    ways: list[Number] = [
        read_number(local, number_format=NumberFormat.NATIONAL, area_code=area),
        read_number(f"tel:{local};phone-context=+49{area}", number_format=NumberFormat.NATIONAL),
        read_number(f"0{area}{local}", number_format=NumberFormat.NATIONAL),
        read_number(f"tel:0{area}{local};phone-context=+49", number_format=NumberFormat.NATIONAL),
    ]
    assert ways == [ways[0]] * 4
    if isinstance(ways[0], E164):
        assert str(ways[0]) == theirs(f"tel:{local};phone-context=+49{area}")


@settings(max_examples=300, deadline=None)
@given(st.one_of(number_texts, number_texts.map("tel:{}".format)), formats, own_prefixes, area_codes)
def test_any_text_is_read_on_any_trunk(
    text: str, number_format: NumberFormat, own_prefix: str, area_code: str | None
) -> None:
    """A number, or a reason; and what was read is read alike wherever it is written in full."""
    found = read_number(text, number_format=number_format, own_prefix=own_prefix, area_code=area_code)
    if isinstance(found, E164):
        assert read_number(str(found), number_format=number_format, own_prefix=own_prefix, area_code=area_code) == found
