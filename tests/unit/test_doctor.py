# SPDX-License-Identifier: EUPL-1.2
"""``doctor`` only looks, calls nothing dead well, and says for each ill where to go."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from amtsleitung import doctor, run, zone_files
from amtsleitung.keep_table import last_good_path
from amtsleitung.provision import embedded, programs
from amtsleitung.provision.cache import NotFetchedError, keep
from amtsleitung.provision.sources import read_distribution
from amtsleitung.run_file import ELSEWHERE, RunFile, write_run_file
from amtsleitung.state_lock import lock_state_directory
from routing.config.last_good import write_last_good
from tests.support.tables import example_rows


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory; no program is on PATH, and nothing is in the cache, which is not there yet."""
    for name in [name for name in os.environ if name.startswith("AMTSLEITUNG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: None)
    monkeypatch.setattr(doctor, "NEEDED_MEGABYTES", 1)
    monkeypatch.setenv("AMTSLEITUNG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("AMTSLEITUNG_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def running(state: Path) -> Iterator[RunFile]:
    """A system of which nothing but its lock is left."""
    content = RunFile(
        pid=os.getpid(), node="node1", state_directory=str(state), sip="127.0.0.1:1", fastagi="127.0.0.1:1",
        ami="127.0.0.1:1", api_url="http://127.0.0.1:1", agent_page="", database="", asterisk="/usr/sbin/asterisk",
        database_url_file=str(state / "gone.url"), asterisk_version="22.1.0", processes={},
        logs={name: f"/log/{name}.log" for name in ("asterisk", "fastagi", "ami", "api")},
    )  # fmt: skip
    with lock_state_directory(state):
        yield content


def examined(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, tuple[str, str, str]]]:
    """The exit status, and of each finding its mark, what was seen, and the remedy."""
    status = doctor.examine()
    found: dict[str, tuple[str, str, str]] = {}
    last = ""
    for line in capsys.readouterr().out.splitlines()[:-1]:
        if line.startswith(" "):
            mark, seen, _ = found[last]
            found[last] = (mark, seen, line.partition("→ ")[2])
        else:
            last = line[5:21].strip()
            found[last] = (line[:3].strip(), line[22:], "")
    return status, found


def test_what_is_missing_is_only_looked_for(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = examined(capsys)
    for name in ("asterisk", "sipp"):
        assert found[name] == ("ok", "not fetched yet; ./amtsleitung run will", "")
    assert status == 0
    assert not (state.parent / "cache").exists()
    assert list(state.iterdir()) == []


def test_the_copy_that_root_needs_is_only_looked_for(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "open_to_all", lambda _folder: False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(NotFetchedError):
        embedded.embedded_postgresql(report=pytest.fail, fetching=False)
    assert not (state.parent / "cache").exists()


def test_what_was_fetched_is_found(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def build(draft: Path, _final: Path) -> dict[str, str]:
        (draft / "usr/lib").mkdir(parents=True)
        return {"sip-tester": "3.7.3-1", "suite": "bookworm"}

    recipe = {
        "packages": ["sip-tester"],
        "suite": read_distribution().codename,
        "machine": os.uname().machine,
        "layout": programs.LAYOUT,
    }
    folder = keep("sipp", recipe=recipe, build=build).folder
    assert folder.parent == state.parent / "cache"
    assert examined(capsys)[1]["sipp"] == ("ok", f"3.7.3-1 (Debian package from bookworm, in {folder})", "")


@pytest.mark.parametrize(("what", "variable"), [("state directory", "STATE_DIR"), ("cache folder", "CACHE_DIR")])
def test_each_disk_is_looked_at(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str, variable: str
) -> None:
    file = state.parent / "file"
    file.write_text("mine")
    if what == "cache folder":
        monkeypatch.setenv(f"AMTSLEITUNG_{variable}", str(file / "below"))
    else:
        monkeypatch.setenv(f"AMTSLEITUNG_{variable}", str(file))
    status, found = examined(capsys)
    assert (status, found[what][0]) == (1, "BAD")
    assert found[what][2] == f"{file} is no folder that can be written: set AMTSLEITUNG_{variable}"
    monkeypatch.setattr(doctor, "NEEDED_MEGABYTES", 2**40)
    monkeypatch.setenv(f"AMTSLEITUNG_{variable}", str(state))
    assert examined(capsys)[1][what][2].startswith("make room: at least ")


def test_a_cache_that_closes_its_programs_to_their_user_is_told(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    state.chmod(0o700)
    monkeypatch.setenv("AMTSLEITUNG_CACHE_DIR", str(state / "cache"))
    mark, seen, remedy = examined(capsys)[1]["cache folder"]
    assert (mark, seen) == ("BAD", f"{state}/cache is closed to others")
    assert "AMTSLEITUNG_CACHE_DIR" in remedy


@pytest.mark.usefixtures("state")
def test_missing_time_zones_are_an_ill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zone = tmp_path / "Europe" / "Berlin"
    monkeypatch.setattr(zone_files, "ZONE", zone)
    status, found = examined(capsys)
    assert status == 1
    assert found["time zones"][0] == "BAD"
    assert str(zone) in found["time zones"][1]
    assert found["time zones"][2] == "apt-get install tzdata"


@pytest.mark.parametrize("there", [True, False])
def test_run_warns_of_missing_time_zones(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], there: bool
) -> None:
    zone = state / "Berlin"
    if there:
        zone.touch()
    monkeypatch.setattr(zone_files, "ZONE", zone)

    async def nothing(*_arguments: object, **_options: object) -> int:
        return 0

    monkeypatch.setattr(run, "_run", nothing)
    assert run.run(once=True) == 0
    warnings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Warning: ")]
    missing = f"Warning: {zone} is missing, so Asterisk's own fallback takes every time zone for UTC"
    assert warnings == ([] if there else [f"{missing}: apt-get install tzdata."])


def test_a_dead_process_is_an_ill_and_its_log_is_named(
    state: Path, running: RunFile, capsys: pytest.CaptureFixture[str]
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    waiting = [sys.executable, "-c", "input()"]
    with (
        subprocess.Popen(waiting, stdin=subprocess.PIPE, start_new_session=True) as alive,
        subprocess.Popen(waiting, stdin=subprocess.PIPE) as stranger,
    ):
        pids = {"fastagi": ended.pid, "ami": alive.pid, "asterisk": stranger.pid}
        write_run_file(state, replace(running, processes=pids))
        status, found = examined(capsys)
        alive.communicate(b"\n", timeout=20)
        stranger.communicate(b"\n", timeout=20)
    assert status == 1
    mark, seen, remedy = found["fastagi"]
    assert (mark, seen) == ("BAD", f"process {ended.pid} has gone")
    assert remedy.startswith("look at /log/fastagi.log; ")
    assert found["ami"] == ("ok", f"process {alive.pid}", "")


def test_beside_containers_nothing_of_this_machine_is_asked_for(
    state: Path, running: RunFile, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zone_files, "ZONE", state / "none")
    write_run_file(state, replace(running, pid=1, asterisk=ELSEWHERE, logs={}))
    _, found = examined(capsys)
    assert not {"asterisk", "sipp", "cache folder", "time zones", "embedded pg"} & found.keys()
    assert found["system"] == ("ok", f"its services are started elsewhere, in {state}", "")
    assert found["fastagi port"][2] == "look at the logs"


def test_another_users_system_is_an_ill(
    state: Path, running: RunFile, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_run_file(state, running)

    def closed(_path: Path, **_options: str) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("amtsleitung.run_file.Path.read_text", closed)
    mark, seen, remedy = examined(capsys)[1]["system"]
    assert (mark, seen) == ("BAD", "cannot be looked at")
    assert remedy.startswith(f"{path} is another user's")


def test_the_last_good_table_is_read_as_a_router_would(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert examined(capsys)[1]["last good table"][:2] == ("ok", "none yet; fastagi keeps one as soon as it has a table")
    path = last_good_path(state)
    path.parent.mkdir()
    at = datetime.now(UTC)
    made = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    rows = example_rows()
    write_last_good(path, rows, version=7, made_at=made, kept_at=at - timedelta(hours=30))
    mark, seen, remedy = examined(capsys)[1]["last good table"]
    assert (mark, remedy) == ("ok", "")
    assert seen.startswith(f"version 7 of 2026-11-23 09:00 UTC, {len(rows.all())} rows, kept 1 day, 6:00:")
    write_last_good(path, replace(rows, agent_groups=()), version=8, made_at=made, kept_at=at)
    status, found = examined(capsys)
    mark, seen, remedy = found["last good table"]
    assert (status, mark) == (1, "BAD")
    assert "does not compile" in seen
    assert f"remove {path}" in remedy
