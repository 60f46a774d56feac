# SPDX-License-Identifier: EUPL-1.2
"""``route --batch``: what it adds to deciding, and that its memory does not grow with its lines."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from itertools import cycle, islice
from pathlib import Path

from amtsleitung.cli.routes import _batch
from routing.config import export_yaml
from routing.core.compile import compile_table
from routing.core.decide import decide
from tests.bench.figures import Effort, Figure, Section, side_by_side, spread
from tests.bench.rows import calls_to, rows_of

_MOST_ADDED_MICROSECONDS = 10
_MOST_GROWTH = 1.1
_NUMBERS = 1_000


async def batch(effort: Effort) -> Section:
    """The same calls decided bare and as lines; and two batches in processes of their own."""
    with tempfile.TemporaryDirectory(prefix="amtsleitung-bench-") as folder:
        bare, lines = _added(effort, Path(folder))
        few, many = [await asyncio.to_thread(_peak, Path(folder), count) for count in effort.memory_lines]
    added = [line - alone for line, alone in zip(lines, bare, strict=True)]
    short, long = effort.memory_lines
    middle = sorted(added)[len(added) // 2]
    alone = sorted(bare)[len(bare) // 2]
    return Section(
        title="Many calls at once",
        text=f"`amtsleitung route --batch` from a file to nothing, a table of {_NUMBERS:,} numbers. What a line "
        "adds is reading it, checking it, and writing the answer with its sentences.",
        figures=(
            Figure(
                name="route --batch, added to decide by a line", value=middle, unit="µs", spread=spread(added),
                peer="decide", peer_value=alone, must=f"value <= {_MOST_ADDED_MICROSECONDS}",
            ),
            Figure(
                name=f"route --batch, memory at {long:,} lines", value=many, unit="MiB", peer=f"at {short:,} lines",
                peer_value=few, must=f"ratio <= {_MOST_GROWTH}",
            ),
        ),
    )  # fmt: skip


def _added(effort: Effort, folder: Path) -> tuple[list[float], list[float]]:
    table = compile_table(rows_of(_NUMBERS), version=1)
    calls = list(calls_to(_NUMBERS, effort.batch_lines))
    file = folder / "calls.jsonl"
    _write(file, effort.batch_lines)

    def bare() -> int:
        for call, at in calls:
            decide(table, call, at)
        return len(calls)

    def lines() -> int:
        with Path(os.devnull).open("w", encoding="utf-8") as nothing, redirect_stdout(nothing):
            _batch(table, str(file), "en")
        return len(calls)

    times = side_by_side({"bare": bare, "lines": lines}, rounds=effort.rounds)
    return times["bare"], times["lines"]


def _peak(folder: Path, count: int) -> float:
    """The most memory, in MiB, that a batch of so many lines has used."""
    config, file = folder / "rows.yaml", folder / f"{count}.jsonl"
    config.write_text(export_yaml(rows_of(_NUMBERS)), encoding="utf-8")
    _write(file, count)
    words = (sys.executable, "-m", "amtsleitung", "route", "--batch", str(file), "--config", str(config))
    done = subprocess.run((sys.executable, "-m", "tests.bench.peak", *words), stdout=subprocess.PIPE, check=True)
    return int(done.stdout) / 1_024


def _write(file: Path, count: int) -> None:
    with file.open("w", encoding="utf-8") as out:
        out.writelines(islice(cycle(_lines(min(count, 10_000))), count))


def _lines(count: int) -> Iterator[str]:
    for call, at in calls_to(_NUMBERS, count):
        fields = {"dialled": call.dialled, "caller": call.caller, "trunk": call.trunk, "at": at.isoformat()}
        yield json.dumps(fields) + "\n"
