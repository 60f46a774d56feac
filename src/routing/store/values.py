# SPDX-License-Identifier: EUPL-1.2
"""What PostgreSQL cannot keep as Python has it: some characters, and instants without a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from routing.store.problems import StoreError

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""NUL, and halves of surrogate pairs, which are no characters and have no UTF-8."""


def in_utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError if ``at`` is naive, or not within the calendar's years in UTC."""
    if at.tzinfo is None:
        raise ValueError("is a time without a zone")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("is a time beyond the years 1 to 9999") from None


def from_database(at: datetime) -> datetime:
    """What `in_utc` gave it: the calendar's first and last instant come back as infinities, which have no zone."""
    return at.replace(tzinfo=UTC)


def storable(what: str, text: str) -> str:
    """The text. Raises StoreError if no database can keep it; ``what`` begins its sentence."""
    if UNSTORABLE.search(text):
        raise StoreError(f"{what} holds a character that a database cannot keep (NUL or half a surrogate pair).")
    return text
