# SPDX-License-Identifier: EUPL-1.2
"""Debian's ODBC driver for PostgreSQL, for a bench that compares ways to look a call up. The product uses none."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from amtsleitung.errors import Problem
from amtsleitung.provision.asterisk_binary import ROLLING_SUITE, Asterisk, rolling_suite
from amtsleitung.provision.cache import Report, keep, to_stderr
from amtsleitung.provision.programs import LAYOUT, own_suite
from amtsleitung.provision.sources import read_distribution
from amtsleitung.provision.unpack import library_path, unpack

_PACKAGE = "odbc-postgresql"
_LIBRARIES = "--library-path"


@dataclass(frozen=True, slots=True, kw_only=True)
class OdbcDriver:
    """``driver`` is the file to name in odbc.ini; ``asterisk`` the same Asterisk, which finds what the driver needs."""

    driver: Path
    asterisk: Asterisk


def postgresql_odbc(program: Asterisk, *, report: Report = to_stderr) -> OdbcDriver:
    """The driver of the suite that this Asterisk comes from, fetched into the cache.

    :raises Problem: it cannot be fetched.
    """
    distribution = read_distribution()
    rolling = _LIBRARIES in program.argv_prefix and f" {ROLLING_SUITE}," in program.origin
    suite = ROLLING_SUITE if rolling else distribution.codename

    def build(draft: Path, final: Path) -> Mapping[str, str]:
        apt = rolling_suite(distribution.identity, report) if rolling else own_suite(report)
        files = apt.download([_PACKAGE], what="the ODBC driver")
        versions = unpack(files, draft)
        apt.clean()
        return {**versions, "suite": suite}

    recipe = {"packages": [_PACKAGE], "suite": suite, "machine": platform.machine(), "layout": LAYOUT}
    kept = keep("odbc", recipe=recipe, build=build, report=report)
    drivers = sorted(kept.folder.glob("usr/lib/*/odbc/psqlodbcw.so"))
    if not drivers:
        raise Problem(f"The package {_PACKAGE} in {kept.folder} holds no psqlodbcw.so.")
    return OdbcDriver(driver=drivers[0], asterisk=_finding(program, library_path(kept.folder)))


def _finding(program: Asterisk, libraries: str) -> Asterisk:
    """The program's own libraries come first: two C libraries in one process crash."""
    if _LIBRARIES not in program.argv_prefix:
        return replace(program, environment={**program.environment, "LD_LIBRARY_PATH": libraries})
    words = list(program.argv_prefix)
    words[words.index(_LIBRARIES) + 1] += f":{libraries}"
    return replace(program, argv_prefix=tuple(words))
