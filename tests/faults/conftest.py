# SPDX-License-Identifier: EUPL-1.2
"""Fixtures of the fault matrix, and which of its rows run: the quick ones, or with ``--every-row`` all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest

from tests.support.faults.moved_clock import CLOCK
from tests.support.faults.row import ROWS, Row, read_row
from tests.support.faults.service_scene import ServiceScene, service_scene
from tests.support.faults.system_scene import SystemScene, system_scene
from tests.support.faults.verdict import Verdict, write_line


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Rows that are not quick are no part of the gate."""
    if config.getoption("--every-row"):
        return
    slow = [item for item in items if item.path.is_relative_to(ROWS) and not read_row(item.path.parent).quick]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What failed is a figure, too."""
    report = yield
    if report.failed:
        write_line(figures_file(item.config), {"row": item.path.parent.name, "passed": False})
    return report


def figures_file(config: pytest.Config) -> Path | None:
    """The file that ``--figures`` names."""
    named: str | None = config.getoption("--figures")
    return None if named is None else Path(named)


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Row:
    """The row of the test's folder."""
    return read_row(request.path.parent)


@pytest.fixture
def verdict(row: Row, request: pytest.FixtureRequest) -> Verdict:
    """Nothing seen yet."""
    return Verdict(row, figures_file(request.config))


@pytest.fixture(scope="session")
async def shared_scene() -> AsyncIterator[ServiceScene]:
    """One Asterisk for the rows of this pytest process."""
    async with service_scene() as scene:
        yield scene


@pytest.fixture(scope="session")
async def clock_scene() -> AsyncIterator[ServiceScene]:
    """Another one, with lines whose hours end where clocks change."""
    async with service_scene(config=CLOCK) as scene:
        yield scene


@pytest.fixture
async def scene(shared_scene: ServiceScene) -> ServiceScene:
    """It has no calls now; a first one has made it open all that it opens once."""
    shared_scene.pbx.ami.messages.clear()
    await shared_scene.asks_nobody()
    await shared_scene.calls(shared_scene.mixed(4))
    await shared_scene.pbx.no_channels_left()
    return shared_scene


@pytest.fixture(scope="session")
async def shared_product() -> AsyncIterator[SystemScene]:
    """One whole product for the rows of this pytest process."""
    async with system_scene() as scene:
        yield scene


@pytest.fixture
async def product(shared_product: SystemScene) -> SystemScene:
    """It runs, whole, and has no calls; a first few have made it open all that it opens once."""
    await shared_product.rest()
    return shared_product
