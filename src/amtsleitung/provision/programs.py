# SPDX-License-Identifier: EUPL-1.2
"""SIPp and Debian's own PostgreSQL: from PATH, else fetched from the machine's own suite.

Fetched programs run with the machine's own C library (the same release), so it is left out of their folder: two
different ones in one process crash.
"""

from __future__ import annotations

import platform
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from amtsleitung.errors import Problem
from amtsleitung.provision.apt import PrivateApt
from amtsleitung.provision.cache import Kept, Report, cache_folder, keep, to_stderr
from amtsleitung.provision.sources import derive, read_distribution, read_sources
from amtsleitung.provision.unpack import library_path, unpack

#: Raise it when a fetched folder's contents change in a way that its recipe does not show.
LAYOUT = 1
_MACHINES_C_LIBRARY = ("libc6", "libc-bin", "libcrypt1", "libgcc-s1", "gcc-12-base")
_TRY_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How to start a program: ``argv_prefix`` comes before its arguments, ``environment`` is added to ours.

    ``origin`` says for people where it comes from.
    """

    argv_prefix: tuple[str, ...]
    version: str
    origin: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlPrograms:
    """``bin_directory`` holds initdb, postgres, pg_ctl and psql; add ``environment`` to ours when starting them."""

    bin_directory: Path
    version: str
    origin: str
    environment: Mapping[str, str] = field(default_factory=dict)


def sipp(*, report: Report = to_stderr, fetching: bool = True) -> Program:
    """SIPp: ``sipp`` on PATH, else the package sip-tester of the machine's own suite.

    :raises Problem: neither is to be had; ``NotFetchedError`` without ``fetching``, which only looks.
    """
    on_path = shutil.which("sipp")
    if on_path:
        return Program(argv_prefix=(on_path,), version=said_version([on_path, "-v"]), origin=on_path)
    kept = fetch("sipp", ["sip-tester"], what="SIPp", run=_sipp_command, arguments=("-v",), report=report,
                 fetching=fetching)  # fmt: skip
    return Program(argv_prefix=_sipp_command(kept.folder), version=kept.facts["sip-tester"], origin=origin_of(kept))


def _sipp_command(folder: Path) -> tuple[str, ...]:
    return ("/usr/bin/env", f"LD_LIBRARY_PATH={library_path(folder)}", str(folder / "usr/bin/sipp"))


def faketime(*, report: Report = to_stderr) -> Path:
    """Debian's libfaketime, always fetched: preloaded, it moves the clock of one process. For tests.

    :raises Problem: it cannot be fetched.
    """
    kept = fetch("faketime", ["libfaketime"], what="libfaketime", run=_faked, arguments=("/bin/true",), report=report)
    return _faketime_library(kept.folder)


def _faked(folder: Path) -> tuple[str, ...]:
    return ("/usr/bin/env", f"LD_PRELOAD={_faketime_library(folder)}", "FAKETIME=+1")


def _faketime_library(folder: Path) -> Path:
    return next(folder.glob("usr/lib/*/faketime/libfaketime.so.1"), folder)


def postgresql_server(*, report: Report = to_stderr) -> PostgresqlPrograms:
    """The machine's own suite's PostgreSQL (15 on Debian 12), always fetched: an installed one is left alone.

    :raises Problem: it cannot be fetched or is older than 15.
    """
    kept = fetch(
        "postgresql", ["postgresql"], what="PostgreSQL", run=lambda folder: _postgres_command(folder),
        arguments=("--version",), report=report,
    )  # fmt: skip
    home = _postgres_home(kept.folder)
    return PostgresqlPrograms(
        bin_directory=home,
        version=kept.facts[f"postgresql-{home.parent.name}"],
        origin=origin_of(kept),
        environment={"LD_LIBRARY_PATH": library_path(kept.folder)},
    )


def _postgres_home(folder: Path) -> Path:
    homes = sorted(folder.glob("usr/lib/postgresql/*/bin"), key=lambda home: int(home.parent.name))
    if not homes or int(homes[-1].parent.name) < 15:
        raise Problem(
            f"The PostgreSQL of this machine's distribution (in {folder}) is older than 15: "
            "use the embedded one, or set AMTSLEITUNG_DATABASE_URL."
        )
    return homes[-1]


def _postgres_command(folder: Path) -> tuple[str, ...]:
    home = _postgres_home(folder)
    return ("/usr/bin/env", f"LD_LIBRARY_PATH={library_path(folder)}", str(home / "postgres"))


def fetch(
    name: str,
    packages: Sequence[str],
    *,
    what: str,
    run: Callable[[Path], Sequence[str]],
    arguments: Sequence[str],
    add: Callable[[Path, Path], None] | None = None,
    report: Report = to_stderr,
    fetching: bool = True,
) -> Kept:
    """Packages of the machine's own suite, unpacked into the cache and tried once with ``run`` and ``arguments``.

    :raises Problem: they cannot be fetched, or do not start here.
    """
    distribution = read_distribution()

    def build(draft: Path, final: Path) -> Mapping[str, str]:
        apt = own_suite(report)
        files = apt.download(packages, what=what)
        report(f"unpacking {what} …")
        versions = unpack(files, draft, without=_MACHINES_C_LIBRARY)
        apt.clean()
        if add is not None:
            add(draft, final)
        try_once([*run(draft), *arguments], what=what)
        return {**versions, "suite": distribution.codename}

    recipe = {
        "packages": list(packages),
        "suite": distribution.codename,
        "machine": platform.machine(),
        "layout": LAYOUT,
    }
    return keep(name, recipe=recipe, build=build, report=report, fetching=fetching)


def own_suite(report: Report) -> PrivateApt:
    """A private apt with fresh lists of the machine's own release."""
    distribution = read_distribution()
    apt = PrivateApt(folder=cache_folder() / f"apt-{distribution.codename}", report=report)
    apt.prepare(derive(read_sources(), distribution))
    return apt


def try_once(command: Sequence[str | Path], *, what: str, any_code: Collection[int] = (0, 99)) -> str:
    """Starts a freshly fetched program with harmless arguments (SIPp ends its version with 99); what it said.

    :raises Problem: it does not start.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_TRY_SECONDS,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        said, good = done.stdout + done.stderr, done.returncode in any_code
    except (OSError, subprocess.TimeoutExpired) as error:
        said, good = str(error), False
    if not good:
        raise Problem(
            f"{what} was fetched but does not start here ({shlex.join(map(str, command))}): {said.strip()[-300:]}. "
            "Install it yourself so that it is on PATH."
        )
    return said


def said_version(command: Sequence[str]) -> str:
    """The first version number in what a program of the machine says, ``unknown`` if it says none."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_TRY_SECONDS,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    found = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
    return found.group() if found else "unknown"


def origin_of(kept: Kept) -> str:
    return f"Debian package from {kept.facts['suite']}, in {kept.folder}"
