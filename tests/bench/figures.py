# SPDX-License-Identifier: EUPL-1.2
"""What a bench finds: figures, each beside a peer where there is one, and whether it is what it must be."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured. ``sizes`` are tables by their numbers, ``large`` the one whose changes are looked at.

    ``call_…`` is for real calls through Asterisk: the rates that are tried, how often, for how many seconds each, the
    tables, and after how many calls memory is looked at.
    """

    sizes: tuple[int, ...]
    large: int
    rounds: int
    calls: int
    changes: int
    batch_lines: int
    memory_lines: tuple[int, int]
    call_rates: tuple[int, ...]
    call_rounds: int
    call_seconds: float
    call_sizes: tuple[int, ...]
    call_count: int


FULL = Effort(
    sizes=(10, 100, 1_000, 10_000, 100_000, 1_000_000),
    large=100_000, rounds=25, calls=4_000, changes=60, batch_lines=20_000, memory_lines=(10_000, 1_000_000),
    call_rates=(50, 100, 200, 300, 400, 500, 600, 800, 1_000, 1_200), call_rounds=7, call_seconds=3.0,
    call_sizes=(10, 1_000, 100_000), call_count=100_000,
)  # fmt: skip
QUICK = Effort(
    sizes=(10, 1_000, 100_000, 1_000_000),
    large=100_000, rounds=7, calls=2_000, changes=15, batch_lines=5_000, memory_lines=(10_000, 1_000_000),
    call_rates=(50, 100, 200, 400, 600, 800), call_rounds=3, call_seconds=1.0, call_sizes=(10, 1_000, 100_000),
    call_count=5_000,
)  # fmt: skip
TINY = Effort(
    sizes=(10, 300), large=300, rounds=3, calls=100, changes=3, batch_lines=200, memory_lines=(100, 1_000),
    call_rates=(20, 40), call_rounds=1, call_seconds=0.5, call_sizes=(300,), call_count=40,
)  # fmt: skip
"""Says nothing about speed; it shows that everything runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row. ``must`` is ``value <= 5`` or ``ratio >= 1.5``; ``ratio`` is the value by the peer's.

    ``spread`` are the least and the most of the rounds of which the value is the median.
    """

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    must: str | None = None
    spread: tuple[float, float] | None = None

    @property
    def ratio(self) -> float | None:
        return None if not self.peer_value else self.value / self.peer_value

    @property
    def holds(self) -> bool | None:
        """``None`` if it must be nothing."""
        if self.must is None:
            return None
        what, way, bound = self.must.split()
        found = self.value if what == "value" else self.ratio
        if found is None:
            return False
        return found >= float(bound) if way == ">=" else found <= float(bound)

    def json(self) -> dict[str, Any]:
        """As ``--json`` writes it."""
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "peer": self.peer,
            "peer_value": None if self.peer_value is None else round(self.peer_value, 4),
            "ratio": None if self.ratio is None else round(self.ratio, 4),
            "must": self.must,
            "holds": self.holds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Growth: ``points`` are (size, value), ``sizes`` names what grows; ``bend`` says where it bends and by what."""

    title: str
    sizes: str
    unit: str
    points: tuple[tuple[int, float], ...]
    bend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Figures that belong together; ``text`` says how they were measured, ``curve`` is growth: (size, value) in µs."""

    title: str
    text: str
    figures: tuple[Figure, ...]
    curve: tuple[tuple[int, float], ...] = ()
    curves: tuple[Curve, ...] = ()


def spread(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def share(values: Sequence[float], part: float) -> float:
    """The value below which this part of all values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def side_by_side(works: dict[str, Callable[[], int]], *, rounds: int) -> dict[str, list[float]]:
    """Microseconds for each of the pieces that a work says it did, by round; the works take turns within a round."""
    found: dict[str, list[float]] = {name: [] for name in works}
    with steady():
        for turn in range(rounds + 1):
            for name, work in works.items():
                begin = perf_counter_ns()
                pieces = work()
                took = perf_counter_ns() - begin
                if turn:  # the first warms up
                    found[name].append(took / pieces / 1_000)
    return found


def beside(
    name: str, mine: Sequence[float], peer: str, its: Sequence[float], *, must: str | None = None, unit: str = "µs"
) -> Figure:
    """The median of mine beside the median of its."""
    return Figure(
        name=name, value=statistics.median(mine), unit=unit, spread=spread(mine), must=must,
        peer=peer, peer_value=statistics.median(its),
    )  # fmt: skip


@contextmanager
def steady() -> Iterator[None]:
    """As in a router: what is there is out of the collector's sight."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
