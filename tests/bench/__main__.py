# SPDX-License-Identifier: EUPL-1.2
"""``scripts/bench``: everything that is measured, side by side in one run.

A new measurement is a function ``async (Effort) -> Section`` that is named in ``MEASUREMENTS``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic

from tests.bench.batch import batch
from tests.bench.calls import calls_per_second, setup_time
from tests.bench.calls_memory import memory_of_calls
from tests.bench.calls_scene import SCENES
from tests.bench.changing import making, reaching
from tests.bench.comparing import comparing
from tests.bench.deciding import deciding
from tests.bench.document import document
from tests.bench.fastagi import fastagi
from tests.bench.figures import FULL, QUICK, TINY, Effort, Section
from tests.bench.folding import folding
from tests.bench.growth import growth
from tests.bench.memory import memory
from tests.bench.oracles import hours, reading
from tests.bench.pops import pops
from tests.bench.processes import processes

MEASUREMENTS: tuple[Callable[[Effort], Awaitable[Section]], ...] = (
    deciding,
    reading,
    hours,
    batch,
    comparing,
    making,
    reaching,
    memory,
    folding,
    fastagi,
    setup_time,
    growth,
    memory_of_calls,
    calls_per_second,
    pops,
    processes,
)
DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"


async def measured(effort: Effort, only: set[str]) -> list[Section]:
    """All sections, with a word about each on standard error."""
    try:
        return await _measured(effort, only)
    finally:
        await SCENES.close()


async def _measured(effort: Effort, only: set[str]) -> list[Section]:
    sections = []
    for measurement in MEASUREMENTS:
        if only and measurement.__name__ not in only:
            continue
        begin = monotonic()
        section = await measurement(effort)
        sections.append(section)
        sys.stderr.write(f"{section.title}: {monotonic() - begin:.0f} s\n")
        for figure in section.figures:
            held = {None: "", True: f"  {figure.must}", False: f"  DOES NOT HOLD: {figure.must}"}[figure.holds]
            sys.stderr.write(f"  {figure.name}: {figure.value:.4g} {figure.unit}{held}\n")
    return sections


def main(arguments: list[str]) -> int:
    """0 if everything holds that must, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    effort = parser.add_mutually_exclusive_group()
    effort.add_argument("--quick", action="store_true", help="all rows within ten minutes, rougher")
    effort.add_argument("--tiny", action="store_true", help="only to see that it runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every row to FILE as well")
    parser.add_argument(
        "--document", type=Path, metavar="FILE", default=DOCUMENT, help="instead of docs/performance.md"
    )
    parser.add_argument("only", nargs="*", choices=[[], *(item.__name__ for item in MEASUREMENTS)], help="no document")
    said = parser.parse_args(arguments)
    sections = asyncio.run(measured(QUICK if said.quick else TINY if said.tiny else FULL, set(said.only)))
    figures = [figure for section in sections for figure in section.figures]
    if said.json is not None:
        said.json.write_text("".join(json.dumps(figure.json()) + "\n" for figure in figures), encoding="utf-8")
    if not said.only:
        how = " --quick" if said.quick else " --tiny" if said.tiny else ""
        said.document.write_text(document(sections, effort=how), encoding="utf-8")
    return 0 if all(figure.holds is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
