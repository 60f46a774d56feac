# SPDX-License-Identifier: EUPL-1.2
"""One AMI message as it came: its headers, each known to have come once or more than once.

::

    Event: AgentCalled\r\n      key: value; the space is optional, the value may be empty
    Uniqueid: 1.1\r\n
    \r\n                        ends the message (cut off here)

A caller who can smuggle a line break into a name can add headers. Hence nothing is merged or overwritten: a header
that came twice is ``repeated``, a line without a colon makes the message ``malformed``, and readers refuse both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

#: Headers that Asterisk itself sends once per item (``channelvars=``, ``Status`` with variables, command output).
_LISTS = frozenset({"chanvariable", "destchanvariable", "variable", "output"})
_CONTROL = re.compile(r"[\r\n\0]")
#: Header as it was written → as we look for it. Asterisk has some hundred headers, written always alike.
_keys: dict[str, str] = {}
_KEYS_LIMIT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiMessage:
    """Headers by lower-case name; of a repeated one the first. ``lists`` holds those meant to come often."""

    headers: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()
    malformed: bool = False

    @property
    def event(self) -> str:
        """The event's name, '' for anything else."""
        return self.headers.get("event", "")

    def get(self, name: str) -> str:
        """A header by lower-case name, '' if it did not come."""
        return self.headers.get(name, "")


def parse_message(block: str) -> AmiMessage:
    """Read the lines of one message, without the empty line behind it."""
    headers: dict[str, str] = {}
    lists: dict[str, tuple[str, ...]] = {}
    repeated: set[str] = set()
    lines = block.split("\r\n")
    # Asked of the whole at once: it is so of no message that Asterisk sends, and there are thousands in a second.
    bare = "".join(lines)
    malformed = "\n" in bare or "\r" in bare or "\0" in bare
    if malformed:
        lines = [line for line in lines if not _CONTROL.search(line)]
    for line in lines:
        name, colon, value = line.partition(": ")
        key = _keys.get(name) if colon else None
        if key is None:
            name, colon, value = line.partition(":")
            key = _key(name)
            if not colon or not key:
                malformed = True
                continue
            value = value.removeprefix(" ")
        if key in _LISTS:
            lists[key] = (*lists.get(key, ()), value)
        elif key in headers:
            repeated.add(key)
        else:
            headers[key] = value
    return AmiMessage(headers=headers, lists=lists, repeated=frozenset(repeated), malformed=malformed)


def _key(name: str) -> str:
    key = name.strip().lower()
    if key and len(_keys) < _KEYS_LIMIT:  # whoever smuggles headers in must not fill our memory
        _keys[name] = key
    return key
