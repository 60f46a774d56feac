# SPDX-License-Identifier: EUPL-1.2
"""``run.json``: whole or not there, private, without a secret, and believed only while its process lives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from amtsleitung.errors import Problem
from amtsleitung.run_file import RunFile, read_run_file, remove_run_file, write_private, write_run_file


@pytest.fixture
def running(tmp_path: Path) -> RunFile:
    write_private(tmp_path / "owner.url", "postgresql://owner:secret@127.0.0.1/amtsleitung\n")
    return RunFile(
        pid=os.getpid(),
        node="node1",
        state_directory=str(tmp_path),
        sip="127.0.0.1:5060",
        fastagi="127.0.0.1:4573",
        ami="127.0.0.1:5038",
        api_url="http://127.0.0.1:8080",
        agent_page="http://127.0.0.1:8080/agent/agent01",
        database="the embedded PostgreSQL",
        database_url_file=str(tmp_path / "owner.url"),
        asterisk="/usr/sbin/asterisk",
        asterisk_version="22.10.1",
        processes={"fastagi": 4711},
        logs={"fastagi": "/log/fastagi.log"},
    )


def test_what_is_written_is_read_and_its_owner_alone_may(tmp_path: Path, running: RunFile) -> None:
    path = write_run_file(tmp_path, running)
    assert read_run_file(tmp_path) == running
    assert path.stat().st_mode & 0o777 == 0o600
    assert "secret" not in path.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["owner.url", "run.json"]


def test_the_databases_address_comes_from_its_own_private_file(tmp_path: Path, running: RunFile) -> None:
    assert running.database_url == "postgresql://owner:secret@127.0.0.1/amtsleitung"
    assert (tmp_path / "owner.url").stat().st_mode & 0o777 == 0o600
    gone = replace(running, database_url_file=str(tmp_path / "gone"))
    with pytest.raises(Problem, match="gone cannot be read"):
        assert gone.database_url


def test_a_file_of_a_system_that_has_ended_is_not_believed(tmp_path: Path, running: RunFile) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    write_run_file(tmp_path, replace(running, pid=ended.pid))
    assert read_run_file(tmp_path) is None


@pytest.mark.parametrize("change", ["half", "[]", "null", '{"pid": 1}', "", "\\xff"])
def test_a_damaged_file_is_no_running_system(tmp_path: Path, running: RunFile, change: str) -> None:
    path = write_run_file(tmp_path, running)
    text = path.read_text()
    path.write_text(text[: len(text) // 2] if change == "half" else change)
    assert read_run_file(tmp_path) is None


def test_a_file_of_another_version_is_no_running_system(tmp_path: Path, running: RunFile) -> None:
    path = write_run_file(tmp_path, running)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"unheard_of": 1}))
    assert read_run_file(tmp_path) is None


def test_none_and_removed(tmp_path: Path, running: RunFile) -> None:
    assert read_run_file(tmp_path) is None
    write_run_file(tmp_path, running)
    remove_run_file(tmp_path)
    remove_run_file(tmp_path)
    assert read_run_file(tmp_path) is None
