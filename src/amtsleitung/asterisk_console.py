# SPDX-License-Identifier: EUPL-1.2
"""Asking the running Asterisk on its own console, as an administrator would with ``asterisk -rx``."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from amtsleitung.errors import Problem
from amtsleitung.provision import asterisk
from amtsleitung.run_file import RunFile

ANSWER_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # the console paints whatever terminal it is on


async def console(running: RunFile, command: str) -> str:
    """What Asterisk answers to one console command. Raises ``Problem``."""
    program = await asyncio.to_thread(asterisk, report=lambda _text: None)
    configuration = Path(running.state_directory) / "asterisk" / "etc" / "asterisk.conf"
    process = await asyncio.create_subprocess_exec(
        *program.argv_prefix,
        "-C",
        str(configuration),
        "-rx",
        command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **program.environment},
    )
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        raise Problem("Asterisk's console does not answer: look at the log of asterisk.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _COLOUR.sub("", output.decode("utf-8", "replace"))


async def queue_shows_free(running: RunFile, *, queue: str, agent: str, deadline_seconds: float) -> None:
    """Waits until Asterisk takes the agent's telephone in this queue for free. Raises ``Problem``."""
    try:
        async with asyncio.timeout(deadline_seconds):
            while not _free(await console(running, f"queue show {queue}"), agent):  # noqa: ASYNC110 - the console only answers
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        raise Problem(f"{agent}'s telephone registered, but the queue {queue} does not take it for free.") from None


def _free(shown: str, agent: str) -> bool:
    return any(line.split()[:1] == [agent] and "(Not in use)" in line for line in shown.splitlines())
