# SPDX-License-Identifier: EUPL-1.2
"""An ear for the sound that Asterisk sends to a caller or a telephone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_LOUD_DISTINCT_BYTES = 8


class Ear(asyncio.DatagramProtocol):
    """Receives RTP. ``packets`` by payload type; ``loud``: those that are no silence."""

    def __init__(self) -> None:
        self.packets: Counter[int] = Counter()
        self.loud = 0

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(data) > 12:
            self.packets[data[1] & 0x7F] += 1
            self.loud += len(set(data[12:])) > _LOUD_DISTINCT_BYTES


@asynccontextmanager
async def media_ear(address: str) -> AsyncIterator[tuple[Ear, int]]:
    """An ear at a free port of this address, and the port."""
    loop = asyncio.get_running_loop()
    transport, ear = await loop.create_datagram_endpoint(Ear, local_addr=(address, 0))
    try:
        yield ear, transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
