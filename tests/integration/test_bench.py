# SPDX-License-Identifier: EUPL-1.2
"""The bench runs from end to end and writes sound rows. How fast anything is, is nothing for a test."""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from pathlib import Path

import pytest

from tests.bench.document import document
from tests.bench.figures import Figure, Section

CHECKOUT = Path(__file__).resolve().parents[2]
KEYS = ["name", "value", "unit", "peer", "peer_value", "ratio", "must", "holds"]
MEASURED = (
    "decide at ",
    "read_number",
    "line_at, ",
    "route --batch, added to decide by a line",
    "route --batch, memory at ",
    "change_table, one number",
    "longest stop of the loop: the first table",
    "longest stop of the loop: a changed number",
    "from commit to in use, notified, longest",
    "from commit to in use, notification lost, longest",
    "process with ",
    "AMI events folded and recorded",
    "lag to the commit, p99",
    "observer's memory after ",
    "agent rung to pop in the page, 22 streams, p99",
    "memory of fastagi, ",
    "memory of ami, ",
    "memory of api, ",
    "real calls per second, FastAGI, beside MSet",
    "real calls per second, FastAGI, beside func_odbc",
    "real calls per second, FastAGI, beside CURL()",
    "added call set-up time at ",
    "growth, call set-up time at ",
    "growth, call set-up time with ",
    "memory of Asterisk after ",
    "open files of service after ",
    "dialogues per second, beside panoramisk",
    "processor per dialogue, added to a bare protocol on uvloop",
    "ours, memory after ",
    "ours, open descriptors more after ",
)


@pytest.mark.timeout(900)  # every section there is, with an Asterisk, browsers and databases of their own
async def test_it_runs_from_end_to_end_and_writes_sound_rows(tmp_path: Path) -> None:
    rows, text = tmp_path / "rows.jsonl", tmp_path / "performance.md"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench", "--tiny", "--json", str(rows), "--document", str(text),
        cwd=CHECKOUT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env=dict(os.environ),
    )  # fmt: skip
    _, errors = await process.communicate()
    assert process.returncode in (0, 1), errors.decode()  # 1: something took longer than it must, on this machine
    found = [json.loads(line) for line in rows.read_text().splitlines()]
    for row in found:
        assert list(row) == KEYS
        assert isinstance(row["name"], str)
        assert math.isfinite(row["value"])
        assert (row["peer"] is None) == (row["peer_value"] is None)
        assert (row["must"] is None) == (row["holds"] is None)
    names = [row["name"] for row in found]
    assert len(set(names)) == len(names)
    for name in MEASURED:
        assert any(item.startswith(name) for item in names), name
    for name in names:
        assert f"| {name} |" in text.read_text()


@pytest.mark.parametrize(
    ("value", "peer_value", "must", "ratio", "holds"),
    [
        (3.0, 2.0, "ratio <= 1.5", 1.5, True),
        (3.1, 2.0, "ratio <= 1.5", 1.55, False),
        (5.0, None, "value <= 5", None, True),
        (5.1, 1.0, "value <= 5", 5.1, False),
        (5.1, None, None, None, None),
        (5.1, None, "ratio <= 2", None, False),
        (5.1, 0.0, "ratio <= 2", None, False),
        (9.0, 3.0, "ratio >= 3", 3.0, True),
        (8.9, 3.0, "ratio >= 3", 8.9 / 3, False),
        (8.9, None, "ratio >= 3", None, False),
    ],
)
def test_a_figure_knows_whether_it_is_what_it_must_be(
    value: float, peer_value: float | None, must: str | None, ratio: float | None, holds: bool | None
) -> None:
    peer = None if peer_value is None else "peer"
    figure = Figure(name="x", value=value, unit="µs", peer=peer, peer_value=peer_value, must=must)
    assert figure.ratio == (None if ratio is None else pytest.approx(ratio))
    assert figure.holds is holds


@pytest.mark.parametrize(
    ("curve", "sentence"),
    [
        (((10, 8.0), (100, 8.1), (1_000, 9.5)), "It bends at 1,000 numbers (1.17 times the size before)"),
        (((10, 8.0), (100, 8.1), (1_000, 8.0)), "It does not bend"),
    ],
)
def test_a_curve_says_where_it_bends(curve: tuple[tuple[int, float], ...], sentence: str) -> None:
    text = document([Section(title="x", text="y", figures=(), curve=curve)], effort="")
    assert sentence in text
    assert "1,000 numbers" in text
