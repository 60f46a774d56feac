# SPDX-License-Identifier: EUPL-1.2
"""A process's memory, its share of what it shares with others included: PSS, as the kernel counts it (proc(5))."""

from __future__ import annotations

from pathlib import Path


def proportional_mebibytes(pid: int | None = None) -> float:
    """The process's own, or another's that this user may look into."""
    place = "self" if pid is None else str(pid)
    for line in Path(f"/proc/{place}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1_024
    raise AssertionError("the kernel says nothing of proportional memory")
