# SPDX-License-Identifier: EUPL-1.2
"""How the set-up time of real calls grows with their rate and with the table, where it bends, and what bends it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import pairwise

from tests.bench.calls import LONGEST_SETUP_MILLISECONDS, NUMBERS
from tests.bench.calls_load import Load
from tests.bench.calls_scene import SCENES, SERVICE, Scene, scene
from tests.bench.figures import Curve, Effort, Figure, Section, share

_BEND = 2.0
_SIZES_RATE = 100
Points = list[tuple[int, float]]


async def growth(effort: Effort) -> Section:
    """p50 and p99 over the calls a second, and over the numbers in the table."""
    sizes: dict[str, Points] = {"p50": [], "p99": []}
    rates: dict[str, Points] = {}
    loads: dict[int, Load] = {}
    usual = min(NUMBERS, effort.large)
    for numbers in effort.call_sizes:  # each with a service and an Asterisk of its own
        async with AsyncExitStack() as stack:
            calls = await (SCENES.of(usual) if numbers == usual else stack.enter_async_context(scene(numbers)))
            took: list[float] = []
            for _ in range(effort.call_rounds):
                took += (await calls.timed(SERVICE, _SIZES_RATE, effort.call_seconds))[0]
            _note(sizes, numbers, took)
            if numbers == usual:
                rates, loads = await _over_rates(calls, effort)
    figures = [
        Figure(name=f"growth, call set-up time at {at:,} calls/s, {part}", value=value, unit="ms")
        for part, points in rates.items()
        for at, value in points
    ]
    figures += [
        Figure(name=f"growth, call set-up time with {numbers:,} numbers, {part}", value=value, unit="ms")
        for part, points in sizes.items()
        for numbers, value in points
    ]
    curves = [
        Curve(
            title=f"Set-up time over calls a second, {part}", sizes="calls/s", unit="ms", points=tuple(points),
            bend=_bend(points, loads),
        )
        for part, points in rates.items()
    ]  # fmt: skip
    curves += [
        Curve(
            title=f"Set-up time over numbers in the table at {_SIZES_RATE} calls/s, {part}", sizes="numbers", unit="ms",
            points=tuple(points), bend=_bend(points, {}),
        )
        for part, points in sizes.items()
    ]  # fmt: skip
    return Section(
        title="How real calls grow",
        text="The same calls as under set-up time, by the service's way alone, from INVITE to 404; a call that is not "
        "answered within two seconds counts as two seconds. The rates end where p99 has passed "
        f"{LONGEST_SETUP_MILLISECONDS:.0f} ms. Repeat it with `scripts/bench growth`.",
        figures=tuple(figures),
        curves=tuple(curves),
    )


async def _over_rates(calls: Scene, effort: Effort) -> tuple[dict[str, Points], dict[int, Load]]:
    found: dict[str, Points] = {"p50": [], "p99": []}
    loads: dict[int, Load] = {}
    for rate in effort.call_rates:
        took, loads[rate] = await calls.timed(SERVICE, rate, effort.call_seconds)
        _note(found, rate, took)
        if found["p99"][-1][1] > LONGEST_SETUP_MILLISECONDS:
            break
    return found, loads


def _note(found: dict[str, Points], size: int, took: list[float] | tuple[float, ...]) -> None:
    found["p50"].append((size, share(took, 0.5) / 1_000))
    found["p99"].append((size, share(took, 0.99) / 1_000))


def _bend(points: Points, loads: dict[int, Load]) -> str:
    """The first size at which it takes twice as long as at the one before."""
    for (_, before), (size, after) in pairwise(points):
        if after / before >= _BEND:
            what = f"It bends at {size:,} ({after / before:.1f} times the one before)"
            if size not in loads:
                return f"{what}."
            load = loads[size]
            return f"{what}. At its limit there: {load.limit or 'nothing, on average'} ({load})."
    end = f" At the last one: {loads[points[-1][0]]}." if points[-1][0] in loads else ""
    return f"It does not bend: nowhere does it take {_BEND:g} times as long as at the one before.{end}"
