# SPDX-License-Identifier: EUPL-1.2
"""Fixtures for everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from routing.store import RoleUrls, Store
from tests.support.database import Server, Template, server, template


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the fault matrix; here, because pytest reads only this file before the command line."""
    parser.addoption("--every-row", action="store_true", help="also the rows of tests/faults that are not quick")
    parser.addoption("--figures", metavar="FILE", help="write what each row of tests/faults saw to this file")


@pytest.fixture(scope="session")
async def database_server() -> AsyncIterator[Server]:
    """A PostgreSQL with an admin's rights, to make databases in."""
    async with server() as found:
        yield found


@pytest.fixture(scope="session")
async def database_template(database_server: Server) -> AsyncIterator[Template]:
    """A migrated database, and copies of it."""
    async with template(database_server) as made:
        yield made


@pytest.fixture
async def database(database_template: Template) -> AsyncIterator[RoleUrls]:
    """The addresses of a migrated, empty database of this test's own, for each of its roles."""
    async with database_template.database() as urls:
        yield urls


@pytest.fixture
async def store(database: RoleUrls) -> AsyncIterator[Store]:
    """A store as the role of the call path and the observer."""
    opened = await Store.connect(database.router)
    yield opened
    await opened.close()


@pytest.fixture
async def owner_store(database: RoleUrls) -> AsyncIterator[Store]:
    """A store as the role that changes the configuration."""
    opened = await Store.connect(database.owner)
    yield opened
    await opened.close()


@pytest.fixture
async def web_store(database: RoleUrls) -> AsyncIterator[Store]:
    """A store as the role of pages and API."""
    opened = await Store.connect(database.web)
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command run within a test sets the logs to that test's own, soon closed, stream: the next test starts anew."""
    yield
    structlog.reset_defaults()
