# SPDX-License-Identifier: EUPL-1.2
"""An AMI of our own for tests: scripted, with every bad habit at hand, and an Asterisk database in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Headers = dict[str, str]


def block(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> bytes:
    """One message as Asterisk writes it."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return "".join(f"{name}: {value}\r\n" for name, value in pairs).encode() + b"\r\n"


@dataclass
class FakeAmi:
    """``port`` to connect to. ``actions`` holds what came; ``refuse`` names actions that fail; ``mute`` those that
    get no answer; ``chunk_bytes`` cuts all that is sent into such pieces."""

    secret: str = "geheim ä"
    banner: bytes = b"Asterisk Call Manager/9.0.0\r\n"
    chunk_bytes: int | None = None
    port: int = 0
    actions: list[Headers] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    mute: set[str] = field(default_factory=set)
    lists: dict[str, list[Headers]] = field(default_factory=dict)
    database: dict[str, str] = field(default_factory=dict)
    before_list: Callable[[str], None] = lambda _action: None
    logins: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def send(self, data: bytes) -> None:
        """Send to everybody connected."""
        for writer in self._writers:
            step = self.chunk_bytes or len(data) or 1
            for start in range(0, len(data), step):
                writer.write(data[start : start + step])

    @property
    def unsent(self) -> int:
        """Bytes that nobody has taken yet."""
        return sum(writer.transport.get_write_buffer_size() for writer in self._writers)

    def emit(self, event: str, **headers: str) -> None:
        """Send an event; underscores in names stand for ``-``."""
        self.send(block({"Event": event, **{name.replace("_", "-"): value for name, value in headers.items()}}))

    def drop(self) -> None:
        """Cut everybody off."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def names(self) -> list[str]:
        """The actions that came, by name."""
        return [action["Action"] for action in self.actions]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait, for at most 10 s, until what came makes this true."""
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(condition)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._writers.append(writer)
        writer.write(self.banner)
        try:
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode()
                action: Headers = {}
                for line in text.strip("\r\n").split("\r\n"):
                    name, _, value = line.partition(": ")
                    action[name] = value
                self.actions.append(action)
                if action["Action"] not in self.mute:
                    self._answer(writer, action)
                async with self.changed:
                    self.changed.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if writer in self._writers:
                self._writers.remove(writer)
            writer.close()

    def _answer(self, writer: asyncio.StreamWriter, action: Headers) -> None:
        name, reply = action["Action"], {"Response": "Success", "ActionID": action["ActionID"]}
        if name in self.refuse or (name == "Login" and action["Secret"] != self.secret):
            writer.write(block({**reply, "Response": "Error", "Message": "Authentication failed"}))
            return
        self.logins += name == "Login"
        match name:
            case "CoreShowChannels" | "QueueStatus" | "Status":
                self.before_list(name)
                items = [{**item, "ActionID": action["ActionID"]} for item in self.lists.get(name, [])]
                self._list(writer, reply, items, f"{name}Complete")
            case "DBGet":
                path = f"{action['Family']}/{action['Key']}"
                if path in self.database:
                    item = {"Event": "DBGetResponse", "Val": self.database[path], "ActionID": action["ActionID"]}
                    self._list(writer, reply, [item], "DBGetComplete")
                else:
                    writer.write(block({**reply, "Response": "Error", "Message": "Database entry not found"}))
            case "DBPut":
                self.database[f"{action['Family']}/{action['Key']}"] = action["Val"]
                writer.write(block(reply))
            case "DBGetTree":
                family = action["Family"] + "/"
                found = [(path, value) for path, value in self.database.items() if path.startswith(family)]
                items = [
                    {"Event": "DBGetTreeResponse", "Key": f"/{path}", "Val": value, "ActionID": action["ActionID"]}
                    for path, value in found
                ]
                self._list(writer, reply, items, "DBGetTreeComplete")
            case "DBDel":
                self.database.pop(f"{action['Family']}/{action['Key']}", None)
                writer.write(block(reply))
            case "DBDelTree":
                for path in [key for key in self.database if key.startswith(action["Family"] + "/")]:
                    del self.database[path]
                writer.write(block(reply))
            case _:
                writer.write(block(reply))

    def _list(self, writer: asyncio.StreamWriter, reply: Headers, items: list[Headers], end: str) -> None:
        writer.write(block({**reply, "EventList": "start", "Message": "will follow"}))
        for item in items:
            writer.write(block(item))
        writer.write(block({"Event": end, "EventList": "Complete", "ActionID": reply["ActionID"]}))


@asynccontextmanager
async def fake_ami(**settings: object) -> AsyncIterator[FakeAmi]:
    """A listening one on a free port."""
    fake = FakeAmi(**settings)  # type: ignore[arg-type]
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        fake.drop()
        await asyncio.sleep(0)
