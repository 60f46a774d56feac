# SPDX-License-Identifier: EUPL-1.2
"""Asking the running Asterisk: on its own console, as ``asterisk -rx`` does, or through its manager."""

from __future__ import annotations

import asyncio
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from agi.ami.address import read_ami_url
from agi.ami.client import AmiConnection, AmiLoginError, AmiReply, AmiTimeoutError
from agi.ami.protocol import AmiDisconnectedError
from amtsleitung.asterisk_home import kept_manager_url
from amtsleitung.errors import Problem
from amtsleitung.provision import asterisk
from amtsleitung.run_file import RunFile

ANSWER_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
_NOT_IN_USE = "1"  # AST_DEVICE_NOT_INUSE
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
    """Waits until Asterisk takes the agent's telephone in this queue for free. Raises ``Problem``.

    Asks the manager, not the console: in a container the program ``asterisk`` is somewhere else.
    """
    address = read_ami_url(kept_manager_url(Path(running.state_directory), running.ami))
    try:
        async with (
            asyncio.timeout(deadline_seconds),
            await AmiConnection.open(address, clock=lambda: datetime.now(UTC)) as connection,
        ):
            while not _free(await connection.act("QueueStatus", {"Queue": queue}, as_list=True), agent):  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        raise Problem(f"{agent}'s telephone registered, but the queue {queue} does not take it for free.") from None
    except (OSError, AmiLoginError, AmiTimeoutError, AmiDisconnectedError) as error:
        raise Problem(f"Asterisk's manager at {running.ami} does not answer ({error}): look at its log.") from error


def _free(status: AmiReply, agent: str) -> bool:
    return any(
        item.event == "QueueMember" and item.get("name") == agent and item.get("status") == _NOT_IN_USE
        for item in status.items
    )
