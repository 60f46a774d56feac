# SPDX-License-Identifier: EUPL-1.2
"""Settings: every one from the environment or a file, with a default, and a sentence for what cannot be read."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from amtsleitung.errors import Problem
from amtsleitung.process import service_environment
from amtsleitung.settings import CHECKOUT, Bind, read_settings


def test_nothing_needs_to_be_set() -> None:
    settings = read_settings({})
    free = Bind(host="127.0.0.1", port=0)
    assert (settings.sip_bind, settings.fastagi_bind, settings.api_bind) == (free, free, free)
    assert (settings.database_url, settings.ami_url, settings.node) == (None, None, "node1")
    assert settings.api_hosts == ("127.0.0.1", "localhost")
    assert settings.state_directory.is_absolute()


def test_an_empty_variable_is_none() -> None:
    assert read_settings({"AMTSLEITUNG_DATABASE_URL": "", "AMTSLEITUNG_NODE": ""}) == read_settings({})


def test_a_file_may_hold_the_value(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://a:b@db/amtsleitung\n")
    for plain in ({}, {"AMTSLEITUNG_DATABASE_URL": ""}):
        settings = read_settings({"AMTSLEITUNG_DATABASE_URL_FILE": str(secret), **plain})
        assert settings.database_url == "postgresql://a:b@db/amtsleitung"


@pytest.mark.parametrize("name", ["DATABASE_URL", "API_BIND", "NODE", "STATE_DIR"])
def test_a_setting_given_twice_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "value"
    file.write_text("127.0.0.1:0")
    both = {f"AMTSLEITUNG_{name}": "127.0.0.1:0", f"AMTSLEITUNG_{name}_FILE": str(file)}
    with pytest.raises(Problem, match=f"^AMTSLEITUNG_{name} and AMTSLEITUNG_{name}_FILE are both set: unset one"):
        read_settings(both)


@pytest.mark.parametrize(
    ("content", "why"), [(None, "cannot be read"), (b"\xff\xfe\x00", "cannot be read"), (b" \n", "empty")]
)
def test_a_file_without_a_value_is_named(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "url"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Problem, match=f"AMTSLEITUNG_AMI_URL_FILE names {re.escape(str(file))}, which .*{why}"):
        read_settings({"AMTSLEITUNG_AMI_URL_FILE": str(file)})


def test_a_service_finds_its_own_settings_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AMTSLEITUNG_")]:
        monkeypatch.delenv(name)
    admins = tmp_path / "url"
    admins.write_text("postgresql://admin:secret@db/amtsleitung")
    monkeypatch.setenv("AMTSLEITUNG_DATABASE_URL_FILE", str(admins))
    monkeypatch.setenv("AMTSLEITUNG_AMI_URL", "ami://somebody:secret@127.0.0.1:1")
    monkeypatch.setenv("AMTSLEITUNG_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("AMTSLEITUNG_NODE", "node7")
    monkeypatch.setenv("AMTSLEITUNG_API_HOSTS", "telefon.example,localhost")
    monkeypatch.setenv("AMTSLEITUNG_LOG_PERSONAL", "no")
    settings = read_settings()
    environment = service_environment(settings, database_url="postgresql://web:w@db/amtsleitung", API_BIND="[::1]:80")
    assert {name: value for name, value in environment.items() if name.startswith("AMTSLEITUNG_")} == {
        "AMTSLEITUNG_STATE_DIR": str(tmp_path),
        "AMTSLEITUNG_NODE": "node7",
        "AMTSLEITUNG_API_HOSTS": "telefon.example,localhost",
        "AMTSLEITUNG_LOG_PERSONAL": "no",
        "AMTSLEITUNG_DATABASE_URL": "postgresql://web:w@db/amtsleitung",
        "AMTSLEITUNG_API_BIND": "[::1]:80",
    }
    assert environment["PATH"] == os.environ["PATH"]
    found = read_settings(environment)
    assert (found.node, found.api_hosts, str(found.api_bind)) == (settings.node, settings.api_hosts, "[::1]:80")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("0.0.0.0:5060", "0.0.0.0", 5060), ("[::1]:8080", "[::1]", 8080), ("localhost:0", "localhost", 0)],  # noqa: S104
)
def test_an_address_to_listen_on(text: str, host: str, port: int) -> None:
    bind = read_settings({"AMTSLEITUNG_API_BIND": text}).api_bind
    assert bind == Bind(host=host, port=port)
    assert str(bind) == text


@pytest.mark.parametrize("text", ["5060", ":5060", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "h:-1", "h:١", "h: 1"])
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Problem, match=r"AMTSLEITUNG_SIP_BIND is .*such as 127\.0\.0\.1:8080"):
        read_settings({"AMTSLEITUNG_SIP_BIND": text})


@pytest.mark.parametrize("text", ["no de", "a/b", "ü", "-x", "a" * 41, "1.2", "x\n"])
def test_a_name_of_a_node_that_would_break_a_calls_id_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="AMTSLEITUNG_NODE is"):
        read_settings({"AMTSLEITUNG_NODE": text})


def test_every_setting_is_documented() -> None:
    read = re.findall(r'reader\.(?:value|bind)\("([A-Z_]+)"\)|self\.value\("([A-Z_]+)"\)',
                      (CHECKOUT / "src" / "amtsleitung" / "settings.py").read_text(encoding="utf-8"))  # fmt: skip
    names = {f"AMTSLEITUNG_{first or second}" for first, second in read}
    as_files, directly = (CHECKOUT / ".env.example").read_text(encoding="utf-8").split("# The second part")
    assert _documented(as_files) == names
    programs = [CHECKOUT / "amtsleitung", *(CHECKOUT / "src").rglob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in programs]
    pattern = (
        r'environ(?:\.get\(|\[)(?:"|f"\{PREFIX\})(?:AMTSLEITUNG_)?(ASTERISK|[A-Z]+_[A-Z]+|DEV)"|"AMTSLEITUNG_(DEV)"'
    )
    read_directly = {f"AMTSLEITUNG_{one or other}" for text in texts for one, other in re.findall(pattern, text)}
    paths = {f"AMTSLEITUNG_{name}" for text in texts for name in re.findall(r'reader\.path\("([A-Z_]+)"\)', text)}
    assert _documented(directly) == read_directly - {"AMTSLEITUNG_XDG_CACHE_HOME"} | paths


def _documented(text: str) -> set[str]:
    return set(re.findall(r"^#?(AMTSLEITUNG_[A-Z_]+)=", text, re.MULTILINE))
