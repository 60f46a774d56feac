# SPDX-License-Identifier: EUPL-1.2
"""The cache folder: where it is, and that what is in it is complete."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from amtsleitung.errors import Problem
from amtsleitung.provision.cache import cache_folder, keep, open_to_all

_DEADLINE_SECONDS = 30


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    folder = tmp_path / "cache"
    monkeypatch.setenv("AMTSLEITUNG_CACHE_DIR", str(folder))
    return folder


def silent(line: str) -> None:
    assert line


def test_the_variable_comes_first(cache: Path) -> None:
    previous = os.umask(0o077)
    try:
        assert cache_folder() == cache
    finally:
        os.umask(previous)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o755


def test_a_user_has_it_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.delenv("AMTSLEITUNG_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "amtsleitung"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "amtsleitung"


def test_root_is_told_when_others_could_not_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("AMTSLEITUNG_CACHE_DIR", str(closed / "cache"))
    with pytest.raises(Problem, match="AMTSLEITUNG_CACHE_DIR"):
        cache_folder()
    assert not open_to_all(closed)


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AMTSLEITUNG_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(Problem, match="file/cache cannot be made"):
        cache_folder()


def test_built_once_per_recipe(cache: Path) -> None:
    built: list[Path] = []

    def build(draft: Path, final: Path) -> Mapping[str, str]:
        built.append(final)
        (draft / "content").write_text(str(len(built)))
        return {"version": str(len(built))}

    first = keep("thing", recipe={"of": 1}, build=build, report=silent)
    assert keep("thing", recipe={"of": 1}, build=build, report=silent) == first
    other = keep("thing", recipe={"of": 2}, build=build, report=silent)
    assert (first.facts["version"], other.facts["version"]) == ("1", "2")
    assert (first.folder / "content").read_text() == "1"
    assert built == [first.folder, other.folder]


def test_a_failed_build_leaves_nothing_and_is_tried_again(cache: Path) -> None:
    def broken(draft: Path, final: Path) -> Mapping[str, str]:
        (draft / "half").touch()
        raise Problem("no network")

    with pytest.raises(Problem, match="no network"):
        keep("thing", recipe={}, build=broken, report=silent)
    assert [path.name for path in cache.iterdir()] == ["lock"]
    kept = keep("thing", recipe={}, build=lambda draft, final: {"version": "2"}, report=silent)
    assert kept.facts == {"version": "2"}


def test_what_a_killed_build_left_behind_is_replaced(cache: Path) -> None:
    kept = keep("thing", recipe={}, build=lambda draft, final: {"version": "1"}, report=silent)
    (kept.folder / "amtsleitung.json").unlink()
    (cache / f".{kept.folder.name}.part").mkdir()
    (cache / f".{kept.folder.name}.part" / "half").touch()
    again = keep("thing", recipe={}, build=lambda draft, final: {"version": "2"}, report=silent)
    assert again.facts == {"version": "2"}
    assert not (again.folder / "half").exists()


def test_two_at_once_build_once(cache: Path) -> None:
    building, go_on, said = threading.Event(), threading.Event(), threading.Event()
    built: list[Path] = []

    def build(draft: Path, final: Path) -> Mapping[str, str]:
        built.append(final)
        building.set()
        assert go_on.wait(_DEADLINE_SECONDS)
        return {}

    def report(line: str) -> None:
        assert "waiting" in line
        said.set()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(keep, "thing", recipe={}, build=build, report=silent)
        assert building.wait(_DEADLINE_SECONDS)
        second = pool.submit(keep, "thing", recipe={}, build=build, report=report)
        assert said.wait(_DEADLINE_SECONDS)
        go_on.set()
        assert first.result(_DEADLINE_SECONDS) == second.result(_DEADLINE_SECONDS)
    assert len(built) == 1
