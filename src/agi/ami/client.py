# SPDX-License-Identifier: EUPL-1.2
"""The one adapter around panoramisk: one logged-in AMI connection.

Its one rule: the reader only parses and enqueues. Asterisk cuts a slow reader off, so whoever consumes the events may
be slow only for as long as the bounded queue lasts; then this side ends the connection itself, and says so. A
connection that ended is never mended: connect again and look at everything afresh.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

from agi.ami.address import AmiAddress
from agi.ami.messages import AmiMessage
from agi.ami.protocol import AmiDisconnectedError, MendedProtocol

EVENT_LIMIT = 20_000
LOGIN_SECONDS = 10.0
ACTION_SECONDS = 5.0
PING_INTERVAL_SECONDS = 10.0
EVENT_MASK = "call,agent,user,system"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FORBIDDEN = re.compile(r"[\r\n\0]")
Value = str | int | Sequence[str]


class AmiLoginError(Exception):
    """User or secret are wrong, or the account may not log in from here: trying again soon will not help."""


class AmiTimeoutError(Exception):
    """An action was not answered within its deadline. It may or may not have been done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiReply:
    """What Asterisk answered. ``items`` are the events of a list, headers by lower-case name.

    ``lists`` in an item are the headers that came several times on purpose (``variable``).
    """

    success: bool
    message: str
    items: tuple[AmiMessage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An event and the instant at which it was read."""

    message: AmiMessage
    at: datetime


class AmiConnection:
    """Use as ``async with await AmiConnection.open(…)``; events come from `heard` until `ended` is set.

    ``arrived`` counts the events that have come so far, read or not.
    """

    def __init__(self, *, clock: Callable[[], datetime], event_limit: int) -> None:
        self._clock = clock
        self._events: deque[Heard] = deque()
        self._event_limit = event_limit
        self._arrived = asyncio.Event()
        self._protocol = MendedProtocol(self)
        self._pinger: asyncio.Task[None] | None = None
        self.arrived = 0
        self.ended = asyncio.Event()
        self.why = ""

    @classmethod
    async def open(
        cls,
        address: AmiAddress,
        *,
        clock: Callable[[], datetime],
        deadline_seconds: float = LOGIN_SECONDS,
        ping_interval_seconds: float = PING_INTERVAL_SECONDS,
        event_limit: int = EVENT_LIMIT,
    ) -> AmiConnection:
        """Connect and log in with events off; `subscribe` turns them on.

        Raises OSError (nobody there), AmiTimeoutError, AmiDisconnectedError (no AMI, or cut off) or AmiLoginError.
        """
        connection = cls(clock=clock, event_limit=event_limit)
        try:
            async with asyncio.timeout(deadline_seconds):
                await connection._log_in(address)
        except TimeoutError:
            await connection.close()
            raise AmiTimeoutError(
                f"{address.host}:{address.port} did not complete the AMI login within {deadline_seconds:g} s"
            ) from None
        except BaseException:
            await connection.close()
            raise
        connection._pinger = asyncio.create_task(connection._ping(ping_interval_seconds), name="AMI ping")
        return connection

    async def _log_in(self, address: AmiAddress) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self._protocol, address.host, address.port)
        await self._protocol.banner
        login = {"Username": address.user, "Secret": address.secret, "Events": "off"}
        reply = await self.act("Login", login, deadline_seconds=LOGIN_SECONDS)
        if not reply.success:
            raise AmiLoginError(
                f"Asterisk at {address.host}:{address.port} refuses the AMI user {address.user!r} "
                f"({reply.message}): compare the AMI URL with manager.conf"
            )

    async def subscribe(self) -> None:
        """Have the events sent from now on. Raises as `act`, or AmiDisconnectedError if Asterisk refuses."""
        reply = await self.act("Events", {"EventMask": EVENT_MASK})
        if not reply.success:
            raise AmiDisconnectedError(f"Asterisk refuses to send events ({reply.message}): see read= in manager.conf")

    async def act(
        self,
        action: str,
        headers: Mapping[str, Value] | None = None,
        *,
        deadline_seconds: float = ACTION_SECONDS,
        as_list: bool = False,
    ) -> AmiReply:
        """Carry out one action. ``as_list``: the reply is a list that ends with an event ``…Complete``.

        Raises ValueError for a header that would end its line, AmiTimeoutError, AmiDisconnectedError.
        Never repeats anything.
        """
        checked = {"Action": _checked("Action", action)}
        lines: dict[str, object] = {**checked, **{name: _checked(name, v) for name, v in (headers or {}).items()}}
        if self._protocol.closed:
            raise AmiDisconnectedError(self.why or "not connected")
        pending = self._protocol.ask(lines, as_list=as_list)
        try:
            async with asyncio.timeout(deadline_seconds):
                answer = await pending.future
        except TimeoutError:
            raise AmiTimeoutError(
                f"Asterisk did not answer the AMI action {action} within {deadline_seconds:g} s"
            ) from None
        finally:
            self._protocol.forget(pending)
        replies = answer if isinstance(answer, list) else [answer]
        first = replies[0]
        return AmiReply(
            success=first.response in ("Success", "Pong", "Goodbye", "Follows"),
            message=str(first.message),
            items=tuple(_as_message(reply) for reply in replies[1:]),
        )

    async def heard(self) -> Heard:
        """The next event; AmiDisconnectedError once the connection has ended and all it brought has been read."""
        while not self._events:
            if self.ended.is_set():
                raise AmiDisconnectedError(self.why)
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()

    def heard_so_far(self) -> tuple[Heard, ...]:
        """All events that wait to be read; they are taken out."""
        found = tuple(self._events)
        self._events.clear()
        return found

    async def close(self) -> None:
        """End the connection, if it has not ended, and everything that belongs to it."""
        if self._pinger is not None:
            self._pinger.cancel()
            with suppress(asyncio.CancelledError):
                await self._pinger
            self._pinger = None
        self._protocol.end("closed by us")

    async def __aenter__(self) -> AmiConnection:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ping(self, interval_seconds: float) -> None:
        # A half-open link swallows everything: only a missing answer tells.
        while not self.ended.is_set():
            await asyncio.sleep(interval_seconds)
            try:
                await self.act("Ping", deadline_seconds=min(interval_seconds, ACTION_SECONDS))
            except AmiTimeoutError:
                self._protocol.end("Asterisk has stopped answering on the AMI connection")
                return
            except AmiDisconnectedError:
                return

    def on_message(self, message: AmiMessage) -> None:
        """From the protocol."""
        if len(self._events) >= self._event_limit:
            self._protocol.end(f"more than {self._event_limit} AMI events were waiting; starting afresh")
            return
        self._events.append(Heard(message=message, at=self._clock()))
        self.arrived += 1
        self._arrived.set()
        if message.event == "Shutdown":
            self._protocol.end("Asterisk is shutting down")

    def on_lost(self, why: str) -> None:
        """From the protocol."""
        self.why = why
        self.ended.set()
        self._arrived.set()


def _checked(name: str, value: Value) -> str | list[str]:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of an AMI header")
    values = [value] if isinstance(value, str | int) else list(value)
    texts = [str(item) for item in values]
    if any(_FORBIDDEN.search(text) for text in texts):
        raise ValueError(f"the value of the AMI header {name} holds a line break or NUL")
    return texts[0] if isinstance(value, str | int) else texts


def _as_message(reply: Mapping[str, str | list[str]]) -> AmiMessage:
    headers = {name.lower(): value for name, value in reply.items() if isinstance(value, str)}
    lists = {name.lower(): tuple(value) for name, value in reply.items() if not isinstance(value, str)}
    headers.pop("content", None)
    return AmiMessage(headers=headers, lists=lists)
