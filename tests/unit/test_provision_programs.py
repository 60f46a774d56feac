# SPDX-License-Identifier: EUPL-1.2
"""Which Asterisk, SIPp and PostgreSQL are taken when the machine has some of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from amtsleitung import provision
from amtsleitung.errors import Problem
from amtsleitung.provision import asterisk_binary

_DEADLINE_SECONDS = 30


def make_asterisk(prefix: Path, version: str, *, modules: str = "lib/any-linux-gnu/asterisk/modules") -> Path:
    binary = prefix / "sbin" / "asterisk"
    for folder in (binary.parent, prefix / modules, prefix / "share" / "asterisk"):
        folder.mkdir(parents=True)
    (prefix / modules / "chan_pjsip.so").touch()
    binary.write_text(f"#!/bin/sh\necho 'Asterisk {version}'\n")
    binary.chmod(0o755)
    return binary


@pytest.fixture(autouse=True)
def _nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AMTSLEITUNG_ASTERISK", raising=False)


@pytest.mark.parametrize("modules", ["lib/any-linux-gnu/asterisk/modules", "lib/asterisk/modules"])
def test_a_named_asterisk_is_used_with_the_directories_of_its_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modules: str
) -> None:
    binary = make_asterisk(tmp_path, "20.6.0~dfsg+~cs6.13", modules=modules)
    monkeypatch.setenv("AMTSLEITUNG_ASTERISK", str(binary))
    found = provision.asterisk(report=pytest.fail)
    assert found.argv_prefix == (str(binary),)
    assert found.version == "20.6.0"
    assert found.module_directory == tmp_path / modules
    assert found.data_directory == tmp_path / "share" / "asterisk"


@pytest.mark.parametrize("version", ["16.28.0", "17.9", "", "certified/13.8"])
def test_a_named_one_that_is_too_old_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setenv("AMTSLEITUNG_ASTERISK", str(make_asterisk(tmp_path, version)))
    with pytest.raises(Problem, match="Asterisk 18 or newer is needed"):
        provision.asterisk(report=pytest.fail)


def test_a_named_one_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMTSLEITUNG_ASTERISK", str(tmp_path / "none"))
    with pytest.raises(Problem, match=r"none, named by AMTSLEITUNG_ASTERISK, is no program"):
        provision.asterisk(report=pytest.fail)


def test_one_without_modules_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = make_asterisk(tmp_path, "22.1.0")
    (tmp_path / "lib/any-linux-gnu/asterisk/modules/chan_pjsip.so").unlink()
    monkeypatch.setenv("AMTSLEITUNG_ASTERISK", str(binary))
    with pytest.raises(Problem, match="install Asterisk's modules"):
        provision.asterisk(report=pytest.fail)


def test_the_one_on_path_is_used_if_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(make_asterisk(tmp_path, "18.0.1").parent))
    assert provision.asterisk(report=pytest.fail).version == "18.0.1"


def test_an_old_one_on_path_is_said_to_be_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(make_asterisk(tmp_path, "16.28.0").parent))
    said: list[str] = []

    def fetched(report: object, *, fetching: bool) -> None:
        raise Problem("fetched")

    monkeypatch.setattr(asterisk_binary, "_fetched", fetched)
    with pytest.raises(Problem, match=r"^fetched$"):
        provision.asterisk(report=said.append)
    assert said == [f"{tmp_path}/sbin/asterisk is version 16.28.0, older than 18, and is ignored"]


def test_sipp_on_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "sipp"
    program.write_text("#!/bin/sh\necho ' SIPp v3.7.3-TLS.'; exit 99\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = provision.sipp(report=pytest.fail)
    assert (found.argv_prefix, found.version) == ((str(program),), "3.7.3")


def test_the_embedded_postgresql_runs_from_a_copy_when_only_root_could_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMTSLEITUNG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    in_place = provision.embedded_postgresql()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("amtsleitung.provision.embedded.open_to_all", lambda folder: False)
    monkeypatch.setattr("amtsleitung.provision.cache.open_to_all", lambda folder: True)
    copy = provision.embedded_postgresql()
    assert copy.bin_directory.is_relative_to(tmp_path / "cache")
    said = [
        subprocess.run(
            [each.bin_directory / "initdb", "--version"], check=True, capture_output=True, timeout=_DEADLINE_SECONDS
        ).stdout
        for each in (in_place, copy)
    ]
    assert said[0] == said[1] != b""
