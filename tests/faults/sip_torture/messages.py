# SPDX-License-Identifier: EUPL-1.2
"""The messages of ``rfc4475.txt``, read in the notation of section 2 of that RFC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TEXT = Path(__file__).with_name("rfc4475.txt")
_HEAD = re.compile(r"^== (\S+) (\S+) (valid|invalid)\n", re.MULTILINE)
_ONE_LINE = re.compile(rb"<allOneLine>\n(.*?)</allOneLine>", re.DOTALL)
_REPEAT = re.compile(rb"<repeat count=(\d+)>(.*?)</repeat>")
_HEX = re.compile(rb"<hex>([0-9A-F\n]+)</hex>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Torture:
    """One message as it goes over the wire. ``request``: whether it is one, and not an answer."""

    section: str
    name: str
    valid: bool
    wire: bytes

    @property
    def request(self) -> bool:
        return not self.wire.startswith(b"SIP/")


def torture_messages() -> Iterator[Torture]:
    """All of the file, in its order."""
    _, *parts = _HEAD.split(TEXT.read_text(encoding="utf-8"))
    for section, name, validity, text in zip(parts[::4], parts[1::4], parts[2::4], parts[3::4], strict=True):
        yield Torture(section=section, name=name, valid=validity == "valid", wire=wire(text))


def wire(text: str) -> bytes:
    """The bytes that the notation means; a message without a body ends with its empty line."""
    whole = text.removesuffix("\n").encode("utf-8")
    whole = _ONE_LINE.sub(lambda found: found[1].replace(b"\n", b""), whole)
    whole = _REPEAT.sub(lambda found: found[2] * int(found[1]), whole)
    whole = whole.replace(b"\n", b"\r\n")
    whole = _HEX.sub(lambda found: bytes.fromhex(found[1].decode()), whole)
    return whole if b"\r\n\r\n" in whole else whole + b"\r\n"
