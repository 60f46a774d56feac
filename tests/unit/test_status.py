# SPDX-License-Identifier: EUPL-1.2
"""What the router says of itself on disk, and what ``status`` makes of it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from amtsleitung.errors import Problem
from amtsleitung.keep_table import last_good_path
from amtsleitung.status import ENGLISH, GERMAN, look, sentences
from amtsleitung.status_file import read_status, status_path, status_written
from routing.config import read_file
from routing.config.last_good import write_last_good
from tests.support.product import EXAMPLE
from tests.support.wait import until

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ROUTER = {
    "table_version": 12,
    "numbers": 700,
    "database": True,
    "decisions": {"enter_queue": 90, "play_announcement": 9},
    "failures": {},
    "open_connections": 2,
}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMTSLEITUNG_STATE_DIR", str(tmp_path))
    return tmp_path


def write(state: Path, **more: Any) -> None:
    path = status_path(state)
    path.parent.mkdir(exist_ok=True)
    began = {"pid": 7, "started_at": AT.isoformat(), "at": AT.isoformat()}
    path.write_text(json.dumps(began | ROUTER | more))


def test_the_languages_say_the_same() -> None:
    placeholders = re.compile(r"\{\w+\}")
    for name, text in asdict(ENGLISH).items():
        assert sorted(placeholders.findall(text)) == sorted(placeholders.findall(getattr(GERMAN, name)))


def test_nothing_runs(state: Path) -> None:
    with pytest.raises(Problem, match="No system is running here"):
        look(AT)


def test_a_router_and_its_last_good_table(state: Path) -> None:
    write(state)
    path = last_good_path(state)
    path.parent.mkdir()
    write_last_good(path, read_file(EXAMPLE), version=12, made_at=AT - timedelta(days=1), kept_at=AT)
    seen = look(AT + timedelta(seconds=5))
    assert seen["last_good"]["sha256"] == json.loads(path.read_text().splitlines()[-1])["sha256"]
    assert seen["last_good"]["age_seconds"] == 5
    lines = list(sentences(seen, GERMAN))
    assert lines[0].startswith("Router: Fassung 12, 700 Rufnummern; die Datenbank ist verbunden; Prozess 7")
    assert "Entscheidungen 99 (enter_queue 90, play_announcement 9); Fehler 0; offene Verbindungen 2" in lines[1]
    assert lines[2].startswith("letzte gute Tabelle: Fassung 12 vom 2026-11-22")


@pytest.mark.parametrize(("database", "said"), [(False, "away"), (None, "by a file"), (True, "is connected")])
def test_what_becomes_of_the_database(database: bool | None, said: str, state: Path) -> None:
    write(state, database=database)
    assert said in next(sentences(look(AT), ENGLISH))


def test_an_old_word_is_not_taken_for_a_new_one(state: Path) -> None:
    write(state)
    (line, _) = sentences(look(AT + timedelta(minutes=5)), ENGLISH)
    assert "has said nothing for 300 s" in line


def test_a_damaged_table_is_told(state: Path) -> None:
    write(state)
    path = last_good_path(state)
    path.parent.mkdir()
    write_last_good(path, read_file(EXAMPLE), version=12, made_at=AT, kept_at=AT)
    path.write_bytes(path.read_bytes().replace(b"meinersen", b"Meinersen", 1))
    assert str(path) in list(sentences(look(AT), ENGLISH))[-1]


async def test_it_is_written_again_and_again_and_goes_with_its_writer(state: Path) -> None:
    path, looks = status_path(state), 0

    def count() -> dict[str, int]:
        nonlocal looks
        looks += 1
        return {"open_connections": looks}

    with status_written(path, count):
        await until(lambda: read_status(path), what="it is written")
        assert (read_status(path) or {})["pid"] == os.getpid()
        assert path.stat().st_mode & 0o777 == 0o600
        await until(lambda: (read_status(path) or {})["open_connections"] > 1, what="it is written again")
    assert not path.exists()


async def test_a_successors_word_stays(state: Path) -> None:
    path = status_path(state)
    with status_written(path, dict):
        await until(lambda: read_status(path), what="it is written")
        write(state)
    assert (read_status(path) or {})["pid"] == 7


def test_without_a_state_directory_nothing_is_made(tmp_path: Path) -> None:
    with status_written(status_path(tmp_path / "missing"), dict):
        pass
    assert not (tmp_path / "missing").exists()
