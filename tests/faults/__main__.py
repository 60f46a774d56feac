# SPDX-License-Identifier: EUPL-1.2
"""``scripts/faults``: runs rows of the fault matrix, prints what they saw, and writes docs/faults.md."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.faults.document import document, read_figures, table
from tests.support.faults.row import ROWS, all_rows

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENT = CHECKOUT / "docs" / "faults.md"
WORKERS = "2"


def main(arguments: list[str]) -> int:
    """0 if every row that ran holds, else 1."""
    rows = all_rows()
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the rows that are part of the gate; no document")
    parser.add_argument("--document", type=Path, metavar="FILE", default=DOCUMENT, help="instead of docs/faults.md")
    parser.add_argument("only", nargs="*", metavar="ROW", help="rows by their folders' names; no document then")
    said = parser.parse_args(arguments)
    if unknown := set(said.only) - {row.name for row in rows}:
        parser.error(f"there is no row {', '.join(sorted(unknown))} below tests/faults")
    chosen = [row for row in rows if row.name in said.only or (not said.only and (row.quick or not said.quick))]
    folders = [str(ROWS / row.name) for row in chosen if not row.open]
    with tempfile.TemporaryDirectory(prefix="amtsleitung-faults-") as folder:
        figures = Path(folder) / "figures.jsonl"
        figures.touch()
        argv = [sys.executable, "-m", "pytest", "-q", "--every-row", "--figures", str(figures), "-n", WORKERS]
        status = subprocess.run([*argv, "--dist", "loadfile", *folders], cwd=CHECKOUT, check=False).returncode
        seen = read_figures(figures)
    sys.stdout.write(table(chosen, seen) + "\n")
    if not said.only and not said.quick:
        said.document.write_text(document(rows, seen), encoding="utf-8")
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
