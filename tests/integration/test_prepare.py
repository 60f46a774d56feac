# SPDX-License-Identifier: EUPL-1.2
"""``amtsleitung prepare`` on a real PostgreSQL: what the containers find, and that doing it again changes nothing."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from agi.ami.address import read_ami_url
from amtsleitung.asterisk_home import kept_manager_url
from amtsleitung.errors import Problem
from amtsleitung.prepare import prepare
from amtsleitung.run_file import read_run_file
from routing.store import Store
from tests.support.database import Server

BINDS = {"SIP_BIND": "127.0.0.1:5060", "FASTAGI_BIND": "127.0.0.1:4573", "API_BIND": "api:8080"}


def set_environment(monkeypatch: pytest.MonkeyPatch, settings: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("AMTSLEITUNG_")]:
        monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(f"AMTSLEITUNG_{name}", value)


async def prepared(keys: Path) -> list[str]:
    said: list[str] = []
    await asyncio.to_thread(prepare, keys=keys, say=said.append)
    return said


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_everything_is_there_and_stays_as_it_is(
    database_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, keys = tmp_path / "state", tmp_path / "keys"
    url = database_server.url_of(database_server.new_name())
    set_environment(monkeypatch, {"DATABASE_URL": url, "STATE_DIR": str(state), **BINDS})
    said = await prepared(keys)
    assert said[0].endswith("configuration version 1.")
    for service in ("fastagi", "ami", "api"):
        store = await Store.connect((keys / service / "database.url").read_text().strip())
        assert await store.load_rows() is not None, f"{service} may read the configuration"
        await store.close()
    configuration = (state / "asterisk" / "etc" / "asterisk.conf").read_text()
    assert "astmoddir" not in configuration, "the program elsewhere knows its own modules"
    assert f"astetcdir => {state}/asterisk/etc" in configuration
    assert "[agent01]" in (state / "asterisk" / "etc" / "generated" / "devices.conf").read_text()
    assert list((state / "sounds").glob("*.wav16"))
    found = read_run_file(state)
    assert found is not None
    assert (found.sip, found.api_url, found.database_url) == (
        "127.0.0.1:5060", "http://api:8080", (state / "secrets" / "database-owner.url").read_text().strip()
    )  # fmt: skip

    before = contents(tmp_path)
    assert await prepared(keys) == said
    assert contents(tmp_path) == before


async def test_secrets_are_handed_out_one_by_one_and_to_their_owner_alone(
    database_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, keys = tmp_path / "state", tmp_path / "keys"
    url = database_server.url_of(database_server.new_name())
    set_environment(monkeypatch, {"DATABASE_URL": url, "STATE_DIR": str(state), **BINDS})
    await prepared(keys)
    given = {str(path.relative_to(keys)): path for path in keys.rglob("*") if path.is_file()}
    assert given.keys() == {"fastagi/database.url", "ami/database.url", "ami/ami.url", "api/database.url"}
    for path in (*given.values(), *(state / "secrets").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert given["ami/ami.url"].read_text().strip() == kept_manager_url(state, "127.0.0.1:5038")
    secret = read_ami_url(kept_manager_url(state, "127.0.0.1:5038")).secret
    assert f"secret={secret}\n" in (state / "asterisk" / "etc" / "generated" / "manager.conf").read_text()
    assert not any(secret.encode() in text for path, text in contents(keys).items() if path.name != "ami.url")


@pytest.mark.parametrize("left_out", ["DATABASE_URL", *BINDS])
def test_what_must_be_known_beforehand_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: str
) -> None:
    settings = {"DATABASE_URL": "postgresql://a:b@127.0.0.1:1/x", "STATE_DIR": str(tmp_path / "state"), **BINDS}
    del settings[left_out]
    set_environment(monkeypatch, settings)
    with pytest.raises(Problem, match=f"AMTSLEITUNG_{left_out}"):
        prepare(keys=tmp_path / "keys", say=print)
    assert not list(tmp_path.iterdir()), "nothing was made"
