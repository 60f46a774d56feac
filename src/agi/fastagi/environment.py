# SPDX-License-Identifier: EUPL-1.2
"""The environment that our dialplan nearly always sends, read in one pass over the whole buffer.

The one rule: this only ever says yes, and then what ``Protocol`` would say line by line. Whatever does not match, be
it wrong or merely rare, is for ``Protocol`` to judge; nothing is refused here. Asterisk writes each line by itself, so
what comes may be a beginning: the same pass is made when more has come.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from agi.fastagi.request import ARGUMENTS, MAXIMUM_NUMBER_CHARACTERS

KEYS = (
    "agi_network",
    "agi_network_script",
    "agi_request",
    "agi_channel",
    "agi_language",
    "agi_type",
    "agi_uniqueid",
    "agi_version",
    "agi_callerid",
    "agi_calleridname",
    "agi_callingpres",
    "agi_callingani2",
    "agi_callington",
    "agi_callingtns",
    "agi_dnid",
    "agi_rdnis",
    "agi_context",
    "agi_extension",
    "agi_priority",
    "agi_enhanced",
    "agi_accountcode",
    "agi_threadid",
    *(f"agi_arg_{position}" for position, _ in enumerate(ARGUMENTS, start=1)),
)
MAXIMUM_LINE_BYTES = 4_096
MAXIMUM_UNIQUE_ID_CHARACTERS = 149  # AST_MAX_UNIQUEID without its final NUL


class Request(NamedTuple):
    """A whole environment has come: what is asked (``path``, decoded ``query``), by whom, and for which channel.

    ``caller`` and the numbers of the headers hold digits and at most one leading plus; ``None`` = withheld, or none.
    A named tuple, since one is made for each call.
    """

    path: str
    query: Mapping[str, str]
    caller: str | None
    diversion: str | None
    history_info: str | None
    to: str | None
    unique_id: str


# Possessive: what a line holds is never given back, so the time is linear.
_ANY = r"[^\n]*+"
_ENCODED = r"((?:[A-Za-z0-9\-_.!~*'()]|%(?!00)[0-9A-Fa-f]{2})*+)"
_NUMBER = rf"([0-9]{{0,{MAXIMUM_NUMBER_CHARACTERS}}}|%2B[0-9]{{0,{MAXIMUM_NUMBER_CHARACTERS - 1}}})"
_VALUES = dict.fromkeys(KEYS, _ANY) | {
    "agi_network_script": rf"(route\?dialled={_ENCODED}&trunk={_ENCODED})",
    "agi_request": r"agi://[^/\n]*+/\1",
    "agi_uniqueid": rf"([A-Za-z0-9._-]{{1,{MAXIMUM_UNIQUE_ID_CHARACTERS}}})",
    **{f"agi_arg_{place}": f"{key}={_NUMBER}" for place, key in enumerate(ARGUMENTS, start=1)},
}
_BEGINNING = ""
for _key in reversed(KEYS):
    _BEGINNING = f"(?:{_key}: {_ANY}\n{_BEGINNING})?+"
_WHOLE = re.compile("".join(f"{key}: {value}\n" for key, value in _VALUES.items()) + "\n", re.ASCII)


_BEGUN = re.compile(_BEGINNING + _ANY)


def is_beginning(data: bytes) -> bool:
    """Whether ``data`` may become a whole environment: its whole lines are the first, and more may come."""
    return len(data) <= MAXIMUM_LINE_BYTES and b"\0" not in data and bool(_BEGUN.fullmatch(data.decode("latin-1")))


def read_whole(data: bytes) -> Request | None:
    """The request, if ``data`` is a whole environment as the dialplan writes it; ``None`` if that is to be judged."""
    # No line of it is then longer than a line may be. Latin-1 keeps every byte; what is used is ASCII.
    if len(data) > MAXIMUM_LINE_BYTES or b"\0" in data or (match := _WHOLE.fullmatch(data.decode("latin-1"))) is None:
        return None
    _, dialled, trunk, unique_id, caller, diversion, history_info, to = match.groups()
    return Request(
        "/route",
        MappingProxyType(
            {
                "dialled": _decoded(dialled) if "%" in dialled else dialled,
                "trunk": _decoded(trunk) if "%" in trunk else trunk,
            }
        ),
        _number(caller) if caller else None,
        _number(diversion) if diversion else None,
        _number(history_info) if history_info else None,
        _number(to) if to else None,
        unique_id,
    )


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", errors="replace")


def _number(text: str) -> str:
    return f"+{text[3:]}" if text[0] == "%" else text
