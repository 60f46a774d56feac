# SPDX-License-Identifier: EUPL-1.2
"""What AstDB holds by digest: written once, never changed, and shared by all that say the same.

::

    text/<digest>              a text; its further parts are text/<digest>-2, -3, …; named ones text/<digest>-<name>
    text/<digest>              or, of a block: how many entries it has; ``-`` while they are being written
    block/<digest>/<key>       an entry of a block

An item is complete when its ``text/<digest>`` is there and no ``-``: that one is written last. So one list of what is
below ``text/`` says what an Asterisk has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agi.render.settings import RenderError

MAXIMUM_VALUE_BYTES = 900
ANNOUNCED = "-"
_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """``texts``: paths and values below ``text/``, the one without suffix last. ``entries``: those of a block."""

    digest: str
    texts: tuple[tuple[str, str], ...]
    entries: tuple[tuple[str, str], ...] = ()

    @property
    def is_block(self) -> bool:
        """Whether its text only says how many entries it has."""
        return self.texts[-1][1].isdecimal()

    @property
    def value(self) -> str:
        """Of a text that has one part."""
        return self.texts[-1][1]

    def named(self, name: str) -> str:
        """A named part; '' if it has none."""
        return dict(self.texts).get(f"text/{self.digest}-{name}", "")

    def flat(self) -> Iterable[tuple[str, str]]:
        """All paths and values in the order in which they may be written."""
        yield from self.entries
        yield from self.texts


def text_item(parts: Sequence[str], *, named: Mapping[str, str] | None = None) -> Item:
    """A text in parts. Raises `RenderError` if one is too long to store."""
    named = named or {}
    digest = _digest((*parts, *(f"{name}\0{text}" for name, text in named.items())))
    texts = [(f"text/{digest}-{name}", text) for name, text in named.items()]
    texts += [(f"text/{digest}-{count}", text) for count, text in enumerate(parts[1:], start=2)]
    return Item(digest=digest, texts=_checked((*texts, (f"text/{digest}", parts[0]))))


def block_item(entries: Iterable[tuple[str, str]]) -> Item:
    """A block of entries (key, value). Raises `RenderError` if one is too long to store."""
    ordered = sorted(entries)
    digest = _digest(("block", *(f"{key}\0{value}" for key, value in ordered)))
    paths = _checked(tuple((f"block/{digest}/{key}", value) for key, value in ordered))
    return Item(digest=digest, texts=((f"text/{digest}", str(len(ordered))),), entries=paths)


def _digest(texts: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=_DIGEST_BYTES).hexdigest()


def _checked(values: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    for path, text in values:
        if len(text) > MAXIMUM_VALUE_BYTES and len(text.encode()) > MAXIMUM_VALUE_BYTES:
            raise RenderError(f"The fallback's value {path} is longer than {MAXIMUM_VALUE_BYTES} bytes.")
    return values
