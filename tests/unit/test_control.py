# SPDX-License-Identifier: EUPL-1.2
"""The control socket: private, bounded, answering in sentences, wherever the folder is."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from amtsleitung.control import NAME, ask, controlled
from amtsleitung.errors import Problem
from tests.support.wait import until

SECONDS = 20.0


async def repeat(request: Mapping[str, Any]) -> Mapping[str, Any]:
    if request.get("service") == "broken":
        raise Problem("It does not get ready.")
    return {"ok": True, "sentence": request["service"]}


async def asked(folder: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    return await asyncio.to_thread(ask, folder, request, deadline_seconds=SECONDS)


async def test_a_request_and_its_answer_in_a_folder_of_any_length(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 120)
    folder.mkdir()
    (folder / NAME).write_text("left by a killed one")
    async with controlled(folder, repeat):
        assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o600
        assert (await asked(folder, {"service": "fastagi"}))["sentence"] == "fastagi"
        with pytest.raises(Problem, match=r"^It does not get ready\.$"):
            await asked(folder, {"service": "broken"})
    assert not (folder / NAME).exists()
    with pytest.raises(Problem, match="does not answer"):
        await asked(folder, {"service": "fastagi"})


@pytest.mark.parametrize("line", [b"no json\n", b"\n", b"[" * 3_000 + b"\n", b"x" * 100_000, b"7\n"])
async def test_nonsense_is_answered_or_cut_off_and_harms_nobody(line: bytes, tmp_path: Path) -> None:
    async with controlled(tmp_path, repeat):
        reader, writer = await asyncio.open_unix_connection(tmp_path / NAME)
        writer.write(line)
        said = await asyncio.wait_for(reader.read(), SECONDS)
        writer.close()
        assert said == b"" or json.loads(said)["ok"] is False
        assert (await asked(tmp_path, {"service": "api"}))["sentence"] == "api"


async def test_who_asks_and_goes_does_not_stop_what_was_asked_for(tmp_path: Path) -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(_request: Mapping[str, Any]) -> Mapping[str, Any]:
        begun.set()
        await go_on.wait()
        done.set()
        return {"ok": True, "sentence": ""}

    async with controlled(tmp_path, slow):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(tmp_path / NAME))
            connection.sendall(b"{}\n")
            await asyncio.wait_for(begun.wait(), SECONDS)
        go_on.set()
        await asyncio.wait_for(done.wait(), SECONDS)


async def test_its_end_does_not_wait_for_requests(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def endless(_request: Mapping[str, Any]) -> Mapping[str, Any]:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(SECONDS):
        async with controlled(tmp_path, endless):
            reader, writer = await asyncio.open_unix_connection(tmp_path / NAME)
            writer.write(b"{}\n")
            await begun.wait()
        assert await reader.read() == b""
        writer.close()


async def test_another_user_is_not_answered(tmp_path: Path) -> None:
    async with controlled(tmp_path, repeat):
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) & 0o077 == 0
        if os.geteuid() != 0:  # only root can become somebody else
            return
        (tmp_path / NAME).chmod(0o666)  # even if somebody opened it
        stranger = (
            "import os, socket, sys; s = socket.socket(socket.AF_UNIX); os.chdir(sys.argv[1]); os.setuid(65534)\n"
            f"s.connect({NAME!r}); s.sendall(b'{{\"service\": 1}}\\n'); print(s.makefile().read())"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", stranger, str(tmp_path), stdout=subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(process.communicate(), SECONDS)
        assert out.strip() == b""
        await until(lambda: process.returncode is not None)
        assert (await asked(tmp_path, {"service": "api"}))["sentence"] == "api"
