# SPDX-License-Identifier: EUPL-1.2
"""Where the command line gets a table from: a file, the database named in the environment, or the running system."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from amtsleitung.errors import Problem
from amtsleitung.run_file import read_run_file
from amtsleitung.settings import read_settings
from routing.config import ConfigError, read_file
from routing.core.changes import ConflictError
from routing.core.compile import compile_table
from routing.core.rows import CompileError, Rows
from routing.core.table import Table

if TYPE_CHECKING:
    from routing.store import Store

T = TypeVar("T")


def load_table(config_file: Path | None) -> Table:
    """The table of a file (version 0), or the live one of the database. Raises ``Problem``."""
    if config_file is not None:
        return table_of_file(config_file)
    rows, version = with_store(live_rows)
    return compiled(rows, version=version, place="the database")


def table_of_file(path: Path) -> Table:
    """The table that a YAML file means; its version is 0, since nobody has published it."""
    return compiled(rows_of_file(path), version=0, place=str(path))


def rows_of_file(path: Path) -> Rows:
    """The rows of a YAML file; every problem becomes a line of the ``Problem``."""
    try:
        return read_file(path)
    except ConfigError as error:
        raise Problem(_several(error.problems)) from error


def compiled(rows: Rows, *, version: int, place: str) -> Table:
    """The table of these rows. Raises ``Problem`` with every row that is wrong."""
    try:
        return compile_table(rows, version=version)
    except CompileError as error:
        raise Problem(_several(tuple(f"{place}: {problem}" for problem in error.problems))) from error


def _several(problems: tuple[object, ...]) -> str:
    return "\n  ".join(["nothing was changed; mend this first:", *map(str, problems)])


def with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    """Runs ``work`` with the database of AMTSLEITUNG_DATABASE_URL, or else of the running system."""
    return asyncio.run(_with_store(work))


async def _with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    from routing.store import Store, StoreError

    url = database_url()
    try:
        store = await Store.connect(url)
        try:
            return await work(store)
        finally:
            await store.close()
    except StoreError as error:
        raise Problem(str(error)) from error
    except CompileError as error:
        raise Problem(_several(error.problems)) from error
    except ConflictError as error:
        remedy = "set these rows again to settle it, or take them out (`amtsleitung draft set`, `draft undo`)"
        head = f"nothing was changed: the draft does not fit what is live; {remedy}:"
        raise Problem("\n  ".join([head, *map(str, error.conflicts)])) from error


def database_url() -> str:
    """The database to work on. Raises ``Problem`` if neither the environment nor a running system names one."""
    settings = read_settings()
    if settings.database_url is not None:
        return settings.database_url
    if (running := read_run_file(settings.state_directory)) is not None:
        return running.database_url
    raise Problem(
        "No database: start the system with ./amtsleitung run, or set AMTSLEITUNG_DATABASE_URL"
        " (for route: or give --config examples/service-centre-wolfsburg.yaml)."
    )


async def live_rows(store: Store) -> tuple[Rows, int]:
    """The live rows and their version. Raises ``Problem`` if nothing was ever imported."""
    live = await store.load_rows()
    if live is None:
        raise Problem("The database holds no configuration: import one with ./amtsleitung import FILE.yaml.")
    return live
