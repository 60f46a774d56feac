# SPDX-License-Identifier: EUPL-1.2
"""``serve fastagi`` as a process of its own: it answers, it ends, and it has loaded nothing that it does not need."""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.core.rows import Rows
from routing.store import RoleUrls, Store
from tests.support.asterisk_agi import ACCEPTED, chosen, environment, route_script
from tests.support.journal import read_segments
from tests.support.living import until
from tests.support.product import EXAMPLE, Started, command, started, state_folder
from tests.support.system import OPEN
from tests.support.tables import example_rows

pytestmark = pytest.mark.system

SECONDS = 30.0
NEVER = {"fastapi", "starlette", "uvicorn", "pydantic", "pydantic_core", "panoramisk", "alembic", "jinja2"}
DATABASE = {"sqlalchemy", "asyncpg"}
# Python runs this first in every process that has its folder on PYTHONPATH; the product knows nothing of it.
_WITNESS = """
import os, signal, sys
def tell(*_):
    temporary = os.environ["WITNESS_FILE"] + ".tmp"
    with open(temporary, "w") as file:
        file.write("\\n".join(sorted(sys.modules)))
    os.replace(temporary, os.environ["WITNESS_FILE"])
signal.signal(signal.SIGUSR1, tell)
"""


@asynccontextmanager
async def serving(
    state: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str, **settings: str
) -> AsyncIterator[Started]:
    """``serve fastagi`` on a free port, ready, with the witness in it."""
    state.mkdir()  # noqa: ASYNC240 - an instant
    (state / "sitecustomize.py").write_text(_WITNESS)
    monkeypatch.setenv("PYTHONPATH", str(state))
    monkeypatch.setenv("WITNESS_FILE", str(state / "modules"))
    ready = state / "ready"
    words = ("serve", "fastagi", "--ready-file", str(ready), *arguments)
    async with started(*words, state=state, **settings) as service:
        await until(lambda: ready.exists() or service.process.returncode is not None, "it is ready", SECONDS)
        assert ready.exists(), service.said
        yield service


async def modules(service: Started) -> set[str]:
    """The top-level packages that the process has loaded by now."""
    told = service.state / "modules"
    service.process.send_signal(signal.SIGUSR1)
    await until(told.exists, "the witness has told", SECONDS)
    return {name.partition(".")[0] for name in told.read_text().split()}


async def answer(service: Started) -> dict[str, str]:
    """What the service tells an Asterisk about a call to Meinersen's switchboard."""
    pid, address = (service.state / "ready").read_text().split()
    assert int(pid) == service.process.pid
    host, _, port = address.rpartition(":")
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(environment(route_script("05372 89-0", trunk="demonstration", at=OPEN)))
            line = await reader.readline()
            writer.write(ACCEPTED)
            assert await reader.read() == b""
        finally:
            writer.close()
            await writer.wait_closed()
    return chosen(line)


async def test_with_a_file_it_loads_neither_web_nor_database_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async with state_folder() as state, serving(state, monkeypatch, "--config", str(EXAMPLE)) as service:
        values = await answer(service)
        loaded = await modules(service)
        service.process.send_signal(signal.SIGTERM)
        assert await service.ended() == 0, service.said
        lines = service.said.splitlines()
        assert not (state / "journal").exists(), "nobody would read it"
    assert lines
    assert [line for line in lines if not line.startswith("timestamp=")] == [], "every line is a line of the log"
    assert (values["ROUTE_KIND"], values["ROUTE_LINE"]) == ("enter_queue", "vermittlung")
    assert (values["ROUTE_TENANT"], values["ROUTE_VERSION"]) == ("samtgemeinde-meinersen", "0")
    assert {"agi", "routing", "structlog"} <= loaded
    assert loaded & (NEVER | DATABASE) == set()


async def test_alone_and_attacked_it_still_routes_and_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever bytes come, in whatever pieces, and however they end; and more of them at once than it has room for."""
    async with state_folder() as state, serving(state, monkeypatch, "--config", str(EXAMPLE)) as service:
        whole = await answer(service)
        held = _descriptors(service)
        await asyncio.to_thread(_attack, service)
        await until(lambda: _descriptors(service) == held, "all descriptors are given back", SECONDS)
        again = await answer(service)
        assert {**again, "ROUTE_OK": ""} == {**whole, "ROUTE_OK": ""}
        assert DATABASE & await modules(service) == set()
        assert service.process.returncode is None
        assert "Traceback" not in service.said


def _descriptors(service: Started) -> int:
    return sum(1 for _ in Path(f"/proc/{service.process.pid}/fd").iterdir())


def _attack(service: Started) -> None:
    address = ((service.state / "ready").read_text().split()[1]).rpartition(":")
    there = (address[0], int(address[2]))
    good = environment(route_script())
    known = [good, good[:-1], good[:400], b"\n", b"\0", b"HANGUP\n", ACCEPTED, b"agi_network: yes\n", b"x" * 9_000]
    places, junk = st.integers(0, len(good)), st.binary(max_size=9)
    pieces = st.one_of(
        st.binary(max_size=300),
        st.sampled_from(known),
        st.builds(lambda place, more: good[:place] + more + good[place:], places, junk),
    )

    @settings(max_examples=150, deadline=None, database=None)
    @given(chunks=st.lists(pieces, max_size=5), reset=st.booleans())
    def send(chunks: list[bytes], reset: bool) -> None:
        got = b""
        with socket.create_connection(there, timeout=SECONDS) as one:
            with suppress(OSError):  # it may have had enough already
                for chunk in chunks:
                    one.sendall(chunk)
                if not reset:
                    one.shutdown(socket.SHUT_WR)
                    while some := one.recv(4_096):
                        got += some
            if reset:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert got == b"" or (
            got.startswith(b'EXEC MSet "ROUTE_KIND=') and got.endswith(b'"\n') and got.count(b"\n") == 1
        )

    send()
    with ExitStack() as house:
        for _ in range(2_000):
            house.enter_context(socket.create_connection(there, timeout=SECONDS))


async def test_with_a_database_it_loads_no_web_and_follows_the_configuration(
    monkeypatch: pytest.MonkeyPatch, database: RoleUrls, owner_store: Store
) -> None:
    async def save(rows: Rows) -> str:
        at = datetime.now(UTC)
        return str(await owner_store.save_rows(rows, author="test", comment="", at=at, base_version=None))

    first = await save(example_rows())
    async with state_folder() as state, serving(state, monkeypatch, DATABASE_URL=database.router) as service:
        values = await answer(service)
        second = await save(example_rows(trunks=example_rows().trunks[:-1]))
        async with asyncio.timeout(SECONDS):
            while (await answer(service))["ROUTE_VERSION"] != second:  # noqa: ASYNC110 - only calls can tell
                await asyncio.sleep(0.05)
        loaded = await modules(service)
        service.process.send_signal(signal.SIGINT)
        assert await service.ended() == 0, service.said
        entries = [entry for segment in read_segments(state / "journal") for entry in segment.entries]
    assert [entry.line for entry in entries] == ["vermittlung"] * len(entries)
    assert [str(version) for version in sorted({entry.version for entry in entries})] == [first, second]
    assert {(entry.received, entry.dialled, entry.caller) for entry in entries} == {("05372 89-0", "+495372890", None)}
    assert (values["ROUTE_KIND"], values["ROUTE_VERSION"]) == ("enter_queue", first)
    assert loaded >= DATABASE
    assert loaded & NEVER == set()


@pytest.mark.parametrize("service", ["fastagi", "ami", "api"])
async def test_without_its_settings_a_service_says_which_one_is_missing(service: str) -> None:
    async with state_folder() as state:
        status, out, err = await command("serve", service, state=state)
    assert (status, out) == (1, "")
    assert "AMTSLEITUNG_DATABASE_URL is not set" in err
    assert "Traceback" not in err


async def test_a_file_with_problems_names_each_of_them(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("format: 1\ntrunks:\n  - { name: a, address: }\nagents: 7\n")
    async with state_folder() as state:
        status, _, err = await command("serve", "fastagi", "--config", str(file), state=state)
    assert status == 1
    assert "Traceback" not in err
    assert "trunks" in err
    assert "agents" in err
