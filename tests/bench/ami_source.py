# SPDX-License-Identifier: EUPL-1.2
"""``python -m tests.bench.ami_source``: an AMI in a process of its own that says what many calls would.

It writes its port, then takes a line of JSON for each piece of work and answers with one::

    {"calls": 3000, "first": 0, "paced": true, "lasts": 37.0}
    → {"began": 12.5, "ami_events": 78947, "told": [[call, at], …]}

``told`` has the instant (``time.monotonic``) at which each message was sent of which a call event comes, in order.
"""

from __future__ import annotations

import asyncio
import json
import sys
from time import monotonic
from typing import Any

from tests.bench.ami_stream import stream
from tests.support.fake_ami import FakeAmi, fake_ami

_PIECE_BYTES = 64 * 1_024
_MOST_UNSENT_BYTES = 1 << 20


async def _say(fake: FakeAmi, calls: int, first: int, lasts: float, paced: bool) -> dict[str, Any]:
    told: list[tuple[int, float]] = []
    said = stream(calls, first=first, lasts=lasts)
    piece, count = bytearray(), 0
    began = monotonic()
    for item in said:
        count += 1
        due = began + item.at - monotonic()
        if paced and due > 0:
            _send(fake, piece)
            await asyncio.sleep(due)
        piece += item.data
        if paced:
            told += [(item.call, monotonic())] * item.tells
        if len(piece) >= _PIECE_BYTES:
            _send(fake, piece)
            while fake.unsent > _MOST_UNSENT_BYTES:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.001)
    _send(fake, piece)
    return {"began": began, "ami_events": count, "told": told}


def _send(fake: FakeAmi, piece: bytearray) -> None:
    if piece:
        fake.send(bytes(piece))
        piece.clear()


def _answer(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def _main() -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    async with fake_ami(secret="bench") as fake:
        _answer(fake.port)
        while line := await asked.readline():
            _answer(await _say(fake, **json.loads(line)))


if __name__ == "__main__":
    asyncio.run(_main())
