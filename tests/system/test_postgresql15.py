# SPDX-License-Identifier: EUPL-1.2
"""The database part once against the distribution's own PostgreSQL (15 on Debian 12) instead of the embedded one."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from amtsleitung import provision
from amtsleitung.postgres import EmbeddedPostgres
from tests.support import sipp
from tests.support.database import embedded
from tests.support.product import CHECKOUT
from tests.support.system import MEINERSEN, OPEN, running_system

pytestmark = pytest.mark.system

OLDEST = 15
SECONDS = 170.0


@pytest.fixture(scope="module")
async def postgres() -> AsyncIterator[EmbeddedPostgres]:
    programs = await asyncio.to_thread(provision.postgresql_server)
    assert int(programs.version.partition(".")[0].partition("+")[0]) >= OLDEST, programs
    async with embedded(programs.bin_directory, programs.environment) as server:
        yield server


async def test_the_stores_tests_pass(postgres: EmbeddedPostgres) -> None:
    """Migrations, rows, calls in commit order and feeds: the same tests that run against the embedded server."""
    tests = sorted(map(str, (CHECKOUT / "tests" / "integration").glob("test_store_*.py")))
    assert len(tests) >= 5
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *tests,
        cwd=CHECKOUT, env=kept | {"AMTSLEITUNG_TEST_DATABASE_URL": postgres.admin_url},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = output.decode()
    assert process.returncode == 0, text[-6000:]
    passed = re.search(r"^(\d+) passed", text, re.MULTILINE)
    assert passed is not None, text[-2000:]
    assert int(passed[1]) >= 50
    assert "skipped" not in text


async def test_run_takes_it_instead_of_the_embedded_one(postgres: EmbeddedPostgres) -> None:
    url = postgres.admin_url.rpartition("/")[0] + "/amtsleitung_run"
    async with running_system(short_prompts=True, DATABASE_URL=url) as system:
        assert "postgres" not in system.running.processes
        assert not os.access(system.state / "postgres", os.F_OK)
        async with sipp.telephone(system, "agent01", hang_up_after=0.1) as phone:
            await sipp.call(system, dialled=MEINERSEN, at=OPEN, source=sipp.DEMONSTRATION, expect=200)
            assert phone.invites
        (received,) = system.ami.user_events("CallReceived")
        row = await system.ended_call(received["Uniqueid"])
        assert (row["outcome"], row["level"], row["table_version"]) == ("answered", "service", 1)
        status, out, err = await system.command("doctor")
        assert status == 0, (out, err)
        secret = postgres.admin_url.partition("://")[2].partition("@")[0].partition(":")[2]
        logs: list[Path] = [*(system.state / "log").iterdir(), system.state / "run.json"]
        assert [path for path in logs if secret in path.read_text(encoding="utf-8")] == []
