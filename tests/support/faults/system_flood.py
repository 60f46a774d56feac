# SPDX-License-Identifier: EUPL-1.2
"""A stranger who guesses at the manager's password."""

from __future__ import annotations

import asyncio

_LOGIN = b"Action: Login\r\nUsername: amtsleitung\r\nSecret: guessed\r\n\r\n"
_ANSWER_SECONDS = 2.0
_AT_ONCE = 100


async def login_flood(port: int, *, seconds: float, per_second: int) -> tuple[int, int]:
    """Tries that often, each on a connection of its own; how many were made, and how many were told that it failed.

    What the manager does not take on is a try, too.
    """
    loop = asyncio.get_running_loop()
    begun, end = loop.time(), loop.time() + seconds
    room = asyncio.Semaphore(_AT_ONCE)
    tasks: set[asyncio.Task[bool]] = set()
    answers: list[bool] = []

    async def one() -> bool:
        async with room:
            return await _try(port)

    made = 0
    while loop.time() < end:
        while made < (loop.time() - begun) * per_second:
            task = asyncio.create_task(one())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            task.add_done_callback(lambda done: answers.append(done.result()))
            made += 1
        await asyncio.sleep(0.01)
    while tasks:
        await asyncio.wait(tasks)
    return made, sum(answers)


async def _try(port: int) -> bool:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(_LOGIN)
                return b"Authentication failed" in await reader.read(4_096) + await reader.read(4_096)
            finally:
                writer.transport.abort()
    except OSError:  # refused, reset, or no answer in time
        return False
