# SPDX-License-Identifier: EUPL-1.2
"""Whether Asterisk and the service are after many calls what they were after a few."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.calls import NUMBERS
from tests.bench.calls_load import open_files, proportional_mebibytes
from tests.bench.calls_scene import SCENES, SERVICE, Scene
from tests.bench.figures import Effort, Figure, Section

_RATE = 250
_PARTS = 10
_MOST_RATIO = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    mebibytes: float
    files: int


async def memory_of_calls(effort: Effort) -> Section:
    """The first tenth of the calls warms up; what is compared are the ends of the first tenth and of the last."""
    numbers, calls = min(NUMBERS, effort.large), max(1, effort.call_count // _PARTS)
    looks: list[dict[str, _Look]] = []
    answered = 0
    found = await SCENES.of(numbers)
    for _ in range(_PARTS):
        step, _ = await found.offered(SERVICE, _RATE, calls / _RATE)
        answered += len(step.milliseconds)
        looks.append(_looked(found))
    return Section(
        title="Memory over real calls",
        text=f"{calls * _PARTS:,} calls (answered: {answered:,}) at {_RATE} a second by the service's way, {numbers:,} "
        f"numbers; both processes after the last call beside the same after the first {calls:,}. Memory is PSS. After "
        "each tenth Asterisk has no channel left. Repeat it with `scripts/bench memory_of_calls`; only without --quick "
        "are there 100,000 calls.",
        figures=tuple(figure for name in looks[0] for figure in _figures(name, looks, calls)),
    )


def _looked(found: Scene) -> dict[str, _Look]:
    return {
        name: _Look(mebibytes=proportional_mebibytes(pid), files=open_files(pid))
        for name, (pid, *_) in ((name, found.pids[name]) for name in ("Asterisk", "service"))
    }


def _figures(name: str, looks: list[dict[str, _Look]], calls: int) -> tuple[Figure, Figure]:
    first, last = looks[0][name], looks[-1][name]
    peer = f"after {calls:,}"
    return (
        Figure(
            name=f"memory of {name} after {calls * len(looks):,} calls", value=last.mebibytes, unit="MiB", peer=peer,
            peer_value=first.mebibytes, must=f"ratio <= {_MOST_RATIO}",
        ),
        Figure(
            name=f"open files of {name} after {calls * len(looks):,} calls", value=last.files, unit="files", peer=peer,
            peer_value=first.files, must=f"ratio <= {_MOST_RATIO}",
        ),
    )  # fmt: skip
