# SPDX-License-Identifier: EUPL-1.2
"""What the dialplan asks, read strictly: a path and a query in the AGI URL, and four numbers in its arguments.

::

    agi://127.0.0.1:4573/route?dialled=0537289-0&trunk=carrier     caller=%2B493023125123   diversion=   …
                         ^^^^^ ^^^^^^^ ^^^^^^^^^                          ^^^^^^^^^^^^^^^
                         path  key     value: unreserved characters       digits and one leading plus, or nothing
                                       and %XX, nothing else

The numbers are no part of the URL because Asterisk logs the URL, whole, when the service cannot be reached.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

MAXIMUM_PARAMETERS = 8
MAXIMUM_NUMBER_CHARACTERS = 20  # with the plus; the dialplan takes what is longer for no number
ARGUMENTS = ("caller", "diversion", "history_info", "to")
"""The arguments' keys, each always there and in this order."""

_PATH = re.compile(rb"[a-z0-9_-]{1,40}")
_PARAMETER = re.compile(rb"([a-z_]{1,20})=((?:[A-Za-z0-9\-_.!~*'()]|%[0-9A-Fa-f]{2})*)")
_NUMBER = re.compile(rb"[0-9]{0,%d}|%%2B[0-9]{0,%d}" % (MAXIMUM_NUMBER_CHARACTERS, MAXIMUM_NUMBER_CHARACTERS - 1))


class MalformedRequestError(ValueError):
    """URL or argument is not one that our dialplan writes; the sentence repeats nothing of it."""


def read_script(script: bytes) -> tuple[str, Mapping[str, str]]:
    """Path (with its slash) and decoded query. Raises ``MalformedRequestError``.

    A value that is not UTF-8 keeps U+FFFD where it cannot be read, so that it is an unknown number and never a
    shorter one. ``URIENCODE`` cannot write ``%00`` (its strings end there), so that is refused.
    """
    path, question_mark, text = script.partition(b"?")
    if not _PATH.fullmatch(path):
        raise MalformedRequestError("The path of the request is none that the dialplan uses.")
    query: dict[str, str] = {}
    parameters = text.split(b"&") if question_mark else []
    if len(parameters) > MAXIMUM_PARAMETERS:
        raise MalformedRequestError(f"The request has more than {MAXIMUM_PARAMETERS} parameters.")
    for number, parameter in enumerate(parameters, start=1):
        match = _PARAMETER.fullmatch(parameter)
        if match is None:
            raise MalformedRequestError(f"Parameter {number} of the request is not encoded as URIENCODE does it.")
        key, value = match[1].decode("ascii"), unquote_to_bytes(match[2])
        if key in query:
            raise MalformedRequestError(f"Parameter {number} of the request repeats a key.")
        if b"\0" in value:
            raise MalformedRequestError(f"Parameter {number} of the request holds a NUL.")
        query[key] = value.decode("utf-8", errors="replace")
    return f"/{path.decode('ascii')}", MappingProxyType(query)


def read_number_argument(key: str, argument: bytes) -> str | None:
    """The number in the argument, ``None`` if there is none or it is withheld. Raises ``MalformedRequestError``.

    The key stands even before nothing: an empty argument alone would look like one that the dialplan lost.
    """
    prefix = f"{key}=".encode("ascii")
    if not argument.startswith(prefix) or not _NUMBER.fullmatch(argument, len(prefix)):
        raise MalformedRequestError(f"The argument {key} of the request is not as the dialplan writes it.")
    return unquote_to_bytes(argument[len(prefix) :]).decode("ascii") or None
