# SPDX-License-Identifier: EUPL-1.2
"""A service that is started again on its port whenever it ends, as the supervisor does it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from tests.support.faults.service_scene import START_SECONDS, ServiceScene, address_of, real_service
from tests.support.living import until
from tests.support.product import Started, state_folder


@dataclass(slots=True)
class Replaced:
    """``lives``: every process so far; the last one serves, or is about to."""

    lives: list[Started] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """Of the one that serves now."""
        return self.lives[-1].process.pid

    async def ready(self) -> None:
        """Wait until one serves."""
        await until(lambda: self.lives[-1].process.returncode is None, "the service's next life", START_SECONDS)


@asynccontextmanager
async def replaced_service(scene: ServiceScene) -> AsyncIterator[Replaced]:
    """The dialplan asks it until the end of the block."""
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(state_folder())
        found = Replaced([await stack.enter_async_context(real_service(state))])
        port = address_of(found.lives[0])[1]
        await scene.asks_at(("127.0.0.1", port))
        keeping = asyncio.create_task(_keep(found, stack, port), name="keeps the service running")
        try:
            yield found
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def _keep(found: Replaced, stack: AsyncExitStack, port: int) -> None:
    while True:
        last = found.lives[-1]
        await last.process.wait()
        state = last.state.with_name(f"life-{len(found.lives)}")
        found.lives.append(await stack.enter_async_context(real_service(state, port=port)))
