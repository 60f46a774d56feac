# SPDX-License-Identifier: EUPL-1.2
"""Half-open stretches of time, and what holds at an instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """A half-open stretch of time, open at an end that is ``None``."""

    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def contains(self, at: datetime) -> bool:
        """Whether ``at`` lies within."""
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)

    def overlaps(self, other: Validity) -> bool:
        """Whether the two share an instant."""
        return _before(self.valid_from, other.valid_to) and _before(other.valid_from, self.valid_to)

    def ends(self) -> Iterator[datetime]:
        """The instants at which it begins and ends."""
        if self.valid_from is not None:
            yield self.valid_from
        if self.valid_to is not None:
            yield self.valid_to


ALWAYS = Validity()


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end
