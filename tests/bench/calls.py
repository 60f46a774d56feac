# SPDX-License-Identifier: EUPL-1.2
"""Real calls: how many a second Asterisk sets up by each way to look them up, and how much later it does so."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from math import sqrt

from tests.bench.calls_load import Load
from tests.bench.calls_peers import BARE, CURL, ODBC
from tests.bench.calls_scene import SCENES, SERVICE, SET, Scene
from tests.bench.figures import Effort, Figure, Section, beside, share, spread

NUMBERS = 1_000
LONGEST_SETUP_MILLISECONDS = 100.0
_FIRST_RATE, _BISECTIONS, _AROUND = 300, 4, 1.25
_SETUP_RATE, _SETUP_ROUNDS = 200, 2
WAYS = {
    SERVICE: "FastAGI",
    SET: "MSet of the same variables",
    ODBC: "func_odbc",
    CURL: "CURL()",
    BARE: "FastAGI of a server that only answers",
}
_SHARED = (
    "Asterisk with the production dialplan, the real `serve fastagi` over a PostgreSQL with {numbers:,} numbers, and "
    "the callers share {processors} processors, none of them pinned to one. Every call is to a number that is "
    "nobody's, on a trunk with another route: it goes through all of trunk.conf, service.conf and route.conf and is "
    "refused with 404 without media. The other ways are copies of the same dialplan in which only the `AGI` line "
    "differs (`MSet` of the same variables and the marker; `func_odbc` on one row of a PostgreSQL by its primary key; "
    "`CURL()` from a service that only answers; `AGI` of a FastAGI server that only answers, too: no service can cost "
    "Asterisk less), on trunks of the same Asterisk, and no AMI client is connected."
)


@dataclass(slots=True)
class _Search:
    """Between a rate that was kept and one that was not."""

    low: float
    high: float

    @property
    def between(self) -> int:
        return max(1, round(sqrt(self.low * self.high)))

    def learn(self, *, kept: bool) -> None:
        if kept:
            self.low = self.between
        else:
            self.high = self.between


async def calls_per_second(effort: Effort) -> Section:
    """The rate up to which 99 of 100 calls are answered within 100 ms; in each round all ways take turns."""
    numbers = min(NUMBERS, effort.large)
    found = await SCENES.of(numbers)
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    loads: dict[str, Load] = {}
    searches = await _bracketed(found, effort)
    for _ in range(effort.call_rounds):
        for _ in range(_BISECTIONS if effort.call_rounds > 1 else 1):
            for way, search in searches.items():
                rate = search.between
                kept, load = await _kept(found, way, rate, effort)
                loads[way] = load
                search.learn(kept=kept)
        for way, search in searches.items():
            rates[way].append(search.between)
            middle = statistics.median(rates[way])
            searches[way] = _Search(middle / _AROUND, middle * _AROUND)
    mine = rates[SERVICE]
    figures = [
        beside(f"real calls per second, FastAGI, beside {WAYS[way]}", mine, WAYS[way], rates[way], must=must, unit="/s")
        for way, must in ((SET, "ratio >= 0.9"), (ODBC, "ratio >= 1"), (CURL, "ratio >= 1"), (BARE, None))
    ]
    figures += [
        Figure(
            name=f"real calls per second, {WAYS[way]}",
            value=statistics.median(rates[way]),
            unit="/s",
            spread=spread(rates[way]),
        )
        for way in (SET, ODBC, CURL)
    ]
    name = f"real calls per second, {WAYS[BARE]}, beside {WAYS[SET]}"
    figures.append(beside(name, rates[BARE], WAYS[SET], rates[SET], unit="/s"))
    ends = "; ".join(f"{WAYS[way]}: {loads[way].limit or 'nothing was'} ({loads[way]})" for way in loads)
    return Section(
        title="Real calls per second",
        text=f"{_shared(found, numbers)} SIPp offers calls at a rate, and the rate is "
        f"searched up to which p99 from INVITE to 404 stays within {LONGEST_SETUP_MILLISECONDS:.0f} ms, by bisection "
        f"in steps of {effort.call_seconds} s, in {effort.call_rounds} rounds in which the ways take turns at each "
        f"step; a rate that is missed is tried once more. What was at its limit in the last step, and who "
        f"used how much of one processor: {ends}. Repeat it with `scripts/bench calls_per_second` on a machine that "
        "does nothing else.",
        figures=tuple(figures),
    )


async def _bracketed(found: Scene, effort: Effort) -> dict[str, _Search]:
    """For each way a rate that it keeps and the double, which it does not; no rate beyond the effort's last."""
    most = effort.call_rates[-1]
    first = min(_FIRST_RATE, effort.call_rates[-1])
    searches = {}
    for way in WAYS:
        rate = first
        kept, _ = await _kept(found, way, rate, effort)
        while kept and rate < most:
            rate *= 2
            kept, _ = await _kept(found, way, rate, effort)
        while not kept and rate > 1:
            rate //= 2
            kept, _ = await _kept(found, way, rate, effort)
        searches[way] = _Search(rate, rate * 2)
    return searches


async def _kept(found: Scene, way: str, rate: int, effort: Effort) -> tuple[bool, Load]:
    """A rate that is missed is tried once more: whatever else the machine does only ever takes away."""
    for _ in range(2):
        step, load = await found.offered(way, rate, effort.call_seconds)
        if step.at(0.99) <= LONGEST_SETUP_MILLISECONDS:
            return True, load
    return False, load


async def setup_time(effort: Effort) -> Section:
    """What asking the service adds to a call's set-up, at a rate that Asterisk carries with ease."""
    numbers = min(NUMBERS, effort.large)
    found = await SCENES.of(numbers)
    rate = await _carried(found, effort)
    times: dict[str, list[tuple[float, ...]]] = {SERVICE: [], SET: []}
    loads: dict[str, list[Load]] = {SERVICE: [], SET: []}
    for _ in range(effort.call_rounds * _SETUP_ROUNDS):
        for way in times:
            took, load = await found.timed(way, rate, effort.call_seconds)
            times[way].append(took)
            loads[way].append(load)
    figures = []
    for part, name, must in ((0.5, "p50", "value <= 1"), (0.99, "p99", "value <= 5")):
        mine, its = ([share(took, part) / 1_000 for took in times[way]] for way in (SERVICE, SET))
        added = [one - other for one, other in zip(mine, its, strict=True)]
        figures.append(
            Figure(
                name=f"added call set-up time at {rate} calls/s, {name}", value=statistics.median(added), unit="ms",
                spread=spread(added), must=must,
            )
        )  # fmt: skip
        figures.append(beside(f"call set-up time at {rate} calls/s, {name}", mine, WAYS[SET], its, unit="ms"))
    for process in ("Asterisk", "service"):
        mine, its = ([_per_call(load, process, rate) for load in loads[way]] for way in (SERVICE, SET))
        figures.append(beside(f"processor time of a call, {process}", mine, WAYS[SET], its, unit="ms"))
    return Section(
        title="Set-up time of real calls",
        text=f"{_shared(found, numbers)} A probe of the bench's own sends {rate} calls a second for "
        f"{effort.call_seconds} s, one way after the other, {effort.call_rounds * _SETUP_ROUNDS} times; INVITEs are "
        "timed when they are sent and answers when the kernel receives them, in microseconds. What is added is the "
        f"difference of the two within a round.{_why_not(rate)} Repeat it with `scripts/bench setup_time` on a "
        "machine that does nothing else.",
        figures=tuple(figures),
    )


def _shared(found: Scene, numbers: int) -> str:
    return _SHARED.format(numbers=numbers, processors=found.processors)


async def _carried(found: Scene, effort: Effort) -> int:
    """200, or the half or quarter of it that the dialplan without a service carries."""
    for rate in (_SETUP_RATE, _SETUP_RATE // 2):
        took, _ = await found.timed(SET, rate, effort.call_seconds)
        if share(took, 0.99) <= LONGEST_SETUP_MILLISECONDS * 1_000:
            return rate
    return _SETUP_RATE // 4


def _why_not(rate: int) -> str:
    if rate == _SETUP_RATE:
        return ""
    return f" (This machine could not carry {_SETUP_RATE} calls a second even without the service.)"


def _per_call(load: Load, process: str, rate: int) -> float:
    return load.shares[process] / rate * 1_000
