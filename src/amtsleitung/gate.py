# SPDX-License-Identifier: EUPL-1.2
"""The gate behind ``amtsleitung test`` and ``scripts/check``: linters, types, import contracts, tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import click

from amtsleitung.errors import Problem
from amtsleitung.provision import embedded_postgresql, fetch_all
from amtsleitung.settings import CHECKOUT

FAST_TESTS = ("tests/unit", "tests/property", "tests/integration/test_store_migrate.py")
CORE_TESTS = "tests/unit/test_core_*.py"
"""They alone must reach every branch of the core (pyproject.toml, tool.coverage): nothing there is left to chance."""
WORKERS = "2"


def run_gate(*, fast: bool, pytest_arguments: tuple[str, ...]) -> int:
    """Runs everything, stops at the first step that fails, and returns the exit status."""
    if not (CHECKOUT / "tests").is_dir():
        raise Problem(f"{CHECKOUT} holds no tests: run this in a checkout of the project.")
    if fast:
        embedded_postgresql()
    else:
        fetch_all(for_test=True)
    python = sys.executable
    tests = pytest_arguments or (FAST_TESTS if fast else ())
    steps = [
        ("ruff", (python, "-m", "ruff", "check", ".")),
        ("format", (python, "-m", "ruff", "format", "--check", "--quiet", ".")),
        ("imports", (str(Path(python).with_name("lint-imports")),)),
        ("types", (python, "-m", "mypy")),
    ]
    workers = ("-n", WORKERS, "--dist", "loadfile")
    if pytest_arguments:
        steps = [("tests", (python, "-m", "pytest", "-q", *workers, *tests))]
    else:
        steps += [
            ("core", (python, "-m", "coverage", "run", "-m", "pytest", "-q", *_core_tests())),
            ("coverage", (python, "-m", "coverage", "report")),
            ("tests", (python, "-m", "pytest", "-q", *workers, f"--ignore-glob={CORE_TESTS}", *tests)),
        ]
    for name, argv in steps:
        if (status := _step(name, argv)) != 0:
            return status
    return 0


def _core_tests() -> tuple[str, ...]:
    return tuple(str(path.relative_to(CHECKOUT)) for path in sorted(CHECKOUT.glob(CORE_TESTS)))


def _step(name: str, argv: tuple[str, ...]) -> int:
    click.echo(f"── {name}", err=True)
    started = time.monotonic()
    environment = {key: value for key, value in os.environ.items() if not _is_setting(key)}
    status = subprocess.run(argv, cwd=CHECKOUT, env=environment, check=False).returncode
    click.echo(
        f"── {name}: {'ok' if status == 0 else f'failed ({status})'}, {time.monotonic() - started:.0f} s", err=True
    )
    return status


def _is_setting(name: str) -> bool:
    """Settings of a running system must not reach the tests; where things are fetched from and kept may."""
    kept = ("AMTSLEITUNG_CACHE_DIR", "AMTSLEITUNG_ASTERISK", "AMTSLEITUNG_TEST_", "AMTSLEITUNG_DEV")
    return name.startswith("AMTSLEITUNG_") and not name.startswith(kept)
