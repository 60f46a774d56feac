# SPDX-License-Identifier: EUPL-1.2
"""``python -m tests.bench.fastagi_load PORT DIALOGUES IN_FLIGHT CORE``: Asterisk's side of many dialogues, fast.

It never sleeps: whatever the server has said is taken up at once, and the server's own cost is not that of waking us,
which a sleeping client adds to every packet. So many dialogues are always with the server, which never lacks work.
One line of JSON at the end: ``dialogues``, ``seconds``, and in how many the connection was ``cut`` instead of closed.

Standard input holds the environments, one line of JSON: a list of ``[environment, end of the command]``.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from itertools import cycle, islice
from time import perf_counter

from tests.support.asterisk_agi import ACCEPTED

PATIENCE_SECONDS = 60
_MOST_BYTES = 4_096


def _main(port: int, dialogues: int, in_flight: int, core: int) -> None:
    os.sched_setaffinity(0, {core})
    asked = [(text.encode("latin-1"), end.encode("latin-1")) for text, end in json.loads(sys.stdin.readline())]
    signal.alarm(PATIENCE_SECONDS)
    begin = perf_counter()
    cut = _talk(port, asked, dialogues, in_flight)
    said = {"dialogues": dialogues, "seconds": perf_counter() - begin, "cut": cut}
    sys.stdout.write(json.dumps(said) + "\n")


def _talk(port: int, asked: list[tuple[bytes, bytes]], dialogues: int, in_flight: int) -> int:
    """How many connections were reset, or closed before the command came."""
    waiting = iter(islice(cycle(asked), dialogues))
    opened: dict[int, tuple[socket.socket, bytes]] = {}
    replied: set[int] = set()
    cut = 0
    with select.epoll() as ready:

        def one_more() -> None:
            for environment, end in islice(waiting, 1):
                one = socket.socket()
                one.connect(("127.0.0.1", port))
                one.sendall(environment)
                opened[one.fileno()] = one, end
                ready.register(one, select.EPOLLIN)

        for _ in range(in_flight):
            one_more()
        while opened:
            for descriptor, _ in ready.poll(0):
                one, end = opened[descriptor]
                over = _hear(one, end, replied=descriptor in replied)
                if over is None:
                    replied.add(descriptor)
                    continue
                cut += over
                one.close()
                del opened[descriptor]
                replied.discard(descriptor)
                one_more()
    return cut


def _hear(one: socket.socket, end: bytes, *, replied: bool) -> bool | None:
    """``None`` if the command came and was replied to; else the connection is over: whether it was cut."""
    try:
        command = one.recv(_MOST_BYTES)
        if replied or not command:
            if command:
                raise SystemExit("something came behind the command")
            return not replied
        if not command.endswith(end):
            raise SystemExit(f"a command that ends in {end!r} was expected, but {command!r} came")
        one.sendall(ACCEPTED)
    except ConnectionError:
        return True
    return None


if __name__ == "__main__":
    _main(*(int(word) for word in sys.argv[1:]))
