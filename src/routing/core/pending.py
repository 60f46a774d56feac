# SPDX-License-Identifier: EUPL-1.2
"""What will change by itself: every row that begins or ends to hold after an instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from routing.core.places import place_of
from routing.core.rows import Row, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One coming change: the row (``tenants[stadt-x]``) ``begins`` or ``ends`` to hold at ``at`` (aware)."""

    at: datetime
    place: str
    change: Literal["begins", "ends"]


def pending(rows: Rows, after: datetime) -> tuple[Pending, ...]:
    """All changes later than ``after`` (aware), in the order of their time."""
    found = (item for row in rows.all() for item in _of(row) if item.at > after)
    return tuple(sorted(found, key=lambda item: (item.at, item.place, item.change)))


def _of(row: Row) -> Iterator[Pending]:
    begins: datetime | None = getattr(row, "valid_from", None)
    ends: datetime | None = getattr(row, "valid_to", None)
    if begins is not None:
        yield Pending(at=begins, place=place_of(row), change="begins")
    if ends is not None:
        yield Pending(at=ends, place=place_of(row), change="ends")
