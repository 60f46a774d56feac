# SPDX-License-Identifier: EUPL-1.2
"""Checks of single rows that hold numbers: written in full, possible to dial, and never an emergency number."""

from __future__ import annotations

from collections.abc import Iterator, Set
from datetime import UTC, datetime

from routing.core.numbers import E164, MAXIMUM_E164_DIGITS, NumberFormat, ShortCode, read_number
from routing.core.places import place_of
from routing.core.rows import DidRow, IngressNumberRow, NumberBlockRow, Problem

MAXIMUM_EXTENSION_DIGITS = 6
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_SHORT_CODES = ("110", "112", "115")


def check_number_block(row: NumberBlockRow, *, tenants: Set[str], trunks: Set[str]) -> Iterator[Problem]:
    """A head number is written in full, so that nothing about it is guessed; its desks can be dialled."""
    place = place_of(row)
    yield from _check_number(place, row.head_number, "head number")
    if row.tenant not in tenants:
        yield Problem(place=place, sentence=f"there is no tenant {row.tenant!r}")
    if bool(row.desk_digits) != (row.desk_trunk is not None):
        yield Problem(place=place, sentence="desk extensions need both their number of digits and a trunk")
    if row.desk_trunk is not None and row.desk_trunk not in trunks:
        yield Problem(place=place, sentence=f"there is no trunk {row.desk_trunk!r}")
    for digits in row.desk_digits:
        if not 1 <= digits <= MAXIMUM_EXTENSION_DIGITS:
            yield Problem(
                place=place, sentence=f"a desk extension has 1 to {MAXIMUM_EXTENSION_DIGITS} digits, not {digits}"
            )
        elif len(row.head_number) - 1 + digits > MAXIMUM_E164_DIGITS:
            yield Problem(
                place=place, sentence=f"nobody can dial its desks: a number has at most {MAXIMUM_E164_DIGITS} digits"
            )


def check_did(row: DidRow) -> Iterator[Problem]:
    """An extension, or a range of extensions of one length, of digits that can be dialled."""
    if row.valid_from is not None or row.valid_to is not None:
        yield from check_validity(place_of(row), row.valid_from, row.valid_to)
    if row.extension and not _digits(row.extension):
        yield Problem(place=place_of(row), sentence=f"the extension {row.extension!r} may hold digits only")
        return
    if row.last_extension is not None:
        if not _digits(row.last_extension) or len(row.last_extension) != len(row.extension):
            yield Problem(
                place=place_of(row),
                sentence=f"the range {row.extension}-{row.last_extension} needs two extensions of as many digits",
            )
            return
        if row.extension >= row.last_extension:
            yield Problem(
                place=place_of(row), sentence=f"the range {row.extension}-{row.last_extension} must end after it begins"
            )
            return
        if len(row.extension) > MAXIMUM_EXTENSION_DIGITS:
            yield Problem(
                place=place_of(row), sentence=f"a range's extensions have at most {MAXIMUM_EXTENSION_DIGITS} digits"
            )
            return
    for extension in _decisive(row):
        if (problem := _undialable(row.head_number + extension)) is not None:
            yield Problem(place=place_of(row), sentence=problem)
            return


def _decisive(row: DidRow) -> Iterator[str]:
    """The extensions that tell of all of a range whether they can be dialled: its first, and the short codes in it."""
    yield row.extension
    if row.last_extension is not None:
        yield from (
            code
            for code in _SHORT_CODES
            if len(code) == len(row.extension) and row.extension <= code <= row.last_extension
        )


def check_ingress_number(row: IngressNumberRow) -> Iterator[Problem]:
    """Written in full; with a line or without one."""
    place = place_of(row)
    yield from check_validity(place, row.valid_from, row.valid_to)
    yield from _check_number(place, row.number, "ingress number")
    if (row.tenant is None) != (row.service_line is None):
        yield Problem(place=place, sentence="a line is named by both its tenant and its service_line")


def check_validity(place: str, valid_from: datetime | None, valid_to: datetime | None) -> Iterator[Problem]:
    """Both with an offset and within the calendar, and the end behind the beginning."""
    for name, value in (("valid_from", valid_from), ("valid_to", valid_to)):
        if value is not None and value.tzinfo is None:
            yield Problem(place=place, sentence=f"{name} has no offset from UTC: add one, such as +01:00")
            return
        if value is not None and not _EARLIEST <= value <= _LATEST:
            yield Problem(place=place, sentence=f"{name} must lie within the years 1 to 9999, in UTC too")
            return
    if valid_from is not None and valid_to is not None and valid_from >= valid_to:
        yield Problem(place=place, sentence="valid_to must lie after valid_from")


def _check_number(place: str, text: str, what: str) -> Iterator[Problem]:
    number = read_number(text, number_format=NumberFormat.E164)
    if isinstance(number, ShortCode):
        yield Problem(place=place, sentence=f"a short code is no {what}; 110 and 112 are never ours to take")
    elif not isinstance(number, E164) or str(number) != text:
        yield Problem(place=place, sentence=f"write the {what} as + and digits only, such as +49537289")


def _undialable(written: str) -> str | None:
    number = read_number(written, number_format=NumberFormat.E164)
    if isinstance(number, ShortCode):
        return f"{number} is a short code: 110 and 112 are never ours, 115 has its own section"
    if str(number) != written:
        return f"nobody can dial {written}: a number has at most {MAXIMUM_E164_DIGITS} digits"
    return None


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
