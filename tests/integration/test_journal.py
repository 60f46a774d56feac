# SPDX-License-Identifier: EUPL-1.2
"""The journal on a real disk: what is kept, what is dropped, and that nobody waits for either."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from routing.config.journal import Entry, dropped, read_entry, segment_path, segment_paths, segment_pid
from routing.config.journal_writer import JournalWriter
from tests.support.journal import read_segments
from tests.support.wait import until

ENTRY = Entry(
    at=datetime(2026, 11, 23, 9, 0, 0, 125, tzinfo=UTC),
    unique_id="node1-1795314100.1",
    trunk="carrier",
    received="0537289-0",
    caller="+493023125123",
    level="service",
    dialled="+495372890",
    tenant="samtgemeinde-meinersen",
    line="vermittlung",
    kind="enter_queue",
    queue="allgemein",
    announcement="samtgemeinde-meinersen--vermittlung--greeting",
    target=None,
    version=7,
    reasons=("number", "open"),
)
LINE = ENTRY.text()
KEYS = (
    *("at", "unique_id", "trunk", "received", "caller", "level", "dialled", "tenant", "line"),
    *("kind", "queue", "announcement", "target", "version", "reasons"),
)


def _entry(number: int) -> Entry:
    return replace(ENTRY, unique_id=f"node1-{number}")


@contextmanager
def _writer(folder: Path, *, kind: type[JournalWriter] = JournalWriter, **bounds: int) -> Iterator[JournalWriter]:
    said: list[str] = []
    writer = kind(folder, say=said.append, **bounds)
    writer.said = said  # type: ignore[attr-defined]
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()


def _kept(folder: Path) -> list[str]:
    return [entry.unique_id for segment in read_segments(folder) for entry in segment.entries]


def _names(numbers: range) -> list[str]:
    return [f"node1-{number}" for number in numbers]


def test_an_entry_has_exactly_the_keys_of_the_contract() -> None:
    values = json.loads(LINE)
    assert tuple(values) == KEYS
    assert (values["at"], values["reasons"]) == ("2026-11-23T09:00:00.000125+00:00", ["number", "open"])
    assert read_entry(LINE[:-1].encode()) == ENTRY


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        LINE.replace("node1", "\0").encode()[:-1],
        LINE.replace('"version": 7', '"version": "7"').encode()[:-1],
        LINE.replace('"version"', '"Version"').encode()[:-1],
        LINE.replace('["number", "open"]', "[1]").encode()[:-1],
        LINE.replace("+00:00", "").encode()[:-1],
        LINE.replace("2026-11-23T", "yesterday ").encode()[:-1],
        LINE.replace("{", '{"more": 1, ').encode()[:-1],
        *(LINE.encode()[:end] for end in range(1, len(LINE) - 2, 7)),
    ],
)
def test_what_is_no_entry_is_none(line: bytes) -> None:
    assert read_entry(line) is None


async def test_lines_arrive_in_order_in_a_folder_of_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    with _writer(folder) as writer:
        for number in range(100):
            writer.append(_entry(number).text())
        await until(lambda: _kept(folder) == _names(range(100)), what="all are on disk while the writer lives")
    (segment,) = read_segments(folder)
    assert (segment_pid(segment.path), segment.torn) == (os.getpid(), 0)
    begun_milliseconds = int(segment.path.stem.split("-")[1])
    assert abs(begun_milliseconds / 1000 - segment.path.stat().st_mtime) < 60
    assert folder.stat().st_mode & 0o777 == 0o700
    assert segment.path.stat().st_mode & 0o777 == 0o600
    assert (writer.dropped, dropped(folder)) == (0, 0)


def test_stop_writes_what_is_waiting(tmp_path: Path) -> None:
    with _writer(tmp_path) as writer:
        for number in range(5_000):
            writer.append(_entry(number).text())
    assert _kept(tmp_path) == _names(range(5_000))


def test_nothing_is_written_for_nothing(tmp_path: Path) -> None:
    with _writer(tmp_path / "journal"):
        pass
    assert not (tmp_path / "journal").exists()
    assert list(read_segments(tmp_path / "journal")) == []


def test_a_torn_line_costs_itself_alone(tmp_path: Path) -> None:
    path = segment_path(tmp_path, milliseconds=1, pid=1)
    for end in range(len(LINE)):
        path.write_text(_entry(1).text() + LINE[:end])
        (segment,) = read_segments(tmp_path)
        assert segment.entries == (_entry(1),)
        assert segment.torn == (1 if end else 0)
    path.write_text(LINE[:20] + "\n" + _entry(2).text())
    (segment,) = read_segments(tmp_path)
    assert (segment.entries, segment.torn) == ((_entry(2),), 1)


def test_other_files_are_none_of_ours(tmp_path: Path) -> None:
    for name in ("dropped", "decisions-1-1.jsonl", "decisions-0000000000001-1.jsonl~", "x"):
        (tmp_path / name).write_text(LINE)
    assert segment_paths(tmp_path) == []


async def test_segments_are_cut_and_the_oldest_goes_counted(tmp_path: Path) -> None:
    size = len(_entry(10).text())
    with _writer(tmp_path, maximum_segment_bytes=10 * size, maximum_bytes=40 * size) as writer:
        for number in range(10, 99):
            writer.append(_entry(number).text())
        await until(lambda: "node1-98" in _kept(tmp_path), what="the last is on disk")
    sizes = [path.stat().st_size for path in segment_paths(tmp_path)]
    assert max(sizes) <= 10 * size
    assert sum(sizes) <= 40 * size
    kept = _kept(tmp_path)
    assert kept == _names(range(99 - len(kept), 99))
    assert writer.dropped == dropped(tmp_path) == 89 - len(kept)
    assert len(writer.said) == 1  # type: ignore[attr-defined]
    assert f"{tmp_path} has dropped" in writer.said[0]  # type: ignore[attr-defined]


async def test_a_segment_is_over_after_a_while_however_small(tmp_path: Path) -> None:
    with _writer(tmp_path, maximum_segment_seconds=0) as writer:
        for number in range(3):
            writer.append(_entry(number).text())
            await until(lambda: len(_kept(tmp_path)) == number + 1, what="the line is on disk")  # noqa: B023
    assert len(segment_paths(tmp_path)) == 3
    assert (_kept(tmp_path), writer.dropped) == (_names(range(3)), 0)


async def test_a_segment_that_the_reader_removed_is_not_written_to(tmp_path: Path) -> None:
    with _writer(tmp_path) as writer:
        writer.append(_entry(1).text())
        await until(lambda: _kept(tmp_path) == ["node1-1"], what="the first is on disk")
        (segment,) = read_segments(tmp_path)
        segment.path.unlink()
        writer.append(_entry(2).text())
        await until(lambda: _kept(tmp_path) == ["node1-2"], what="the second is on disk")
    assert writer.dropped == 0


async def test_two_writers_share_a_folder(tmp_path: Path) -> None:
    """A service and its successor: both are whole, and the count is of both."""
    size = len(_entry(1_000).text())
    with (
        _writer(tmp_path, maximum_segment_bytes=10 * size, maximum_bytes=60 * size) as one,
        _writer(tmp_path, maximum_segment_bytes=10 * size, maximum_bytes=60 * size) as other,
    ):
        for number in range(1_000, 1_200):
            (one, other)[number % 2].append(_entry(number).text())
    assert one.dropped + other.dropped == dropped(tmp_path)
    assert len(_kept(tmp_path)) + dropped(tmp_path) == 200
    assert all(segment.torn == 0 for segment in read_segments(tmp_path))


class _Full(JournalWriter):
    """Its disk is full as long as ``full`` says so."""

    full = True

    def _opened(self, path: Path) -> int:
        if self.full:
            return os.open("/dev/full", os.O_WRONLY)
        return super()._opened(path)


async def test_a_full_disk_drops_and_counts_and_later_goes_on(tmp_path: Path) -> None:
    with _writer(tmp_path, kind=_Full) as writer:
        for number in range(10):
            writer.append(_entry(number).text())
        await until(lambda: writer.dropped == 10, what="all are dropped")
        writer.full = False  # type: ignore[attr-defined]
        writer.append(_entry(10).text())
        await until(lambda: _kept(tmp_path) == ["node1-10"], what="it goes on")
    assert dropped(tmp_path) == 10
    assert "No space left on device" in writer.said[0]  # type: ignore[attr-defined]


class _Stuck(JournalWriter):
    """Its disk is a pipe that nobody reads until ``reader`` is."""

    reader = -1

    def _opened(self, path: Path) -> int:
        self.reader, writer = os.pipe()
        return writer


async def test_a_stuck_disk_blocks_nobody_and_costs_bounded_memory(tmp_path: Path) -> None:
    with _writer(tmp_path, kind=_Stuck, maximum_waiting_lines=1_000) as writer:
        for _ in range(100_000):  # returns, though nothing is taken
            writer.append(LINE)
        assert len(writer._waiting) <= 1_000
        assert writer.dropped >= 100_000 - 1_000 - 1_000 - os.sysconf("SC_PAGE_SIZE")
        await until(lambda: writer.reader >= 0, what="the pipe is there")  # type: ignore[attr-defined]
        refused = writer.dropped
        with os.fdopen(writer.reader, "rb", buffering=0) as pipe:  # type: ignore[attr-defined]
            got = bytearray()
            while got.count(b"\n") < 100_000 - refused:
                got += pipe.read(1 << 16)
    assert read_entry(bytes(got).split(b"\n")[0]) == ENTRY


def test_a_disk_that_ends_in_the_middle_of_a_line_leaves_whole_lines(tmp_path: Path) -> None:
    """A limit on the size of files, in a process of its own, cuts the write as a disk does that becomes full."""
    program = (
        "import resource, sys, pathlib; from routing.config.journal_writer import JournalWriter;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); said = [];"
        "w = JournalWriter(pathlib.Path(sys.argv[1]), say=said.append); w.start();"
        "[w.append(sys.argv[2] + chr(10)) for _ in range(10)]; w.stop(); print(w.dropped, len(said))"
    )
    words = [sys.executable, "-c", program, str(tmp_path), LINE[:-1]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    lost, said = map(int, done.stdout.split())
    kept = [entry for segment in read_segments(tmp_path) for entry in segment.entries]
    assert (lost + len(kept), said) == (10, 1)
    assert all(segment.torn == 0 for segment in read_segments(tmp_path))
    assert dropped(tmp_path) == lost


def test_a_disk_that_stays_full_is_not_filled_with_empty_segments(tmp_path: Path) -> None:
    program = (
        "import resource, sys, pathlib, time; from routing.config.journal_writer import JournalWriter;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));"
        "w = JournalWriter(pathlib.Path(sys.argv[1]), say=print); w.start()\n"
        "for number in range(1, 21):\n"
        "    w.append(sys.argv[2] + chr(10))\n"
        "    while w.dropped < number: time.sleep(0.001)\n"
        "w.stop()"
    )
    words = [sys.executable, "-c", program, str(tmp_path), LINE[:-1]]
    subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert dropped(tmp_path) == 20
    assert segment_paths(tmp_path) == []


def test_a_folder_that_cannot_be_made_costs_the_lines_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with _writer(tmp_path / "file" / "journal") as writer:
        writer.append(LINE)
    assert writer.dropped == 1
    assert dropped(tmp_path / "file") == 0
