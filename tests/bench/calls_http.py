# SPDX-License-Identifier: EUPL-1.2
"""``python -m tests.bench.calls_http ANSWER``: an HTTP service that does nothing but say so; its port comes first.

It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import sys


class _Http(asyncio.Protocol):
    """Answers at the end of each request's header; the connection stays for the next."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._partial = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._partial = (self._partial + data).split(b"\r\n\r\n")
        for _ in requests:
            self._transport.write(self._answer)


async def _main(text: str) -> None:
    body = text.encode("ascii")
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Http(answer), "127.0.0.1", 0, backlog=1_024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    owner = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(owner), sys.stdin)
    await owner.read()
    server.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
