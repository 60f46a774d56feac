# SPDX-License-Identifier: EUPL-1.2
"""``call`` and ``doctor`` beside the running product; ``migrate`` on an empty database."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.support.database import Server
from tests.support.living import descendants
from tests.support.product import EXAMPLE, command, state_folder
from tests.support.system import CLOSED, OPEN, System

pytestmark = pytest.mark.system


@pytest.mark.parametrize(
    ("dialled", "at", "said"),
    [
        ("05372 89-0", OPEN, "Samtgemeinde Meinersen, Vermittlung (decided by the service"),
        ("05372 89-0", CLOSED, "Samtgemeinde Meinersen, Vermittlung (decided by the service"),
        ("05371 82-600", OPEN, "Landkreis Gifhorn, Zulassungsstelle"),
        ("115", OPEN, "Behördennummer 115"),
        ("0999 1\r\nX: \x1b[31m${SHELL(id)}", OPEN, "nobody's number"),
    ],
)
async def test_call_places_a_real_call_and_tells_it(system: System, dialled: str, at: str, said: str) -> None:
    status, out, err = await system.command("call", dialled, "--at", at)
    assert (status, err) == (0, ""), out
    assert said in out
    assert out.endswith("As expected.\n")
    assert "from a withheld number through trunk demonstration" in out
    assert "\x1b" not in out


async def test_call_takes_a_caller_and_an_agent(system: System) -> None:
    arguments = ("call", "05374 88-0", "--caller", "03023125077", "--agent", "agent13", "--at", OPEN)
    status, out, err = await system.command(*arguments)
    assert (status, err) == (0, ""), out
    assert re.search(r"received +05374 88-0 from 03023125077", out)
    assert re.search(r"answered +by agent13", out)


async def test_call_that_takes_another_way_than_expected_is_a_failure(system: System) -> None:
    fastagi = system.pid("fastagi")
    halted = (*descendants(fastagi), fastagi)  # its watchdog, which would end it, first
    for pid in halted:
        os.kill(pid, signal.SIGSTOP)
    try:
        status, out, _ = await system.command("call", "05372 89-0", "--at", CLOSED)
    finally:
        for pid in reversed(halted):
            os.kill(pid, signal.SIGCONT)
    assert status == 3
    assert "unexpected: level 'astdb' instead of 'service'" in out
    assert "Not as expected." in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("05372 89-0", "--at", OPEN, "--agent", "nobody"), "The agent 'nobody' is not in the group 'allgemein'"),
        (("05372 89-0", "--at", "tomorrow"), "'tomorrow' is no instant"),
        (("05372 89-0", "--at", "2026-11-23T10:00"), "has no offset from UTC"),
    ],
)
async def test_call_refuses_what_it_cannot_do(system: System, arguments: tuple[str, ...], complaint: str) -> None:
    status, out, err = await system.command("call", *arguments)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert complaint in err


async def test_without_a_running_system_call_says_how_to_start_one() -> None:
    async with state_folder() as state:
        status, out, err = await command("call", "05372 89-0", state=state)
    assert (status, out) == (1, "")
    assert err == "amtsleitung: No system is running here: start one with ./amtsleitung run (in another terminal).\n"


async def test_doctor_is_content_with_a_running_system(system: System) -> None:
    status, out, err = await system.command("doctor")
    assert (status, err) == (0, ""), out
    assert out.endswith("All is well.\n")
    assert "BAD" not in out
    for name in (
        "cache folder",
        "time zones",
        "asterisk",
        "sipp",
        "fastagi port",
        "ami port",
        "api",
        "database",
        *system.running.processes,
    ):
        assert re.search(rf"^ok   {re.escape(name)} ", out, re.MULTILINE), (name, out)


async def test_doctor_finds_what_hangs_and_says_where_to_look(system: System) -> None:
    api = system.pid("api")
    os.kill(api, signal.SIGSTOP)
    try:
        status, out, _ = await system.command("doctor")
    finally:
        os.kill(api, signal.SIGCONT)
    assert status == 1
    sick = out[out.index("BAD") :].splitlines()
    assert sick[0].split()[:2] == ["BAD", "api"]
    assert sick[1].strip() == f"→ look at {system.running.logs['api']}"
    assert out.endswith("1 thing(s) to mend.\n")


async def test_doctor_says_which_process_has_gone_and_names_its_log(system: System) -> None:
    fastagi, run = system.pid("fastagi"), system.run.process.pid
    os.kill(run, signal.SIGSTOP)  # so that nobody starts it again meanwhile
    try:
        os.kill(fastagi, signal.SIGKILL)
        status, out, _ = await system.command("doctor")
    finally:
        os.kill(run, signal.SIGCONT)
    await system.restarted("fastagi", fastagi)
    assert status == 1
    assert re.search(
        rf"^BAD  fastagi +process {fastagi} has gone\n +→ look at {system.running.logs['fastagi']};", out, re.MULTILINE
    ), out


async def test_doctor_without_a_system_names_every_ill() -> None:
    url = "postgresql://a:secret@127.0.0.1:1/amtsleitung"
    async with state_folder() as state:
        status, out, err = await command("doctor", state=state, DATABASE_URL=url, ASTERISK="/bin/false")
        assert (status, err) == (1, "")
        assert re.findall(r"^BAD  (\w+)", out, re.MULTILINE) == ["asterisk", "database"]
        assert "/bin/false" in out
        assert "127.0.0.1:1" in out
        assert "secret" not in out
        status, out, _ = await command("doctor", state=state, SIP_BIND="5060")
        assert status == 1
        assert out.startswith("BAD  settings")


async def test_migrate_without_a_database_says_that_run_needs_none() -> None:
    async with state_folder() as state:
        status, out, err = await command("migrate", state=state)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "AMTSLEITUNG_DATABASE_URL is not set" in err
    assert "./amtsleitung run brings it up to date by itself" in err


@pytest.mark.parametrize("words", [("call", "--help"), ("run", "--help"), ("demonstrate", "--help")])
async def test_the_exit_status_of_an_unexpected_call_is_documented(words: tuple[str, ...]) -> None:
    async with state_folder() as state:
        status, out, _ = await command(*words, state=state)
    assert status == 0
    assert re.search(r"exit\s+status.*\b3\b", out, re.IGNORECASE | re.DOTALL), out


async def test_migrate_makes_a_database_that_the_other_commands_use(database_server: Server, tmp_path: Path) -> None:
    url = database_server.url_of(database_server.new_name())
    async with state_folder() as state:
        for _ in range(2):
            status, _, err = await command("migrate", state=state, DATABASE_URL=url)
            assert status == 0, err
        owner = (state / "secrets" / "database-owner.url").read_text().strip()
        modes = [path.stat().st_mode & 0o777 for path in (state / "secrets").iterdir()]
        assert modes == [0o600] * len(modes)
        status, _, err = await command("export", state=state, DATABASE_URL=owner)
        assert (status, "holds no configuration" in err) == (1, True)
        status, out, err = await command("import", str(EXAMPLE), state=state, DATABASE_URL=owner)
        assert (status, "version 1 is live" in out) == (0, True), err
        status, out, err = await command("route", "05372 89-0", "--at", OPEN, state=state, DATABASE_URL=owner)
        assert (status, "samtgemeinde-meinersen/vermittlung: enter_queue" in out) == (0, True), err
        target = tmp_path / "no" / "such" / "folder"
        status, _, err = await command("export", "--output", str(target), state=state, DATABASE_URL=owner)
        assert (status, f"{target} cannot be written" in err) == (1, True)
