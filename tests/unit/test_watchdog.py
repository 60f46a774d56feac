# SPDX-License-Identifier: EUPL-1.2
"""What counts as silence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from amtsleitung import watchdog_process
from amtsleitung.watchdog_process import LATE_SECONDS, TICK_SECONDS, Patience


def ticks_until_the_end(patience: Patience, most: int = 1_000) -> int:
    return next(number for number in range(1, most) if patience.passed(TICK_SECONDS))


def test_patience_ends_after_its_seconds_of_silence() -> None:
    patience = Patience(2.0)
    patience.beat()
    assert ticks_until_the_end(patience) == 2.0 / TICK_SECONDS


def test_nothing_is_watched_before_the_first_beat() -> None:
    patience = Patience(2.0)
    assert not any(patience.passed(TICK_SECONDS) for _ in range(1_000))
    patience.beat()
    assert ticks_until_the_end(patience) == 8


def test_a_beat_begins_the_count_anew() -> None:
    patience = Patience(2.0)
    for _ in range(100):
        patience.beat()
        assert not any(patience.passed(TICK_SECONDS) for _ in range(7))
    assert patience.passed(TICK_SECONDS)


def test_what_the_watchdog_itself_slept_through_is_not_counted() -> None:
    patience = Patience(2.0)
    patience.beat()
    assert not any(patience.passed(3_600.0) for _ in range(100))
    assert not patience.passed(LATE_SECONDS + 0.001)
    assert ticks_until_the_end(patience) == 8


def test_it_stands_alone() -> None:
    program = Path(watchdog_process.__file__)
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _WITNESS, str(program)],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    loaded = set(ended.stdout.split())
    assert "ctypes" in loaded, "the witness saw it"
    assert loaded & {"amtsleitung", "asyncio", "structlog", "subprocess", "threading", "site"} == set()


_WITNESS = """
import sys
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), {"__name__": "witness"})
print(*sys.modules)
"""
