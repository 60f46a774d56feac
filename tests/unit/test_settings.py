# SPDX-License-Identifier: EUPL-1.2
"""Settings: every one from the environment or a file, with a default, and a sentence for what cannot be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from amtsleitung.errors import Problem
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
    settings = read_settings({"AMTSLEITUNG_DATABASE_URL_FILE": str(secret), "AMTSLEITUNG_DATABASE_URL": "ignored"})
    assert settings.database_url == "postgresql://a:b@db/amtsleitung"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "url"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Problem, match=f"AMTSLEITUNG_AMI_URL_FILE names {re.escape(str(file))}"):
        read_settings({"AMTSLEITUNG_AMI_URL_FILE": str(file)})


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
    documented = set(re.findall(r"^#?(AMTSLEITUNG_[A-Z_]+)=", (CHECKOUT / ".env.example").read_text(), re.MULTILINE))
    assert {"AMTSLEITUNG_DATABASE_URL", "AMTSLEITUNG_SIP_BIND", "AMTSLEITUNG_NODE"} <= names <= documented
