# SPDX-License-Identifier: EUPL-1.2
"""``run`` with settings that cannot work: one clear sentence, a failure, and nothing that stays."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.database import Server
from tests.support.product import command, started, state_folder, using
from tests.support.system import running_system

pytestmark = pytest.mark.system


async def refused(state: Path, **settings: str) -> str:
    """What ``run`` says as it gives up. It must be one sentence, without a traceback, and nothing may be left."""
    async with started("run", "--once", state=state, **settings) as run:
        status = await run.ended(120)
        said = run.said
    assert status == 1, said
    assert "Traceback" not in said
    complaints = [line for line in said.splitlines() if not re.match(r"Amtsleitung: evaluation|  +\d+\.\d s  ", line)]
    assert len(complaints) == 1, said
    assert complaints[0].startswith("amtsleitung: ")
    assert using(state) == []
    assert not os.access(state / "run.json", os.F_OK)
    return complaints[0]


@pytest.fixture
def taken_tcp() -> Iterator[str]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def taken_udp() -> Iterator[str]:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


@pytest.mark.parametrize("name", ["API_BIND", "FASTAGI_BIND"])
async def test_a_taken_port(name: str, taken_tcp: str) -> None:
    async with state_folder() as state:
        said = await refused(state, **{name: taken_tcp})
    assert f"AMTSLEITUNG_{name} is {taken_tcp}" in said
    assert "Address already in use" in said


async def test_a_taken_sip_port(taken_udp: str) -> None:
    async with state_folder() as state:
        assert f"AMTSLEITUNG_SIP_BIND is {taken_udp}" in await refused(state, SIP_BIND=taken_udp)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("SIP_BIND", "5060", "write an address and a port"),
        ("SIP_BIND", "127.0.0.1:99999", "write an address and a port"),
        ("SIP_BIND", "192.0.2.1:5060", "AMTSLEITUNG_SIP_BIND is 192.0.2.1:5060"),
        ("API_BIND", "no.such.host.invalid:8080", "AMTSLEITUNG_API_BIND is no.such.host.invalid:8080"),
        ("DATABASE_URL", "postgresql://a:b@127.0.0.1:1/amtsleitung", "127.0.0.1:1"),
        ("DATABASE_URL", "mysql://a:b@127.0.0.1/amtsleitung", "postgresql"),
        ("DATABASE_URL_FILE", "/nowhere/url", "AMTSLEITUNG_DATABASE_URL_FILE names /nowhere/url"),
        ("ASTERISK", "/bin/false", "/bin/false"),
        ("ASTERISK", "/nowhere/asterisk", "/nowhere/asterisk"),
        ("NODE", "no de", "AMTSLEITUNG_NODE"),
    ],
)
async def test_a_setting_that_cannot_work(name: str, value: str, complaint: str) -> None:
    async with state_folder() as state:
        assert complaint in await refused(state, **{name: value})


async def test_settings_from_files_are_the_administrators_and_the_services_get_their_own(
    database_server: Server, tmp_path: Path
) -> None:
    admins_url, bind = tmp_path / "url", tmp_path / "bind"
    admins_url.write_text(database_server.url_of(database_server.new_name()))
    bind.write_text("127.0.0.1:0\n")
    async with running_system(
        short_prompts=True, DATABASE_URL_FILE=str(admins_url), API_BIND_FILE=str(bind), NODE="node7"
    ) as system:
        assert (await system.get("/health/ready"))["table_version"] == 1, "run.json says the right port"
        for service, role in {"fastagi": "router", "ami": "router", "api": "web"}.items():
            found = settings_of(system.pid(service))
            its_own = (system.state / "secrets" / f"database-{role}.url").read_text().strip()
            assert found["AMTSLEITUNG_DATABASE_URL"] == its_own != admins_url.read_text()
            assert found["AMTSLEITUNG_NODE"] == "node7"
            assert [name for name in found if name.endswith("_FILE")] == []
        assert f"http://{settings_of(system.pid('api'))['AMTSLEITUNG_API_BIND']}" == system.running.api_url
        assert settings_of(system.pid("asterisk")) == {}


async def test_a_setting_given_twice(tmp_path: Path) -> None:
    file = tmp_path / "bind"
    file.write_text("127.0.0.1:0")
    async with state_folder() as state:
        said = await refused(state, API_BIND_FILE=str(file), API_BIND="127.0.0.1:0")
    assert "AMTSLEITUNG_API_BIND and AMTSLEITUNG_API_BIND_FILE are both set" in said


def settings_of(pid: int) -> dict[str, str]:
    """The settings in a process's environment."""
    variables = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    pairs = (variable.partition("=") for variable in variables)
    return {name: value for name, _, value in pairs if name.startswith("AMTSLEITUNG_")}


async def test_a_wrong_password(database_server: Server) -> None:
    address = replace(database_server.address, password="wrong")
    async with state_folder() as state:
        said = await refused(state, DATABASE_URL=address.url())
    assert "password" in said
    assert "wrong@" not in said


@pytest.mark.parametrize("below", ["", "/below"])
async def test_a_state_directory_that_is_a_file(tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    async with state_folder() as state:
        status, out, err = await command("run", "--once", state=state, STATE_DIR=f"{file}{below}")
    assert (status, err.count("\n")) == (1, 1), (out, err)
    assert f"{file}{below}" in err
    assert "AMTSLEITUNG_STATE_DIR" in err
    assert file.read_text() == "mine"


@pytest.mark.parametrize("place", ["/proc/amtsleitung", "/sys/amtsleitung"])
async def test_a_state_directory_that_nobody_can_write(place: str) -> None:
    async with state_folder() as state:
        status, out, err = await command("run", "--once", state=state, STATE_DIR=place)
    assert (status, err.count("\n")) == (1, 1), (out, err)
    assert f"The state directory {place} cannot be used" in err


async def test_a_state_directory_that_exists_keeps_its_mode_apart_from_the_way_through() -> None:
    async with state_folder() as state:
        state.mkdir()
        state.chmod(0o1740)
        await refused(state, ASTERISK="/bin/false")
        expected = 0o1751 if os.geteuid() == 0 else 0o1740
        assert state.stat().st_mode & 0o7777 == expected
