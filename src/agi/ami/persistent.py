# SPDX-License-Identifier: EUPL-1.2
"""Collections that are never changed, and cheap to make anew with one entry more or less.

::

    PersistentMap ── 64 small dicts, chosen by the key's hash
        one entry of 1,500 put in or taken out copies a dict of some 23 and the tuple of dicts

    RecentSet ── older chunks │ the newest, which grows to a chunk's size; then the oldest chunk is let go of

Their cost for a change is that of a small copy, however much they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import TypeVar

V = TypeVar("V")
_SHARDS = 64
_MASK = _SHARDS - 1
_EMPTY: tuple[dict[str, object], ...] = tuple({} for _ in range(_SHARDS))


class PersistentMap(Mapping[str, V]):
    """From text to a value, in no order. Two are equal if they hold the same."""

    __slots__ = ("_count", "_shards")

    def __init__(self, entries: Mapping[str, V] | None = None) -> None:
        self._count = 0
        self._shards: tuple[dict[str, V], ...] = _EMPTY  # type: ignore[assignment]  # empty: of any type
        if entries:
            self._shards = tuple({} for _ in range(_SHARDS))
            for key, value in entries.items():
                self._shards[hash(key) & _MASK][key] = value
            self._count = len(entries)

    def __getitem__(self, key: str) -> V:
        return self._shards[hash(key) & _MASK][key]

    def __contains__(self, key: object) -> bool:
        return key in self._shards[hash(key) & _MASK]

    def __iter__(self) -> Iterator[str]:
        for shard in self._shards:
            yield from shard

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"PersistentMap({dict(self)!r})"

    def put(self, key: str, value: V) -> PersistentMap[V]:
        """The map with this entry put in or replaced."""
        place = hash(key) & _MASK
        shard = self._shards[place]
        return self._with_shard(place, {**shard, key: value}, self._count + (key not in shard))

    def without(self, key: str) -> PersistentMap[V]:
        """The map without this key, which need not be there."""
        place = hash(key) & _MASK
        if key not in self._shards[place]:
            return self
        shard = self._shards[place].copy()
        del shard[key]
        return self._with_shard(place, shard, self._count - 1)

    def _with_shard(self, place: int, shard: dict[str, V], count: int) -> PersistentMap[V]:
        made: PersistentMap[V] = PersistentMap.__new__(PersistentMap)
        made._shards = (*self._shards[:place], shard, *self._shards[place + 1 :])
        made._count = count
        return made


class RecentSet(Set[str]):
    """The texts put in last: at least ``limit`` of them, and at most ``limit`` and a ``chunk``."""

    __slots__ = ("_chunk", "_chunks", "_limit")

    def __init__(self, *, limit: int, chunk: int) -> None:
        self._limit = limit
        self._chunk = chunk
        self._chunks: tuple[frozenset[str], ...] = (frozenset(),)

    def __contains__(self, text: object) -> bool:
        return any(text in chunk for chunk in self._chunks)

    def __iter__(self) -> Iterator[str]:
        for chunk in self._chunks:
            yield from chunk

    def __len__(self) -> int:
        return sum(map(len, self._chunks))

    def __repr__(self) -> str:
        return f"RecentSet({set(self)!r})"

    def put(self, text: str) -> RecentSet:
        """The set with this text; without the oldest chunk if there are enough without it."""
        if text in self:
            return self
        *older, newest = self._chunks
        newest |= {text}
        chunks = (*older, newest)
        if len(newest) >= self._chunk:
            chunks = (*chunks[-(self._limit // self._chunk) :], frozenset())
        made = RecentSet(limit=self._limit, chunk=self._chunk)
        made._chunks = chunks
        return made
