# SPDX-License-Identifier: EUPL-1.2
"""The FastAGI service on TCP: accepts, feeds the dialogues, keeps the deadlines, counts and logs.

Asterisk waits for us without any time limit, so the one rule is: every connection is closed, by its outcome or by
its deadline. A connection closed without a command sends the call to the dialplan's own fallback within
milliseconds.

Asterisk speaks as soon as it is connected. So who says nothing is no call, and has less time; and when the house is
full the oldest who has said nothing makes room.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from types import MappingProxyType
from typing import cast

from agi.fastagi.call_log import log_dialogue
from agi.fastagi.dialogue import Dialogue
from agi.fastagi.handlers import Handlers
from agi.fastagi.listener import Listener
from agi.fastagi.protocol import Accepted, Cause, Failed
from routing.core.table import Table

DEADLINE_SECONDS = 1.0  # below the 1.5 s after which the dialplan gives up by itself
FIRST_BYTE_SECONDS = 0.5  # Asterisk's first byte comes within milliseconds, unless the machine is overloaded
LOOK_AGAIN_SECONDS = 0.01  # so much a deadline may be late
MAXIMUM_CONNECTIONS = 500  # well below the 1,024 open files that a process usually may have
BACKLOG = 1_024
ABORT_SECONDS = 1.0  # an aborted connection is gone with the loop's next turn
LAST_LOOKS = 3  # without a connection that waits, before the listening sockets are closed
NEXT_LOOK_SECONDS = 0.01
LONGEST_LOOKING_SECONDS = 0.5  # without a successor they go on coming


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
    :param take_over: share the port with the process that listens there and is about to end (`Listener`).
    :param first_byte_seconds: from its first moment to its first byte.
    :param log: writes down each dialogue that has ended, with the seconds that it took.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        table: Callable[[], Table | None],
        clock: Callable[[], datetime],
        deadline_seconds: float = DEADLINE_SECONDS,
        first_byte_seconds: float = FIRST_BYTE_SECONDS,
        maximum_connections: int = MAXIMUM_CONNECTIONS,
        take_over: bool = False,
        log: Callable[[Dialogue, float], None] = log_dialogue,
    ) -> None:
        self._host = host
        self._port = port
        self.table = table
        self.handlers = Handlers(table=table, clock=clock)
        self.deadline_seconds = deadline_seconds
        self.first_byte_seconds = min(first_byte_seconds, deadline_seconds)
        self.maximum_connections = maximum_connections
        self.stopping = False
        self._take_over = take_over
        self._listener: Listener | None = None
        self._servers: list[asyncio.Server] = []
        self._log = log
        self._connections: dict[_Connection, None] = {}  # the oldest first
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._decisions: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()

    async def start(self) -> tuple[str, int]:
        """Listens; returns the address and the port (a free one if 0 was asked). Raises ``FastAgiError``."""
        if self._listener is not None:
            raise FastAgiError("The FastAGI service is already started.")
        try:
            self._listener = await Listener.open(self._host, self._port, backlog=BACKLOG, take_over=self._take_over)
        except (OSError, OverflowError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise FastAgiError(
                f"The FastAGI service cannot listen on {self._host}:{self._port} ({why or error}): "
                "free that port or set AMTSLEITUNG_FASTAGI_BIND to another."
            ) from error
        loop = asyncio.get_running_loop()
        for copy in self._listener.copies():
            self._servers.append(await loop.create_server(self._connection, sock=copy, backlog=BACKLOG))
        return self._listener.address

    async def stop(self, *, drain_seconds: float = DEADLINE_SECONDS) -> None:
        """Takes what waits to be accepted, stops listening, and lets dialogues finish for ``drain_seconds``.

        Then it aborts what is left.
        """
        listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.lead_away()
        for server in self._servers:
            server.close()
        await self._accept_the_rest(listener)
        self.stopping = True
        try:
            await asyncio.wait_for(self._idle.wait(), drain_seconds)
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.fail(Cause.STOPPING, "The service was stopped before the dialogue ended.")
            await asyncio.wait_for(self._idle.wait(), ABORT_SECONDS)
        for server in self._servers:
            await asyncio.wait_for(server.wait_closed(), ABORT_SECONDS)

    def _connection(self) -> _Connection:
        return _Connection(self)

    async def _accept_the_rest(self, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + LONGEST_LOOKING_SECONDS
        looks = 0
        while looks < LAST_LOOKS and loop.time() < give_up_at:
            waiting = listener.accept_waiting()
            await self._serve_all(waiting)
            looks = 0 if waiting else looks + 1
            await asyncio.sleep(NEXT_LOOK_SECONDS)
        await self._serve_all(listener.close())

    async def _serve_all(self, accepted: Iterable[socket.socket]) -> None:
        for connection in accepted:
            await asyncio.get_running_loop().connect_accepted_socket(self._connection, connection)

    def counters(self) -> Counters:
        """What happened so far."""
        return Counters(
            decisions=MappingProxyType(dict(self._decisions)),
            failures=MappingProxyType(dict(self._failures)),
            open_connections=len(self._connections),
        )

    def opened(self, connection: _Connection) -> tuple[Cause, str] | None:
        """Enters a connection; the cause for which it must be closed at once, if there is one."""
        self._connections[connection] = None
        self._idle.clear()
        if self.stopping:
            return Cause.STOPPING, "The service is stopping."
        if self.table() is None:
            return Cause.NO_TABLE, "There is no table to decide with."
        if len(self._connections) > self.maximum_connections and not self._make_room(connection):
            return Cause.TOO_MANY_CONNECTIONS, f"More than {self.maximum_connections} dialogues are going on."
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.first_byte_seconds, self._look)
        return None

    def closed(self, connection: _Connection, dialogue: Dialogue, seconds: float) -> None:
        """Takes a connection out, counts its outcome, and writes it down."""
        self._connections.pop(connection, None)
        if not self._connections:
            self._idle.set()
        outcome = dialogue.outcome
        if isinstance(outcome, Failed):
            self._failures[outcome.cause.value] += 1
        elif dialogue.answer is not None:
            self._decisions[dialogue.answer.texts.kind] += 1
        self._log(dialogue, seconds)

    def _make_room(self, newest: _Connection) -> bool:
        """Closes the oldest connection that has said nothing; false if there is none."""
        for connection in self._connections:
            if not connection.talks and connection is not newest:
                connection.fail(Cause.TOO_MANY_CONNECTIONS, "It said nothing, and another needed its place.")
                del self._connections[connection]
                return True
        return False

    def _look(self) -> None:
        """One timer for all: fails what is too late, and looks again when the next may be."""
        now = monotonic()
        soonest = now + self.first_byte_seconds  # a connection that opens meanwhile is not due before
        for connection in tuple(self._connections):
            due = connection.opened_at + (self.deadline_seconds if connection.talks else self.first_byte_seconds)
            if due <= now:
                connection.too_late()
            else:
                soonest = min(soonest, due)
        wait = max(soonest - now, LOOK_AGAIN_SECONDS)
        self._timer = asyncio.get_running_loop().call_later(wait, self._look) if self._connections else None


class _Connection(asyncio.Protocol):
    """One TCP connection. It only moves bytes; the dialogue knows what they mean."""

    __slots__ = ("_dialogue", "_server", "_transport", "opened_at", "talks")

    def __init__(self, server: FastAgiServer) -> None:
        self._server = server
        self._dialogue = Dialogue(server.handlers)
        self._transport: asyncio.Transport | None = None
        self.talks = False
        self.opened_at = monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so
        if refused := self._server.opened(self):
            self.fail(*refused)

    def data_received(self, data: bytes) -> None:
        self.talks = True
        dialogue = self._dialogue
        to_send = dialogue.receive(data)
        if to_send and self._transport is not None:
            self._transport.write(to_send)
        if dialogue.outcome is not None:
            self._close()

    def eof_received(self) -> None:
        self._dialogue.receive_eof()
        self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._dialogue.fail(Cause.PEER_CLOSED, "The connection was lost.")
        self._server.closed(self, self._dialogue, monotonic() - self.opened_at)

    def fail(self, cause: Cause, detail: str) -> None:
        """Ends the dialogue, unless it has ended, and the connection in any case."""
        self._dialogue.fail(cause, detail)
        if self._transport is not None:
            self._transport.abort()

    def too_late(self) -> None:
        """Its time is over."""
        server = self._server
        seconds = server.deadline_seconds if self.talks else server.first_byte_seconds
        what = "The dialogue" if self.talks else "The first byte"
        self.fail(Cause.DEADLINE, f"{what} took longer than {seconds} s.")

    def _close(self) -> None:
        if self._transport is None:
            return
        if isinstance(self._dialogue.outcome, Accepted):
            self._transport.close()
        else:
            self._transport.abort()
