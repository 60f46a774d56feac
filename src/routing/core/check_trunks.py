# SPDX-License-Identifier: EUPL-1.2
"""Checks of a trunk: an address safe in Asterisk's configuration, words it knows, settings that fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from routing.core.numbers import NumberFormat, is_area_code
from routing.core.rows import Problem, TrunkRow

TRANSPORTS = ("udp", "tcp", "tls")
MEDIA_ENCRYPTIONS = ("none", "sdes")
CODECS = ("g722", "alaw", "ulaw")  # those that Asterisk loads here (asterisk/modules.conf)
WAYS = ("dialled", "diversion", "history_info", "to", "ingress_number")
MAXIMUM_PORT = 65_535
MAXIMUM_OWN_PREFIX_DIGITS = 8

_ADDRESS = re.compile(
    r"(?P<host>[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(:(?P<port>[1-9][0-9]{0,4}))?"
)
_LOOPBACK = re.compile(r"127(\.[0-9]{1,3}){3}")  # a name such as 127.example.org may lead anywhere
_DIGITS = re.compile(r"[0-9]*")
_USER = re.compile(r"[A-Za-z0-9._~+@-]{1,64}")


def check_trunk(row: TrunkRow) -> Iterator[Problem]:
    """Everything that is wrong with one trunk."""
    place = f"trunks[{row.name}]"
    for sentence in (*_address(row), *_words(row), *_numbers(row), *_recognition(row), *_demonstration(row)):
        yield Problem(place=place, sentence=sentence)
    if row.media_encryption == "sdes" and row.transport in ("udp", "tcp"):
        yield Problem(
            place=place,
            sentence=f"media_encryption sdes sends its keys readable with transport {row.transport}: take tls",
            warning=True,
        )


def _address(row: TrunkRow) -> Iterator[str]:
    match = _ADDRESS.fullmatch(row.address)
    if match is None or int(match["port"] or 1) > MAXIMUM_PORT:
        yield f"address {row.address!r} must be a host name, an IPv4 address or [IPv6 address], with or without :port"
    if row.registration_user is not None and not _USER.fullmatch(row.registration_user):
        yield (
            f"registration_user {row.registration_user!r} must be 1 to 64 letters, digits or . _ ~ + @ -, "
            "as the carrier writes it"
        )


def _words(row: TrunkRow) -> Iterator[str]:
    formats = [item.value for item in NumberFormat]
    for field, value, known in (
        ("number_format", row.number_format, formats),
        ("sends_format", row.sends_format, formats),
        ("transport", row.transport, TRANSPORTS),
        ("media_encryption", row.media_encryption, MEDIA_ENCRYPTIONS),
    ):
        if value not in known:
            yield f"{field} {value!r} is none of {', '.join(known)}"
    yield from _list("codecs", row.codecs, CODECS)
    yield from _list("recognise_by", row.recognise_by, WAYS)


def _list(field: str, values: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    if not values:
        yield f"{field} is empty: name at least one of {', '.join(known)}"
    for value in dict.fromkeys(values):
        if value not in known:
            yield f"{field}: {value!r} is none of {', '.join(known)}"
        elif values.count(value) > 1:
            yield f"{field} names {value} {values.count(value)} times: once is enough"


def _numbers(row: TrunkRow) -> Iterator[str]:
    if not _DIGITS.fullmatch(row.own_prefix) or len(row.own_prefix) > MAXIMUM_OWN_PREFIX_DIGITS:
        yield f"own_prefix {row.own_prefix!r} must be at most {MAXIMUM_OWN_PREFIX_DIGITS} digits"
    if row.area_code is None:
        return
    if not is_area_code(row.area_code):
        yield f"area_code {row.area_code!r} is none: 2 to 5 digits without the leading 0, such as 5372"
    elif row.number_format in ("international", "significant"):
        yield (
            f"area_code has no meaning with number_format {row.number_format}, where a number without a prefix is a "
            "whole one already: leave it out, or take national"
        )


def _recognition(row: TrunkRow) -> Iterator[str]:
    if not row.trusts_diversion and row.recognise_by and set(row.recognise_by) <= {"diversion", "history_info", "to"}:
        yield "recognise_by names headers alone, none of which counts here: add dialled, or set trusts_diversion"


def _demonstration(row: TrunkRow) -> Iterator[str]:
    if not row.demonstration:
        return
    match = _ADDRESS.fullmatch(row.address)
    if match is not None and not _LOOPBACK.fullmatch(match["host"]):
        yield "a demonstration trunk may set the decision's clock: its address must be a loopback one (127.…)"
    if row.transport != "udp" or row.media_encryption != "none" or row.registration_user is not None:
        yield "a demonstration trunk stays on this machine: transport udp, media_encryption none, no registration_user"
