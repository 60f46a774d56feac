# SPDX-License-Identifier: EUPL-1.2
"""The FastAGI service on TCP: accepts, feeds the dialogues, keeps the deadlines, counts and logs.

Asterisk waits for us without any time limit, so the one rule is: every connection is closed, by its outcome or by
its deadline. A connection closed without a command sends the call to the dialplan's own fallback within
milliseconds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from agi.fastagi.call_log import log_dialogue
from agi.fastagi.dialogue import Dialogue
from agi.fastagi.handlers import Handlers
from agi.fastagi.protocol import Accepted, Cause, Failed
from routing.core.table import Table

DEADLINE_SECONDS = 1.0  # below the 1.5 s after which the dialplan gives up by itself
MAXIMUM_CONNECTIONS = 500  # well below the 1,024 open files that a process usually may have
BACKLOG = 1_024
ABORT_SECONDS = 1.0  # an aborted connection is gone with the loop's next turn


class FastAgiError(Exception):
    """The service cannot start; one sentence with the place and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """A snapshot since the start: carried-out decisions by kind, failures by cause, and connections open now.

    Every connection ever accepted is in exactly one of the three.
    """

    decisions: Mapping[str, int]
    failures: Mapping[str, int]
    open_connections: int


class FastAgiServer:
    """Serves ``/route`` with the table that ``table()`` returns at that moment; without one it closes at once.

    :param clock: the time of the decision, as an aware instant.
    :param deadline_seconds: from a connection's first moment to its last.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        table: Callable[[], Table | None],
        clock: Callable[[], datetime],
        deadline_seconds: float = DEADLINE_SECONDS,
        maximum_connections: int = MAXIMUM_CONNECTIONS,
    ) -> None:
        self._host = host
        self._port = port
        self.table = table
        self.handlers = Handlers(table=table, clock=clock)
        self.deadline_seconds = deadline_seconds
        self.maximum_connections = maximum_connections
        self.stopping = False
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._decisions: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()

    async def start(self) -> tuple[str, int]:
        """Listens; returns the address and the port (a free one if 0 was asked). Raises ``FastAgiError``."""
        if self._server is not None:
            raise FastAgiError("The FastAGI service is already started.")
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: _Connection(self, loop), self._host, self._port, backlog=BACKLOG
            )
        except OSError as error:
            raise FastAgiError(
                f"The FastAGI service cannot listen on {self._host}:{self._port} ({error.strerror or error}): "
                "free that port or set AMTSLEITUNG_FASTAGI_BIND to another."
            ) from error
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def stop(self, *, drain_seconds: float = DEADLINE_SECONDS) -> None:
        """Stops listening, lets running dialogues finish for ``drain_seconds``, then aborts what is left."""
        server, self._server = self._server, None
        if server is None:
            return
        self.stopping = True
        server.close()
        try:
            await asyncio.wait_for(self._idle.wait(), drain_seconds)
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.fail(Cause.STOPPING, "The service was stopped before the dialogue ended.")
            await asyncio.wait_for(self._idle.wait(), ABORT_SECONDS)
        await asyncio.wait_for(server.wait_closed(), ABORT_SECONDS)

    def counters(self) -> Counters:
        """What happened so far."""
        return Counters(
            decisions=MappingProxyType(dict(self._decisions)),
            failures=MappingProxyType(dict(self._failures)),
            open_connections=len(self._connections),
        )

    def opened(self, connection: _Connection) -> tuple[Cause, str] | None:
        """Enters a connection; the cause for which it must be closed at once, if there is one."""
        self._connections.add(connection)
        self._idle.clear()
        if self.stopping:
            return Cause.STOPPING, "The service is stopping."
        if len(self._connections) > self.maximum_connections:
            return Cause.TOO_MANY_CONNECTIONS, f"More than {self.maximum_connections} connections are open."
        if self.table() is None:
            return Cause.NO_TABLE, "There is no table to decide with."
        return None

    def closed(self, connection: _Connection, dialogue: Dialogue, *, seconds: float) -> None:
        """Takes a connection out, counts its outcome, and logs it."""
        self._connections.discard(connection)
        if not self._connections:
            self._idle.set()
        match dialogue.outcome:
            case Failed(cause=cause):
                self._failures[cause.value] += 1
            case Accepted() if dialogue.answer is not None:
                self._decisions[dialogue.answer.decision.kind] += 1
        log_dialogue(dialogue, seconds=seconds)


class _Connection(asyncio.Protocol):
    """One TCP connection. It only moves bytes; the dialogue knows what they mean."""

    def __init__(self, server: FastAgiServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._dialogue = Dialogue(server.handlers)
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._opened_at = loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if refused := self._server.opened(self):
            self.fail(*refused)
        else:
            self._deadline = self._loop.call_later(self._server.deadline_seconds, self._too_late)

    def data_received(self, data: bytes) -> None:
        to_send = self._dialogue.receive(data)
        if to_send and self._transport is not None:
            self._transport.write(to_send)
        self._close_if_over()

    def eof_received(self) -> None:
        self._dialogue.receive_eof()
        self._close_if_over()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._dialogue.fail(Cause.PEER_CLOSED, "The connection was lost.")
        self._server.closed(self, self._dialogue, seconds=self._loop.time() - self._opened_at)

    def fail(self, cause: Cause, detail: str) -> None:
        """Ends the dialogue, unless it has ended, and the connection in any case."""
        self._dialogue.fail(cause, detail)
        if self._transport is not None:
            self._transport.abort()

    def _too_late(self) -> None:
        self.fail(Cause.DEADLINE, f"The dialogue took longer than {self._server.deadline_seconds} s.")

    def _close_if_over(self) -> None:
        if self._transport is None or self._dialogue.outcome is None:
            return
        if isinstance(self._dialogue.outcome, Accepted):
            self._transport.close()
        else:
            self._transport.abort()
