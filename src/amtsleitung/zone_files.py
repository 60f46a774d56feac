# SPDX-License-Identifier: EUPL-1.2
"""The machine's time zone files: Asterisk's own fallback computes service hours from them, without a word if it cannot.

Our own processes bring their zones along, as a Python package.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: Where Asterisk looks; one zone stands for all, for they come in one package.
ZONE = Path("/usr/share/zoneinfo/Europe/Berlin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What is wrong, and what to do: both are parts of a sentence."""

    what: str
    remedy: str


def missing_zone_files() -> Missing | None:
    """``None`` if Asterisk can compute local time on this machine."""
    if ZONE.is_file():
        return None
    return Missing(
        what=f"{ZONE} is missing, so Asterisk's own fallback takes every time zone for UTC",
        remedy="apt-get install tzdata",
    )
