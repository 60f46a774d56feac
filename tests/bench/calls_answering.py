# SPDX-License-Identifier: EUPL-1.2
"""``python -m tests.bench.calls_answering COMMAND``: FastAGI by the least that a protocol can do; its port comes first.

It waits for the end of the environment, sends the command with the channel's name put at its end, and closes when the
reply has come. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import re
import sys

import uvloop

_UNIQUE_ID = re.compile(rb"^agi_uniqueid: (.*)$", re.MULTILINE)


class _Answer(asyncio.Protocol):
    def __init__(self, command: bytes) -> None:
        self._command = command
        self._held = b""
        self._answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._answered:
            self._transport.close()
            return
        self._held += data
        if self._held.endswith(b"\n\n") and (found := _UNIQUE_ID.search(self._held)):
            self._answered = True
            self._transport.write(self._command % found[1])  # type: ignore[attr-defined]


async def _main(command: str) -> None:
    line = command.encode("ascii")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answer(line), "127.0.0.1", 0, backlog=1_024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    owner = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(owner), sys.stdin)
    await owner.read()
    server.close()


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1]))
