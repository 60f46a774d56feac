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

from routing.core.numbers import E164, SEPARATORS, NumberFormat, ShortCode, Unreadable, read_number
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
