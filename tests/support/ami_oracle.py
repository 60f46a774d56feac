# SPDX-License-Identifier: EUPL-1.2
"""A small raw AMI client: the oracle of the system tests. It shares no code with `agi.ami`, which it judges."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

DEADLINE_SECONDS = 15.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Message:
    """One AMI message as it came: headers in order, repeated ones kept."""

    headers: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a repeated header."""
        return tuple(value for key, value in self.headers if key == name)

    def matches(self, wanted: Mapping[str, str]) -> bool:
        """Whether each wanted header is there with this value."""
        return all(self[name] == value for name, value in wanted.items())


class Ami:
    """One connection. ``messages`` holds every event since the login, in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.messages: list[Message] = []
        self._reader, self._writer = reader, writer
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._ids = itertools.count(1)
        self._news = asyncio.Event()
        self._lost: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def login(cls, port: int, user: str, secret: str) -> Ami:
        """Connects, logs in and waits until Asterisk has booted. Raises `OSError` if nothing listens."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        ami = cls(reader, writer)
        await asyncio.wait_for(reader.readline(), DEADLINE_SECONDS)
        ami._task = asyncio.create_task(ami._read(), name="ami oracle")
        answer = await ami.action("Login", Username=user, Secret=secret)
        assert answer["Response"] == "Success", answer
        await ami.event(Event="FullyBooted")
        return ami

    async def close(self) -> None:
        """Ends the connection and its task."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    @property
    def lost(self) -> Exception | None:
        """Why the connection ended, if it did."""
        return self._lost

    async def action(self, name: str, **fields: str) -> Message:
        """Sends an action and returns its response (its events follow among ``messages``)."""
        action_id = str(next(self._ids))
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._answers[action_id] = answer
        lines = [f"Action: {name}", f"ActionID: {action_id}", *(f"{key}: {value}" for key, value in fields.items())]
        self._writer.write("".join(line + "\r\n" for line in [*lines, ""]).encode())
        await asyncio.wait_for(self._writer.drain(), DEADLINE_SECONDS)
        return await asyncio.wait_for(answer, DEADLINE_SECONDS)

    async def command(self, line: str) -> str:
        """Runs a line of Asterisk's command line and returns what it printed."""
        return "\n".join((await self.action("Command", Command=line)).all("Output"))

    async def channels(self) -> tuple[str, ...]:
        """The names of all channels that exist now."""
        start = len(self.messages)
        await self.action("CoreShowChannels")
        await self.event(start=start, Event="CoreShowChannelsComplete")
        return tuple(m["Channel"] for m in self.messages[start:] if m["Event"] == "CoreShowChannel")

    async def event(self, *, start: int = 0, deadline: float = DEADLINE_SECONDS, **wanted: str) -> Message:
        """The first event from index ``start`` on with these headers; waits for it."""

        def find() -> Message | None:
            return next((m for m in self.messages[start:] if m.matches(wanted)), None)

        return await self.until(find, what=f"an event {wanted}", deadline=deadline)

    async def until(self, find: Callable[[], T | None], *, what: str, deadline: float = DEADLINE_SECONDS) -> T:
        """Waits until ``find`` returns something, looking again after every message."""
        try:
            async with asyncio.timeout(deadline):
                while True:
                    if (found := find()) is not None:
                        return found
                    if self._lost is not None:
                        raise AssertionError(f"AMI was lost while waiting for {what}: {self._lost!r}")
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            seen = [m["UserEvent"] or m["Event"] for m in self.messages][-40:]
            raise AssertionError(f"waited {deadline} s in vain for {what}; the last events were {seen}") from None

    def user_events(self, name: str, *, start: int = 0) -> tuple[Message, ...]:
        """The dialplan's events of this name so far."""
        return tuple(m for m in self.messages[start:] if m["Event"] == "UserEvent" and m["UserEvent"] == name)

    async def _read(self) -> None:
        try:
            while True:
                block = await self._reader.readuntil(b"\r\n\r\n")
                lines = block.decode("utf-8", errors="backslashreplace").split("\r\n")
                pairs = [line.partition(":") for line in lines if line]
                message = Message(tuple((key, value.removeprefix(" ")) for key, _, value in pairs))
                if "Response" in dict(message.headers):
                    waiting = self._answers.pop(message["ActionID"], None)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(message)
                else:
                    self.messages.append(message)
                self._news.set()
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:
            self._lost = error
            self._news.set()
            for waiting in self._answers.values():
                if not waiting.done():
                    waiting.set_exception(AssertionError(f"AMI was lost: {error!r}"))
