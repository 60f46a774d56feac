# SPDX-License-Identifier: EUPL-1.2
"""A service whose standard error is a device that refuses, or a pipe that nobody reads."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.faults.service_scene import ServiceScene, address_of, real_service
from tests.support.product import Started, state_folder

# Python runs this first in every process that has its folder on PYTHONPATH; the product knows nothing of it.
_LOGS_THERE = """
import os, sys
if "fastagi" in sys.orig_argv:
    os.dup2(os.open(os.environ["FAULT_LOG"], os.O_WRONLY), 2)
"""


@asynccontextmanager
async def logging_to(scene: ServiceScene, log: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Started]:
    """The dialplan asks a service that logs there, from its first word."""
    async with state_folder() as state:
        state.mkdir()
        (state / "sitecustomize.py").write_text(_LOGS_THERE, encoding="utf-8")
        patch.setenv("PYTHONPATH", str(state))
        patch.setenv("FAULT_LOG", str(log))
        async with real_service(state, config=scene.config) as service:
            await scene.asks_at(address_of(service))
            yield service


@contextmanager
def full_pipe(path: Path) -> Iterator[int]:
    """A named pipe with no room left; its reading end, not blocking."""
    os.mkfifo(path)
    both = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        with suppress(BlockingIOError):
            while True:
                os.write(both, b"." * 4_096)
        with suppress(BlockingIOError):
            while True:
                os.write(both, b".")
        yield both
    finally:
        os.close(both)
