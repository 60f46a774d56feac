# SPDX-License-Identifier: EUPL-1.2
"""Databases that cannot be had, and addresses that cannot be read: one sentence each, never with a password."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from routing.store import RoleUrls, Store, StoreError, migrate
from routing.store.address import Address
from routing.store.inspection import require_server
from tests.support.database import PASSWORDS, Server
from tests.support.wait import until

SECRET = "s3cr3t@:/%"


def address(**parts: object) -> Address:
    given = {"host": "127.0.0.1", "port": 5432, "user": "web", "password": SECRET, "database": "amtsleitung"} | parts
    return Address(**given)  # type: ignore[arg-type]


@asynccontextmanager
async def deaf_server() -> AsyncIterator[int]:
    """A port that accepts connections and never says a word."""
    done = asyncio.Event()

    async def wait(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        done.set()
        server.close()
        await server.wait_closed()


async def test_an_unreachable_server_is_named_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    url = address(port=port).url()
    for attempt in (Store.connect(url), migrate(url, passwords=PASSWORDS)):
        with pytest.raises(StoreError, match=rf"127\.0\.0\.1:{port}/amtsleitung .*AMTSLEITUNG_DATABASE_URL") as caught:
            await attempt
        assert SECRET not in str(caught.value)


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async with deaf_server() as port:
        with pytest.raises(StoreError, match="does not answer in time"):
            await Store.connect(address(port=port).url(), deadline_seconds=0.2)


async def test_a_missing_database_and_a_wrong_password_have_their_own_sentences(database: RoleUrls) -> None:
    here = Address.parse(database.web)
    with pytest.raises(StoreError, match=r"no database nowhere at .*run `amtsleitung migrate`"):
        await Store.connect(replace(here, database="nowhere").url())
    with pytest.raises(StoreError, match="does not let the role") as caught:
        await Store.connect(replace(here, password=SECRET).url())
    assert SECRET not in str(caught.value)


async def test_a_store_lives_through_the_loss_of_its_connections(store: Store, database_server: Server) -> None:
    await store.ping()
    await database_server.admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1 AND usename = $2",
        store.address.database,
        store.address.user,
    )

    async def answers() -> bool:
        try:
            await store.ping()
        except StoreError:
            return False
        return True

    await until(answers, what="a new connection")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (f"mysql://u:{'s3cr3t'}@h/d", "does not begin with postgresql://"),
        ("postgresql://u:s3cr3t@h:port/d", "is not a URL"),
        ("s3cr3t", "is not a URL"),
        ("", "is not a URL"),
        ("postgresql://u:s3cr3t@h", "names no database"),
        ("postgresql://u:s3cr3t@h/d?sslrootcert=x", r"not known here \(sslrootcert\)"),
        ("postgresql://u:s3cr3t@h/d?sslmode=require&sslmode=disable", "gives an option twice"),
    ],
)
async def test_an_address_that_cannot_be_read_is_not_repeated(url: str, fault: str) -> None:
    with pytest.raises(StoreError, match=fault) as caught:
        await Store.connect(url)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "parts",
    [
        address(),
        address(ssl="require"),
        address(host="/run/postgresql"),
        address(host="::1"),
        address(user=None, password=None),
        address(database='Ämter "x" 100%'),
    ],
    ids=str,
)
def test_an_address_survives_being_written(parts: Address) -> None:
    assert Address.parse(parts.url()) == parts
    assert SECRET not in f"{parts} {parts!r}"


@pytest.mark.parametrize("url", ["postgres://u@h/d", "postgresql://u@h:5432/d", "postgresql+asyncpg://u@h/d"])
def test_the_usual_spellings_mean_the_same(url: str) -> None:
    assert Address.parse(url) == Address(host="h", port=5432, user="u", password=None, database="d")


@pytest.mark.parametrize(
    ("version", "encoding", "fault"),
    [(140_011, "UTF8", "PostgreSQL 14: version 15 or newer"), (150_000, "LATIN1", "encoding LATIN1, not UTF8")],
)
def test_a_server_that_will_not_do_is_refused(version: int, encoding: str, fault: str) -> None:
    require_server(150_000, "UTF8", address())
    with pytest.raises(StoreError, match=fault):
        require_server(version, encoding, address())
