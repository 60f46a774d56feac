# SPDX-License-Identifier: EUPL-1.2
"""The journal's segments as a whole, which the product reads piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from routing.config.journal import Entry, read_entry, segment_paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One file, its whole lines and how many lines in it are none (torn by a full disk or a sudden end)."""

    path: Path
    entries: tuple[Entry, ...]
    torn: int


def read_segments(folder: Path) -> Iterator[Segment]:
    """The segments, the oldest first. One that goes away meanwhile is left out."""
    for path in segment_paths(folder):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue
        *lines, rest = data.split(b"\n")
        entries = tuple(entry for line in lines if (entry := read_entry(line)) is not None)
        yield Segment(path=path, entries=entries, torn=len(lines) - len(entries) + bool(rest))
