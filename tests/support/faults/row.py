# SPDX-License-Identifier: EUPL-1.2
"""One row of the fault matrix as its ``row.toml`` states it.

::

    tests/faults/service_port_closed/
        row.toml        what is done to the system, and what is expected
        test_row.py     does it, on a real Asterisk; missing if ``open`` says why it cannot be done here
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROWS = Path(__file__).resolve().parents[2] / "faults"
LEVELS = ("service", "astdb", "include", "last_resort")
_KINDS: dict[str, type] = {
    "title": str, "injects": str, "expects": str, "levels": list, "lost": int, "quick": bool, "open": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``name`` is the folder's: ``<group>_<row>``. ``levels``: those that may decide while the fault is there.

    ``lost``: how many calls may be lost. ``quick``: part of the gate. ``open``: why it cannot be injected here, or "".
    """

    name: str
    title: str
    injects: str
    expects: str
    levels: tuple[str, ...]
    lost: int
    quick: bool
    open: str = ""


def read_row(folder: Path) -> Row:
    """The row of this folder. Raises ``ValueError`` with the place and what is wrong there."""
    path = folder / "row.toml"
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    if unlike := found.keys() - _KINDS.keys() or _KINDS.keys() - {"open"} - found.keys():
        raise ValueError(f"{path}: a row has exactly the keys {', '.join(_KINDS)} (open may be missing): {unlike}")
    for key, value in found.items():
        if type(value) is not _KINDS[key]:
            raise ValueError(f"{path}: {key} must be of the type {_KINDS[key].__name__}")
    if unknown := set(found["levels"]) - set(LEVELS):
        raise ValueError(f"{path}: there are no levels {sorted(unknown)}; the levels are {', '.join(LEVELS)}")
    return Row(**(found | {"name": folder.name, "levels": tuple(found["levels"])}))


def all_rows() -> tuple[Row, ...]:
    """Every row, by name."""
    return tuple(read_row(path.parent) for path in sorted(ROWS.glob("*/row.toml")))
