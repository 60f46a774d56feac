# SPDX-License-Identifier: EUPL-1.2
"""Calls during which the observer hears Asterisk's events otherwise than they were sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support import sipp
from tests.support.faults.system_relay import Edit, unedited
from tests.support.faults.system_rows import SWITCHBOARD
from tests.support.faults.system_scene import Placed, SystemScene


@asynccontextmanager
async def heard_through(product: SystemScene, edit: Edit) -> AsyncIterator[list[Placed]]:
    """Calls that nobody answers and calls that are answered, all of them made when the block begins.

    Then the events come as they are sent, over a new connection: what was lost for good shows when everything is
    looked at.
    """
    async with (
        product.relayed() as between,
        sipp.telephone(product.system, "agent31", answers_after=0.3, hang_up_after=0.2),
    ):
        between.edit = edit
        unanswered = product.storm(20, rate=8)
        answered = product.storm(4, rate=0.8, extension=SWITCHBOARD)
        placed = [call for part in await asyncio.gather(unanswered, answered) for call in part]
        between.edit = unedited
        between.cut()
        yield placed
