# SPDX-License-Identifier: EUPL-1.2
"""The file ./amtsleitung: what it makes, when it makes it again, and what it says when it cannot.

The packages are not installed here (every real start does that): a program called uv stands on PATH, notes what it
was asked, and leaves a module ``amtsleitung`` that says how it was started.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

FRONT_DOOR = Path(__file__).parents[2] / "amtsleitung"
_DEADLINE_SECONDS = 90

_UV = """#!/bin/sh
echo "$@" >>"{notes}"
if [ -e "{notes}.broken" ]; then echo "no route to the index"; exit 2; fi
for site in "{root}"/.venv/lib/python*/site-packages; do
  echo 'import sys; print("handed", sys.argv[1:], sys.prefix)' >"$site/amtsleitung.py"
done
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    root: Path
    notes: Path
    tools: Path

    def start(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.popen(*arguments, **environment).wait_for()

    def popen(self, *arguments: str, **environment: str) -> Start:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AMTSLEITUNG_")}
        path = f"{self.tools}{os.pathsep}{os.environ['PATH']}"
        return Start(
            subprocess.Popen(
                [sys.executable, self.root / "amtsleitung", *arguments],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/",
                env={**inherited, "PATH": path, **environment},
            )
        )  # fmt: skip

    def asked(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []


@dataclass(frozen=True, slots=True)
class Start:
    process: subprocess.Popen[str]

    def wait_for(self) -> subprocess.CompletedProcess[str]:
        out, err = self.process.communicate(timeout=_DEADLINE_SECONDS)
        return subprocess.CompletedProcess([], self.process.returncode, out, err)


def make_checkout(root: Path, tools: Path) -> Checkout:
    root.mkdir(parents=True)
    tools.mkdir(exist_ok=True)
    shutil.copy2(FRONT_DOOR, root / "amtsleitung")
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (root / name).write_text(f"# {name}\n")
    notes = tools / "notes"
    (tools / "uv").write_text(_UV.format(notes=notes, root=root))
    (tools / "uv").chmod(0o755)
    return Checkout(root=root, notes=notes, tools=tools)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return make_checkout(tmp_path / "a checkout", tmp_path / "tools")


def test_first_start_makes_the_environment_and_hands_every_argument_on(checkout: Checkout) -> None:
    done = checkout.start("route", "05372 89-0", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"handed ['route', '05372 89-0', '--json'] {checkout.root / '.venv'}\n"
    locked, itself = checkout.asked()
    assert "--require-hashes" in locked
    assert locked.endswith("requirements.lock")
    assert "--no-index" in itself
    assert "--no-build-isolation" in itself


def test_second_start_asks_nobody(checkout: Checkout) -> None:
    checkout.start("run")
    asked = checkout.asked()
    done = checkout.start("run")
    assert (done.returncode, done.stderr) == (0, "")
    assert checkout.asked() == asked


@pytest.mark.parametrize(
    ("arguments", "environment"), [(["test"], {}), (["run"], {"AMTSLEITUNG_DEV": "1"})], ids=["test", "variable"]
)
def test_development_takes_the_larger_lock_which_serves_run_too(
    checkout: Checkout, arguments: list[str], environment: dict[str, str]
) -> None:
    checkout.start("run")
    checkout.start(*arguments, **environment)
    asked = checkout.asked()
    assert asked[2].endswith("requirements-dev.lock")
    checkout.start("run")
    assert checkout.asked() == asked


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_changed_file_installs_again_in_the_same_environment(checkout: Checkout, name: str) -> None:
    checkout.start("run")
    mark = checkout.root / ".venv" / "mark"
    mark.touch()
    (checkout.root / name).write_text("# changed\n")
    checkout.start("run")
    assert len(checkout.asked()) == 4
    assert mark.exists()


def test_a_moved_checkout_gets_a_new_environment(checkout: Checkout, tmp_path: Path) -> None:
    checkout.start("run")
    moved = make_checkout(tmp_path / "elsewhere", checkout.tools)
    shutil.copytree(checkout.root / ".venv", moved.root / ".venv", symlinks=True)
    mark = moved.root / ".venv" / "mark"
    mark.touch()
    done = moved.start("run")
    assert done.stdout == f"handed ['run'] {moved.root / '.venv'}\n"
    assert not mark.exists()


def test_a_half_made_environment_is_repaired(checkout: Checkout) -> None:
    (checkout.root / ".venv" / "bin").mkdir(parents=True)
    (checkout.root / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    done = checkout.start("run")
    assert done.returncode == 0, done.stderr


def test_a_failed_install_shows_why_and_the_next_start_mends_it(checkout: Checkout) -> None:
    broken = Path(f"{checkout.notes}.broken")
    broken.touch()
    done = checkout.start("run")
    assert done.returncode == 1
    assert "    no route to the index\n" in done.stderr
    assert "reaches its Python package index" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    broken.unlink()
    assert checkout.start("run").returncode == 0


def test_two_starts_at_once_make_it_once(checkout: Checkout) -> None:
    starts = [checkout.popen("run") for _ in range(2)]
    done = [start.wait_for() for start in starts]
    assert [one.returncode for one in done] == [0, 0], done
    assert len(checkout.asked()) == 2


def test_an_incomplete_checkout_is_named(checkout: Checkout) -> None:
    (checkout.root / "requirements.lock").unlink()
    done = checkout.start("run")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "requirements.lock" in done.stderr


def test_an_old_python_can_read_it_and_is_told_so(checkout: Checkout) -> None:
    source = FRONT_DOOR.read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 8))
    aged = source.replace("OLDEST = (3, 11)", "OLDEST = (99, 0)")
    assert aged != source
    (checkout.root / "amtsleitung").write_text(aged, encoding="utf-8")
    done = checkout.start("run")
    assert done.returncode == 1
    assert done.stderr.startswith("amtsleitung: Python 99.0 or newer is needed")
    assert done.stderr.count("\n") == 1
    assert not (checkout.root / ".venv").exists()


def test_it_needs_the_standard_library_only() -> None:
    tree = ast.parse(FRONT_DOOR.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names | {"__future__"}


def test_locks_are_hashed_name_no_host_and_agree() -> None:
    locked = {}
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (FRONT_DOOR.parent / name).read_text(encoding="utf-8")
        assert "://" not in text
        packages = re.findall(r"^([a-z0-9.\-\[\]]+==[^ ]+)[^\n]*\\\n {4}--hash=", text, re.MULTILINE)
        assert len(packages) == len(re.findall(r"^[a-z]", text, re.MULTILINE))
        locked[name] = set(packages)
    assert locked["requirements.lock"] < locked["requirements-dev.lock"]
    built_with = {package.split("==")[0] for package in locked["requirements.lock"]}
    assert {"hatchling", "editables"} <= built_with
