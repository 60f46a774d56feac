# SPDX-License-Identifier: EUPL-1.2
"""How much memory a table takes, in a process of its own that reads it from disk as a router does.

``python -m tests.bench.memory FILE`` says, in MiB and as JSON, what it had before and with the table.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from routing.config.last_good import LastGood, write_last_good
from routing.core.steps import finish
from tests.bench.figures import Effort, Figure, Section
from tests.bench.rows import rows_of


async def memory(effort: Effort) -> Section:
    """A table of many numbers; the process without it is the peer."""
    at = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="amtsleitung-bench-") as folder:
        path = Path(folder) / "table.jsonl"
        write_last_good(path, rows_of(effort.large), version=1, made_at=at, kept_at=at)
        on_disk = path.stat().st_size / 2**20
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.memory", str(path), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
    before, with_table = json.loads(said)
    return Section(
        title="Memory",
        text=f"A table of {effort.large:,} numbers, read from the last good table, in a process that has nothing else.",
        figures=(
            Figure(
                name=f"process with {effort.large:,} numbers", value=with_table, unit="MiB", peer="without a table",
                peer_value=before,
            ),
            Figure(name=f"last good table of {effort.large:,} numbers, on disk", value=on_disk, unit="MiB"),
        ),
    )  # fmt: skip


def _resident() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1_024
    raise AssertionError("the kernel says nothing of memory")


def _main(path: Path) -> None:
    gc.disable()
    before = _resident()
    with LastGood(path) as file:
        table = finish(file.table_steps())
    found = before, _resident()
    assert table.version == 1
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
