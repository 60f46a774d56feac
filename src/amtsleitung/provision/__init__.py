# SPDX-License-Identifier: EUPL-1.2
"""Gets the programs that Python packages do not bring: Asterisk, SIPp, Chromium, PostgreSQL.

Nothing is installed: what the machine lacks is fetched from the machine's own package archive into the cache
folder and runs from there. Everything here raises :class:`amtsleitung.errors.Problem` with one sentence.
"""

from __future__ import annotations

from amtsleitung.provision.asterisk_binary import Asterisk, asterisk
from amtsleitung.provision.browser import chromium
from amtsleitung.provision.cache import NotFetchedError, Report, cache_folder, cache_place, open_to_all, to_stderr
from amtsleitung.provision.embedded import embedded_postgresql
from amtsleitung.provision.odbc import OdbcDriver, postgresql_odbc
from amtsleitung.provision.programs import (
    PostgresqlPrograms,
    Program,
    faketime,
    postgresql_server,
    sipp,
)

__all__ = [
    "Asterisk",
    "NotFetchedError",
    "OdbcDriver",
    "PostgresqlPrograms",
    "Program",
    "asterisk",
    "cache_folder",
    "cache_place",
    "chromium",
    "embedded_postgresql",
    "faketime",
    "fetch_all",
    "open_to_all",
    "postgresql_odbc",
    "postgresql_server",
    "sipp",
]


def fetch_all(*, for_test: bool, report: Report = to_stderr) -> None:
    """Fetches, one after the other, what a start needs (and with ``for_test`` what the tests need too).

    :raises Problem: one of them is not to be had.
    """
    embedded_postgresql(report=report)
    asterisk(report=report)
    sipp(report=report)
    if for_test:
        postgresql_server(report=report)
        faketime(report=report)
        chromium(report=report)
        postgresql_odbc(asterisk(report=report), report=report)
