# SPDX-License-Identifier: EUPL-1.2
"""A mapping of texts for large tables: never changed, and cheap to make anew with a few entries replaced.

::

    ShardedMap ── 64 small dicts, chosen by the key's hash
        replacing 1 of 1,000,000 entries copies one dict of 16,000 and the tuple of dicts

A look-up is one hash and one dict. The time of an edit grows with its entries, not with the table.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

V = TypeVar("V")
_SHARDS = 64
_MASK = _SHARDS - 1
_FEW = 64


class ShardedMap(Generic[V]):
    """From text to a value. Two maps are equal if they hold the same."""

    __slots__ = ("_shards",)

    def __init__(self, items: Iterable[tuple[str, V]] = ()) -> None:
        shards: tuple[dict[str, V], ...] = tuple({} for _ in range(_SHARDS))
        for key, value in items:
            shards[hash(key) & _MASK][key] = value
        self._shards = shards

    def get(self, key: str) -> V | None:
        """The value, or ``None``."""
        return self._shards[hash(key) & _MASK].get(key)

    def __contains__(self, key: str) -> bool:
        return key in self._shards[hash(key) & _MASK]

    def __len__(self) -> int:
        return sum(map(len, self._shards))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShardedMap) and self._shards == other._shards

    def __hash__(self) -> int:
        raise TypeError("a ShardedMap is compared by what it holds and cannot be hashed")

    def __iter__(self) -> Iterator[str]:
        """All keys, in no order."""
        for shard in self._shards:
            yield from shard

    def items(self) -> Iterator[tuple[str, V]]:
        """All entries, in no order."""
        for shard in self._shards:
            yield from shard.items()

    def differing(self, other: ShardedMap[V]) -> Iterator[str]:
        """The keys whose values the two do not have alike; what one was made of the other with is not looked at."""
        for mine, theirs in zip(self._shards, other._shards, strict=True):
            if mine is theirs or mine == theirs:
                continue
            yield from (key for key, value in mine.items() if theirs.get(key) != value)
            yield from (key for key in theirs if key not in mine)

    def values(self) -> Iterator[V]:
        """All values, in no order."""
        for shard in self._shards:
            yield from shard.values()

    def shards(self) -> Iterator[object]:
        """The dicts one by one, for whoever must let go of a large map little by little."""
        return iter(self._shards)

    def edit(self) -> ShardedEdit[V]:
        """An edit of this map, which stays as it is."""
        return ShardedEdit(self._shards)


class ShardedEdit(Generic[V]):
    """A map being made anew from another one: it copies a shard when it first writes to it."""

    __slots__ = ("_own", "_shards")

    def __init__(self, shards: tuple[dict[str, V], ...]) -> None:
        self._shards = list(shards)
        self._own: set[int] = set()

    def get(self, key: str) -> V | None:
        """The value by now, or ``None``."""
        return self._shards[hash(key) & _MASK].get(key)

    def put(self, key: str, value: V | None) -> None:
        """Put the entry in, or take it out with ``None``."""
        place = hash(key) & _MASK
        if place not in self._own:
            self._shards[place] = dict(self._shards[place])
            self._own.add(place)
        if value is None:
            self._shards[place].pop(key, None)
        else:
            self._shards[place][key] = value

    def done(self) -> ShardedMap[V]:
        """The new map; the edit is over."""
        made: ShardedMap[V] = ShardedMap.__new__(ShardedMap)
        made._shards = tuple(self._shards)
        self._own.clear()  # whatever is written later is written to a copy
        return made


class SortedEdit:
    """A tuple of texts in order being made anew: a few changes cost little more than a copy, many are sorted in."""

    __slots__ = ("_added", "_removed", "_texts")

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._texts = texts
        self._added: set[str] = set()
        self._removed: set[str] = set()

    def add(self, text: str) -> None:
        """Put a text in; one that is there is there once."""
        self._removed.discard(text)
        self._added.add(text)

    def remove(self, text: str) -> None:
        """Take a text out that is there."""
        self._added.discard(text)
        self._removed.add(text)

    def now(self) -> tuple[str, ...]:
        """The texts by now."""
        if len(self._added) + len(self._removed) > _FEW:
            self._texts = tuple(sorted(set(self._texts) - self._removed | self._added))
        elif self._added or self._removed:
            texts = list(self._texts)
            for text in (*self._removed, *self._added):
                place = bisect_left(texts, text)
                there = place < len(texts) and texts[place] == text
                if there and text in self._removed:
                    del texts[place]
                elif not there and text in self._added:
                    insort(texts, text)
            self._texts = tuple(texts)
        self._added, self._removed = set(), set()
        return self._texts
