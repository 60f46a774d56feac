# SPDX-License-Identifier: EUPL-1.2
"""The listening sockets: handed over from one process to its successor without a connection that falls between them.

::

    old        listens ───────────────────────── leads away, accepts until empty, closes ── drains
    successor             joins, has its table ──┤ every new connection is its own from here on

The kernel gives a new connection to one of the sockets that share a port (``SO_REUSEPORT``), and resets whatever still
waits in one that is closed. So a socket that is to be closed is first left out of the choice, and then emptied.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from array import array
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

_SO_ATTACH_REUSEPORT_CBPF = 51  # linux/asm-generic/socket.h
_BPF_RETURN_CONSTANT = 0x06  # linux/bpf_common.h: BPF_RET | BPF_K
_SECOND = 1


class Listener:
    """Sockets on every address of one host; made by `open`, closed by whoever opened it."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._sockets = tuple(sockets)

    @classmethod
    async def open(cls, host: str, port: int, *, backlog: int, take_over: bool) -> Self:
        """Listens. Raises OSError, also for a port on which somebody listens.

        :param take_over: share the port with a process of the same user that listens there, instead of refusing it.
        """
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        sockets: list[socket.socket] = []
        try:
            for family, _, _, _, address in dict.fromkeys(found):
                # A free port is chosen once, by the first address.
                chosen = port or (sockets[0].getsockname()[1] if sockets else 0)
                sockets.append(_listening(family, (address[0], chosen, *address[2:]), backlog, take_over=take_over))
        except BaseException:
            for opened in sockets:
                opened.close()
            raise
        return cls(sockets)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._sockets[0].getsockname()[:2]
        return str(host), int(port)

    def copies(self) -> list[socket.socket]:
        """For the event loop to accept from: it may close them while what waits here is still to be accepted."""
        return [listening.dup() for listening in self._sockets]

    def lead_away(self) -> None:
        """New connections go to the other process that listens here; without one they go on coming to this one.

        It listens longer and is the first of the two, so the second is chosen. Only where two listen this holds: the
        kernel ignores a choice that is not there.
        """
        program = array("B", struct.pack("HBBI", _BPF_RETURN_CONSTANT, 0, 0, _SECOND))
        for listening in self._sockets:
            with suppress(OSError):  # forbidden: what comes in the last microseconds is lost then
                listening.setsockopt(
                    socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, struct.pack("HL", 1, program.buffer_info()[0])
                )

    def accept_waiting(self) -> list[socket.socket]:
        """Every connection that waits to be accepted."""
        return [accepted for listening in self._sockets for accepted in _accept_all(listening)]

    def close(self) -> list[socket.socket]:
        """Stops listening; what came since the last look is returned, as from `accept_waiting`."""
        waiting: list[socket.socket] = []
        for listening in self._sockets:
            waiting += _accept_all(listening)
            listening.close()
        return waiting


def _listening(family: int, address: tuple[object, ...], backlog: int, *, take_over: bool) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if take_over:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(address)
        listening.listen(backlog)
        # Not before it listens: so the port was ours alone, and from now on a successor may join.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def _accept_all(listening: socket.socket) -> list[socket.socket]:
    waiting: list[socket.socket] = []
    while True:
        try:
            accepted, _ = listening.accept()
        except ConnectionAbortedError:  # that one hung up while it waited
            continue
        except OSError:  # none is left; or no descriptor is, and then closing is all that can be done
            return waiting
        accepted.setblocking(False)
        waiting.append(accepted)
