# SPDX-License-Identifier: EUPL-1.2
"""``run.json``: whole or not there, private, without a secret, and believed only while its system holds the lock."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from amtsleitung.errors import Problem
from amtsleitung.run_file import ELSEWHERE, RunFile, read_run_file, remove_run_file, write_private, write_run_file
from amtsleitung.state_lock import StateLock, is_locked, lock_state_directory


@pytest.fixture
def held(tmp_path: Path) -> Iterator[StateLock]:
    """The lock as a running system holds it."""
    with lock_state_directory(tmp_path) as lock:
        yield lock


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


@pytest.mark.usefixtures("held")
def test_what_is_written_is_read_and_its_owner_alone_may(tmp_path: Path, running: RunFile) -> None:
    path = write_run_file(tmp_path, running)
    assert read_run_file(tmp_path) == running
    assert path.stat().st_mode & 0o777 == 0o600
    assert "secret" not in path.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lock", "owner.url", "run.json"]


def test_the_databases_address_comes_from_its_own_private_file(tmp_path: Path, running: RunFile) -> None:
    assert running.database_url == "postgresql://owner:secret@127.0.0.1/amtsleitung"
    assert (tmp_path / "owner.url").stat().st_mode & 0o777 == 0o600
    gone = replace(running, database_url_file=str(tmp_path / "gone"))
    with pytest.raises(Problem, match="gone cannot be read"):
        assert gone.database_url


def test_a_file_of_a_system_that_has_ended_is_not_believed_though_its_process_id_lives_again(
    tmp_path: Path, running: RunFile
) -> None:
    write_run_file(tmp_path, running)
    assert running.pid == os.getpid()
    assert read_run_file(tmp_path) is None, "there never was a lock"
    with lock_state_directory(tmp_path):
        assert read_run_file(tmp_path) == running
    assert read_run_file(tmp_path) is None, "the lock is free"


def test_a_file_for_services_that_are_started_elsewhere_needs_no_lock(tmp_path: Path, running: RunFile) -> None:
    prepared = replace(running, pid=1, asterisk=ELSEWHERE, processes={}, logs={})
    write_run_file(tmp_path, prepared)
    assert read_run_file(tmp_path) == prepared


@pytest.mark.parametrize("name", ["run.json", "lock"])
def test_another_users_system_is_not_taken_for_none(
    tmp_path: Path, running: RunFile, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_run_file(tmp_path, running)
    closed = str(tmp_path / name)
    really, reads = os.open, Path.read_text

    def refuse(path: object) -> None:
        if str(path) == closed:
            raise PermissionError(13, "Permission denied", closed)

    def opened(path: str, *arguments: int, **options: int) -> int:
        refuse(path)
        return really(path, *arguments, **options)

    def read(path: Path, *arguments: str, **options: str) -> str:
        refuse(path)
        return reads(path, *arguments, **options)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(Path, "read_text", read)
    with pytest.raises(Problem, match=f"{name} is another user's.*AMTSLEITUNG_STATE_DIR"):
        read_run_file(tmp_path)


def test_a_look_neither_disturbs_the_holder_nor_one_who_is_about_to_lock(tmp_path: Path) -> None:
    with lock_state_directory(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(Problem, match="already running"):
            lock_state_directory(tmp_path)
    with (tmp_path / "lock").open() as looker:
        fcntl.flock(looker, fcntl.LOCK_SH)
        released = threading.Timer(0.03, fcntl.flock, (looker, fcntl.LOCK_UN))
        released.start()
        try:
            with lock_state_directory(tmp_path):
                assert is_locked(tmp_path)
        finally:
            released.join()


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("change", ["half", "[]", "null", '{"pid": 1}', "", "\\xff"])
def test_a_damaged_file_is_no_running_system(tmp_path: Path, running: RunFile, change: str) -> None:
    path = write_run_file(tmp_path, running)
    text = path.read_text()
    path.write_text(text[: len(text) // 2] if change == "half" else change)
    assert read_run_file(tmp_path) is None


@pytest.mark.usefixtures("held")
def test_a_file_of_another_version_is_no_running_system(tmp_path: Path, running: RunFile) -> None:
    path = write_run_file(tmp_path, running)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"unheard_of": 1}))
    assert read_run_file(tmp_path) is None


@pytest.mark.usefixtures("held")
def test_none_and_removed(tmp_path: Path, running: RunFile) -> None:
    assert read_run_file(tmp_path) is None
    write_run_file(tmp_path, running)
    assert read_run_file(tmp_path) == running
    remove_run_file(tmp_path)
    remove_run_file(tmp_path)
    assert read_run_file(tmp_path) is None
