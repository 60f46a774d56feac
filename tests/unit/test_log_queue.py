# SPDX-License-Identifier: EUPL-1.2
"""Logging neither blocks nor raises: pipes that nobody reads, readers that have gone, full disks."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from amtsleitung.log_queue import LONGEST_TEXT, LogQueue
from amtsleitung.process_log import ProcessLog

SECONDS = 20.0
SHORT_SECONDS = 0.05


def queue_to(descriptor: int, most_characters: int = 1_000_000) -> LogQueue:
    return LogQueue(descriptor, lost_line=lambda lines: f"lost {lines}", most_characters=most_characters)


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        for end in (reading, writing):
            with suppress(OSError):
                os.close(end)


class Reader:
    """Reads a pipe to its end in a thread."""

    def __init__(self, descriptor: int) -> None:
        self.lines: list[str] = []
        self._descriptor = descriptor
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with os.fdopen(os.dup(self._descriptor), encoding="utf-8") as file:
            for line in file:
                self.lines.append(line.removesuffix("\n"))

    def all(self) -> list[str]:
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()
        return self.lines


def test_lines_arrive_whole_and_in_their_order() -> None:
    with pipe() as (reading, writing):
        reader, queue = Reader(reading), queue_to(writing, most_characters=10_000_000)
        expected = [f"{number} Größe \udcff" for number in range(20_000)]
        for line in expected:
            queue.put(line)
        assert queue.flush(deadline_seconds=SECONDS)
        os.close(writing)
        assert reader.all() == [line.replace("\udcff", "\\udcff") for line in expected]


def test_lines_of_several_threads_are_each_in_order() -> None:
    with pipe() as (reading, writing):
        reader, queue = Reader(reading), queue_to(writing, most_characters=10_000_000)

        def talk(name: str) -> None:
            for number in range(2_000):
                queue.put(f"{name} {number}")

        threads = [threading.Thread(target=talk, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert queue.flush(deadline_seconds=SECONDS)
        os.close(writing)
        lines = reader.all()
    for name in "abcd":
        assert [line for line in lines if line.startswith(name)] == [f"{name} {n}" for n in range(2_000)]


def test_a_pipe_that_nobody_reads_holds_up_nobody_and_the_losses_are_told() -> None:
    with pipe() as (reading, writing):
        queue = queue_to(writing, most_characters=100_000)
        wanted = [f"{number} {'x' * 200}" for number in range(5_000)]
        for line in wanted:
            queue.put(line)
        assert not queue.flush(deadline_seconds=SHORT_SECONDS), "the pipe takes 64 KiB"
        reader = Reader(reading)  # it goes again
        assert queue.flush(deadline_seconds=SECONDS)
        queue.put("afterwards")
        assert queue.flush(deadline_seconds=SECONDS)
        os.close(writing)
        lines = reader.all()
    told = [line for line in lines if line.startswith("lost ")]
    kept = [line for line in lines if not line.startswith("lost ")]
    assert len(told) == 1
    assert kept == [*wanted[: len(kept) - 1], "afterwards"], "the newest were dropped, and the order is kept"
    assert len(kept) - 1 + int(told[0].split()[1]) == len(wanted)


def test_a_reader_that_has_gone_costs_lines_only_and_they_are_counted(tmp_path: Path) -> None:
    with pipe() as (reading, writing):
        os.close(reading)
        queue = queue_to(writing)
        for number in range(700):
            queue.put(f"to nobody {number}")
        assert queue.flush(deadline_seconds=SECONDS)
        file = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
        os.dup2(file, writing)
        os.close(file)
        queue.put("to somebody")
        assert queue.flush(deadline_seconds=SECONDS)
    assert (tmp_path / "log").read_text() == "lost 700\nto somebody\n"


def test_a_full_device_costs_lines_only() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        queue = queue_to(full)
        for number in range(2_000):
            queue.put(f"{number}")
        assert queue.flush(deadline_seconds=SECONDS)
    finally:
        os.close(full)


@contextmanager
def room_in_files(size: int) -> Iterator[None]:
    """Files of this process take so many bytes: the last write is cut short, as on a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_that_was_cut_is_not_joined_to_the_next(tmp_path: Path) -> None:
    file = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        queue = queue_to(file)
        with room_in_files(25):
            queue.put("0123456789")
            queue.put("0123456789")
            queue.put("0123456789")
            queue.put("0123456789")
            assert queue.flush(deadline_seconds=SECONDS)
        queue.put("next")
        assert queue.flush(deadline_seconds=SECONDS)
    finally:
        os.close(file)
    assert (tmp_path / "log").read_text() == "0123456789\n0123456789\n012\nlost 2\nnext\n"


def test_several_lines_at_once_are_counted_as_such(tmp_path: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        queue = queue_to(full)
        for _ in range(3):
            queue.put("one\ntwo\nthree")
        assert queue.flush(deadline_seconds=SECONDS)
        file = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
        os.dup2(file, full)
        os.close(file)
        queue.put("four\nfive")
        assert queue.flush(deadline_seconds=SECONDS)
    finally:
        os.close(full)
    assert (tmp_path / "log").read_text() == "lost 9\nfour\nfive\n"


def test_a_long_line_is_cut(tmp_path: Path) -> None:
    file = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    try:
        queue = queue_to(file)
        queue.put("x" * 1_000_000)
        assert queue.flush(deadline_seconds=SECONDS)
    finally:
        os.close(file)
    assert (tmp_path / "log").read_text() == "x" * LONGEST_TEXT + " …\n"


def test_what_logs_nothing_has_no_thread() -> None:
    before = threading.active_count()
    queue = queue_to(2)
    assert queue.flush(deadline_seconds=SHORT_SECONDS)
    assert threading.active_count() == before


def test_the_supervisors_files_survive_a_full_disk_and_tell_what_was_lost(tmp_path: Path) -> None:
    log = ProcessLog(tmp_path, None)
    with room_in_files(25):
        for number in range(10):
            log.write("fastagi", f"{number} 456789")
    log.write("fastagi", "again")
    log.close()
    assert (tmp_path / "fastagi.log").read_text().splitlines() == [
        "0 456789",
        "1 456789",
        "2 45678",
        "(8 lines were lost here: they could not be written)",
        "again",
    ]


def test_the_supervisors_files_survive_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the way")
    log = ProcessLog(tmp_path / "log", None)
    log.write("fastagi", "lost")
    (tmp_path / "log").unlink()
    log.write("fastagi", "kept")
    log.close()
    assert (tmp_path / "log" / "fastagi.log").read_text() == (
        "(1 lines were lost here: they could not be written)\nkept\n"
    )
