# SPDX-License-Identifier: EUPL-1.2
"""The observer's chain, from the bytes that Asterisk sends to the rows in a database: how much, how late, how large.

::

    tests.bench.ami_source ──socket──▶ tests.bench.observing ──▶ PostgreSQL (with fsync, as the product runs it)
      (process of its own)              (process of its own)
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.bench.ami_stream import (
    CALL_EVENTS_PER_CALL,
    CALLS_PER_SECOND,
    EVENTS_PER_CALL,
    TOLD_SECONDS,
    call_events,
)
from tests.bench.figures import FULL, QUICK, Effort, Figure, Section, share, spread
from tests.support.database import server, template

_LEAST_TIMES = 5
_LONGEST_LAG_MILLISECONDS = 50
_MOST_GROWTH = 1.05
_DEADLINE_SECONDS = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Amount:
    """Calls that are fed in: for each round at full speed, in real time, and before and after the first weighing.

    In real time a call is told of for ``lasts`` seconds.
    """

    rounds: int
    fast: int
    paced: int
    warm: int
    many: int
    lasts: float = TOLD_SECONDS


def _amount(effort: Effort) -> _Amount:
    if effort == FULL:
        return _Amount(rounds=5, fast=3_000, paced=3_000, warm=10_000, many=100_000)
    if effort == QUICK:
        return _Amount(rounds=2, fast=1_500, paced=750, warm=5_000, many=20_000, lasts=15.0)
    return _Amount(rounds=1, fast=40, paced=20, warm=40, many=80, lasts=1.0)


async def folding(effort: Effort) -> Section:
    """At full speed, then in real time, then for very many calls."""
    amount = _amount(effort)
    async with server(durable=True) as postgres, template(postgres) as databases, databases.database() as urls:
        async with _chain(urls.router) as chain:
            rates = [await chain.rate(amount.fast) for _ in range(amount.rounds + 1)][1:]
        async with _chain(urls.router) as chain:
            lags = await chain.lags(amount.paced, amount.lasts)
    async with _chain() as chain:
        await chain.feed(amount.warm)
        before = await chain.weight()
        await chain.feed(amount.many)
        after = await chain.weight()
    produced = CALLS_PER_SECOND * EVENTS_PER_CALL
    rate = sorted(rates)[len(rates) // 2]
    return Section(
        title="Observing",
        text=f"What the AMI says of a call is taken from the recordings in tests/replay in turn: {EVENTS_PER_CALL:.0f} "
        f"AMI events a call, of which {CALL_EVENTS_PER_CALL:.1f} call events are recorded. {CALLS_PER_SECOND} calls/s "
        f"make {produced:,.0f} AMI events/s. Some 1,500 calls are open at a time, in "
        f"real time those of {amount.lasts:g} seconds. A "
        "rate counts from the first byte sent to the last commit; the lag of a call event is from its sending on the "
        f"socket to its commit. Memory: {amount.warm:,} calls, then {amount.many:,} more, at full speed, recorded by "
        "nobody.",
        figures=(
            Figure(
                name="AMI events folded and recorded", value=rate, unit="/s", spread=spread(rates),
                peer=f"what {CALLS_PER_SECOND} calls/s make", peer_value=produced, must=f"ratio >= {_LEAST_TIMES}",
            ),
            Figure(name="lag to the commit, median", value=share(lags, 0.5), unit="ms"),
            Figure(
                name="lag to the commit, p99", value=share(lags, 0.99), unit="ms",
                must=f"value <= {_LONGEST_LAG_MILLISECONDS}",
            ),
            Figure(name="lag to the commit, longest", value=max(lags), unit="ms"),
            Figure(
                name=f"observer's memory after {amount.many:,} calls", value=after, unit="MiB",
                peer=f"after the first {amount.warm:,}", peer_value=before, must=f"ratio <= {_MOST_GROWTH}",
            ),
        ),
    )  # fmt: skip


class _Chain:
    """Source and observer, connected; calls have numbers of their own throughout."""

    def __init__(self, source: _Process, observer: _Process) -> None:
        self._source = source
        self._observer = observer
        self._calls = self._expected = 0

    async def _fed(
        self, calls: int, *, paced: bool = False, lasts: float = TOLD_SECONDS
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        first, self._calls = self._calls, self._calls + calls
        self._expected = call_events(self._calls)
        work = {"calls": calls, "first": first, "paced": paced, "lasts": lasts}
        return await asyncio.gather(self._source.ask(json.dumps(work)), self._observer.ask(str(self._expected)))

    async def rate(self, calls: int) -> float:
        """AMI events a second."""
        sent, recorded = await self._fed(calls)
        assert recorded["recorded"] == self._expected
        return float(sent["ami_events"] / (recorded["at"] - sent["began"]))

    async def lags(self, calls: int, lasts: float) -> list[float]:
        """Milliseconds from sending to commit of every call event."""
        sent, recorded = await self._fed(calls, paced=True, lasts=lasts)
        told, done = _by_call(sent["told"]), _by_call(recorded["done"])
        assert told.keys() == done.keys()
        pairs = [pair for call in told for pair in zip(told[call], done[call], strict=True)]
        return [(committed - said) * 1_000 for said, committed in pairs]

    async def feed(self, calls: int) -> None:
        await self._fed(calls)

    async def weight(self) -> float:
        """MiB."""
        return float((await self._observer.ask(str(self._expected)))["pss"])


def _by_call(pairs: Sequence[tuple[int, float]]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = defaultdict(list)
    for call, at in pairs:
        found[call].append(at)
    return found


@dataclass(slots=True)
class _Process:
    process: asyncio.subprocess.Process

    async def ask(self, line: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        found: dict[str, Any] = await self.line()
        return found

    async def line(self) -> Any:
        assert self.process.stdout is not None
        async with asyncio.timeout(_DEADLINE_SECONDS):
            return json.loads(await self.process.stdout.readline())


@asynccontextmanager
async def _process(*words: str) -> AsyncIterator[_Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=dict(os.environ), limit=1 << 28,
    )  # fmt: skip
    try:
        yield _Process(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def _chain(url: str | None = None) -> AsyncIterator[_Chain]:
    async with _process("tests.bench.ami_source") as source:
        words = [str(await source.line()), *([] if url is None else [url])]
        async with _process("tests.bench.observing", *words) as observer:
            await observer.line()
            yield _Chain(source, observer)
