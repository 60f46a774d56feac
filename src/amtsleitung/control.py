# SPDX-License-Identifier: EUPL-1.2
"""The control socket of a running ``run``: other commands ask it about its services and have one replaced.

::

    {"do": "restart", "service": "fastagi"}      →  {"ok": true, "sentence": "…"}
    {"do": "vitals"}                              →  {"ok": true, "services": {"fastagi": {"pid": 7, …}}}

One line each way, then it closes. ``STATE_DIR/control`` is for its owner and root alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from amtsleitung.errors import Problem

NAME = "control"
Answer = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
_LONGEST_LINE_BYTES = 4_096
_LINE_SECONDS = 5.0
_MOST_AT_ONCE = 8
_PEER = struct.Struct("3i")  # struct ucred: process, user, group


@asynccontextmanager
async def controlled(state_directory: Path, answer: Answer) -> AsyncIterator[None]:
    """Answers requests until the end of the block. A ``Problem`` out of ``answer`` becomes its sentence.

    Raises ``Problem`` if the socket cannot be made. Whoever asks need not stay for the answer.
    """
    requests: set[asyncio.Task[None]] = set()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        requests.add(task)
        try:
            if len(requests) <= _MOST_AT_ONCE and _is_ours(writer):
                await _converse(reader, writer, answer)
        finally:
            requests.discard(task)
            writer.close()

    server = await asyncio.start_unix_server(on_connection, sock=_listening(state_directory), limit=_LONGEST_LINE_BYTES)
    try:
        yield
    finally:
        server.close()
        (state_directory / NAME).unlink(missing_ok=True)
        left = tuple(requests)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def ask(state_directory: Path, request: Mapping[str, Any], *, deadline_seconds: float) -> dict[str, Any]:
    """The running system's answer. Raises ``Problem``: its own, or that there is none."""
    try:
        with socket.socket(socket.AF_UNIX) as connection, _near(state_directory) as near:
            connection.settimeout(deadline_seconds)
            connection.connect(near)
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                answer = json.loads(lines.readline())
    except TimeoutError:
        raise Problem(
            f"The running system did not answer within {deadline_seconds:g} seconds: look at its output and its logs."
        ) from None
    except (OSError, ValueError) as error:
        raise Problem(
            f"The running system in {state_directory} does not answer ({error}): "
            "work as the user who runs it; start it anew if it is of an earlier release."
        ) from error
    if not answer["ok"]:
        raise Problem(answer["sentence"])
    return dict(answer)


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    try:
        async with asyncio.timeout(_LINE_SECONDS):
            request = json.loads(await reader.readline())
        said = await answer(request)
    except (TimeoutError, ValueError):
        said = {"ok": False, "sentence": "That was no request."}
    except Problem as problem:
        said = {"ok": False, "sentence": str(problem)}
    with suppress(OSError):  # it has gone; a TimeoutError is one too
        async with asyncio.timeout(_LINE_SECONDS):
            writer.write(json.dumps(said).encode() + b"\n")
            await writer.drain()


def _listening(state_directory: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    try:
        (state_directory / NAME).unlink(missing_ok=True)  # a killed one's
        os.fchmod(listening.fileno(), 0o600)  # before it has a name: nobody else ever finds it open
        with _near(state_directory) as near:
            listening.bind(near)
        listening.listen()
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise Problem(
            f"{state_directory / NAME} cannot be made ({error.strerror}): "
            "set AMTSLEITUNG_STATE_DIR to a folder on a local disk that can be written."
        ) from error
    return listening


@contextmanager
def _near(state_directory: Path) -> Iterator[str]:
    """The socket's path in a short form: a socket's address holds 107 bytes, and a folder's may be longer."""
    folder = os.open(state_directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{NAME}"
    finally:
        os.close(folder)


def _is_ours(writer: asyncio.StreamWriter) -> bool:
    peer = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, user, _ = _PEER.unpack(peer)
    return user in {0, os.geteuid()}
