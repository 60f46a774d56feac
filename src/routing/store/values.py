# SPDX-License-Identifier: EUPL-1.2
"""What PostgreSQL cannot keep as Python has it: some characters, and instants without a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""NUL, and halves of surrogate pairs, which are no characters and have no UTF-8."""


def in_utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError if ``at`` is naive."""
    if at.tzinfo is None:
        raise ValueError("is a time without a zone")
    return at.astimezone(UTC)
