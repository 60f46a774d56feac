# SPDX-License-Identifier: EUPL-1.2
"""``docs/faults.md``: each row, what it expects and what one run of it saw."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.document import machine
from tests.support.faults.row import LEVELS, Row

_ABOUT = """\
Written by `scripts/faults` from one run of {seen} of {rows} rows; not to be edited. Each row is a folder of
`tests/faults/`: it injects its fault into a real Asterisk with the production dialplan while calls go on, and checks
each call against what the engine decides: the place, the level that decided, the final answer, exactly one outcome and
one end, and that no channel and no descriptor is left over. *Waited* is from the caller's INVITE to the first answer
that says more than *Trying*. Rows marked ⚡ are part of `./amtsleitung test`.
"""
_LEVELS = (*LEVELS, "caller", "none")


@dataclass(slots=True)
class Seen:
    """What the tests of one row wrote down together. ``waited_ms`` is sorted."""

    passed: bool = True
    calls: int = 0
    lost: int = 0
    wrong: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    waited_ms: list[float] = field(default_factory=list)
    processes: list[Mapping[str, Mapping[str, list[int]]]] = field(default_factory=list)
    more: dict[str, float] = field(default_factory=dict)

    def take(self, line: Mapping[str, Any]) -> None:
        """One line of figures."""
        self.passed = self.passed and line["passed"]
        self.calls += line.get("calls", 0)
        self.lost += line.get("lost", 0)
        self.wrong += line.get("wrong", 0)
        self.levels.update(line.get("levels", {}))
        self.waited_ms = sorted([*self.waited_ms, *line.get("waited_ms", ())])
        self.processes.append(line.get("processes", {}))
        self.more |= line.get("more", {})


def read_figures(path: Path) -> dict[str, Seen]:
    """What each row saw, by its name."""
    seen: dict[str, Seen] = {}
    for text in path.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        seen.setdefault(line["row"], Seen()).take(line)
    return seen


def document(rows: Sequence[Row], seen: Mapping[str, Seen]) -> str:
    """The whole text."""
    return "\n".join(_lines(rows, seen)) + "\n"


def _lines(rows: Sequence[Row], seen: Mapping[str, Seen]) -> Iterator[str]:
    yield "# Fault matrix"
    yield ""
    yield from _ABOUT.format(seen=sum(row.name in seen for row in rows), rows=len(rows)).splitlines()
    yield ""
    yield f"Machine: {machine()}."
    groups = list(dict.fromkeys(row.title.partition(":")[0] for row in rows if not row.open))
    for group in groups:
        yield from ("", f"## {group}", "")
        yield "| fault | injected | expected | lost (may be) | calls by level | waited ms p50 / max | also | holds |"
        yield "|---|---|---|---|---|---|---|---|"
        yield from (_line(row, seen.get(row.name)) for row in rows if _in(group, row) and not row.open)
    if still := [row for row in rows if row.open]:
        yield from ("", "## Open", "")
        yield from (f"- **{row.title}**: {row.open}" for row in still)


def _in(group: str, row: Row) -> bool:
    return row.title.partition(":")[0] == group


def _line(row: Row, seen: Seen | None) -> str:
    name = row.title.partition(": ")[2] + (" ⚡" if row.quick else "")
    if seen is None or not seen.calls:
        result = ["", "", "", "", "**not run**" if seen is None else "**no**"]
    else:
        also = ", ".join(f"{key.replace('_', ' ')} {value:g}" for key, value in seen.more.items())
        result = [
            f"{seen.lost} ({row.lost})",
            _levels(seen),
            _waited(seen.waited_ms),
            also,
            "yes" if seen.passed else "**no**",
        ]
    return f"| {' | '.join([name, row.injects, row.expects, *result])} |"


def _levels(seen: Seen) -> str:
    found = sorted(seen.levels.items(), key=lambda item: _LEVELS.index(item[0]))
    return ", ".join(f"{level} {count}" for level, count in found)


def _waited(milliseconds: Sequence[float]) -> str:
    if not milliseconds:
        return ""
    return f"{milliseconds[len(milliseconds) // 2]:.0f} / {milliseconds[-1]:.0f}"


def table(rows: Iterable[Row], seen: Mapping[str, Seen]) -> str:
    """The same, short, for a terminal."""
    lines = []
    for row in rows:
        found = seen.get(row.name)
        if row.open:
            lines.append(f"open  {row.name}: {row.open}")
        elif found is None:
            lines.append(f"-     {row.name}: not run")
        else:
            holds = "ok   " if found.passed else "FAILS"
            lines.append(
                f"{holds} {row.name}: {found.calls} calls, {found.lost} lost, {_levels(found)}; "
                f"waited {_waited(found.waited_ms)} ms"
            )
    return "\n".join(lines)
