# SPDX-License-Identifier: EUPL-1.2
"""``docs/performance.md``: every figure of one run, the machine it ran on, and growth as curves."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from tests.bench.figures import Curve, Figure, Section

_BEND = 1.15
_BAR = 40


def document(sections: Sequence[Section], *, effort: str) -> str:
    """The whole text."""
    return "\n".join(_lines(sections, effort)) + "\n"


def _lines(sections: Sequence[Section], effort: str) -> Iterator[str]:
    yield "# Performance"
    yield ""
    yield f"Written by `scripts/bench`{effort}, all in one run; not to be edited. Values are medians of several rounds,"
    yield "with the least and the most of them in brackets; what is compared took turns within each round. A benchmark"
    yield "is no test: other machines give other figures, the ratios should stay."
    yield ""
    yield f"Machine: {machine()}."
    for section in sections:
        yield from ("", f"## {section.title}", "", section.text, "")
        yield "| | value | beside | ratio | must | holds |"
        yield "|---|---|---|---|---|---|"
        yield from map(_row, section.figures)
        if section.curve:
            yield ""
            yield from _curve(section.curve)
        for curve in section.curves:
            yield from ("", f"{curve.title}:", "", *_named_curve(curve))


def _row(figure: Figure) -> str:
    value = f"{_number(figure.value)} {figure.unit}"
    if figure.spread is not None:
        value += f" ({_number(figure.spread[0])}–{_number(figure.spread[1])})"
    peer = "" if figure.peer_value is None else f"{figure.peer}: {_number(figure.peer_value)} {figure.unit}"
    ratio = "" if figure.ratio is None else _number(figure.ratio)
    must = (figure.must or "").replace("<=", "≤").replace(">=", "≥")
    holds = "" if figure.holds is None else "yes" if figure.holds else "**no**"
    return f"| {figure.name} | {value} | {peer} | {ratio} | {must} | {holds} |"


def _curve(curve: Sequence[tuple[int, float]]) -> Iterator[str]:
    """One bar for each size, and the first size at which it takes noticeably longer than at the one before."""
    most = max(value for _, value in curve)
    yield "```"
    for size, value in curve:
        yield f"{size:>9,} numbers  {value:7.2f} µs  {'█' * round(_BAR * value / most)}"
    yield "```"
    yield ""
    bends = [(size, after / before) for (_, before), (size, after) in pairwise(curve) if after / before >= _BEND]
    if bends:
        yield (
            f"It bends at {bends[0][0]:,} numbers ({bends[0][1]:.2f} times the size before): the table no longer fits "
            "into the processor's caches. The steps are the same at every size."
        )
    else:
        yield f"It does not bend: no size takes {_BEND} times as long as the one before."


def _named_curve(curve: Curve) -> Iterator[str]:
    most = max(value for _, value in curve.points)
    yield "```"
    for size, value in curve.points:
        yield f"{size:>9,} {curve.sizes}  {value:9.2f} {curve.unit}  {'█' * round(_BAR * value / most)}"
    yield "```"
    yield ""
    yield curve.bend


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 0.095 else f"{value:.2g}"


def machine() -> str:
    """Processor, memory, system and Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} processors ({_processor()}), {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
