# SPDX-License-Identifier: EUPL-1.2
"""The running product for the system tests of one pytest process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.system import System, running_system


@pytest.fixture(scope="session")
async def shared_system() -> AsyncIterator[System]:
    """Started once, stopped with SIGTERM; its prompts are short recordings."""
    async with running_system(short_prompts=True) as system:
        yield system


@pytest.fixture
async def system(shared_system: System) -> AsyncIterator[System]:
    """The running product; every call of a test must have gone from Asterisk at its end."""
    shared_system.ami.messages.clear()
    yield shared_system
    await shared_system.no_channels_left()
