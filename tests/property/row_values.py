# SPDX-License-Identifier: EUPL-1.2
"""Hypothesis strategies for what rows hold: names, texts, instants, weekly windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
"""Without shrinking: making a whole configuration smaller takes minutes and says little more."""

ZONES = ("Europe/Berlin", "UTC", "Asia/Kathmandu", "Pacific/Kiritimati", "America/St_Johns")

slugs = st.from_regex(r"[a-z0-9]{1,6}(-[a-z0-9]{1,3})?", fullmatch=True)
titles = (
    st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=80)
    | st.sampled_from(
        ["null", "~", "true", "115", "0x1F", "1e3", "2014-10-01", "- x", "a: b", "# c", "'", '"', " a ", "<<"]
    )
).filter(lambda text: bool(text.strip()) and text.isprintable())
spoken = st.lists(titles, min_size=1, max_size=7).map("  ".join).filter(lambda text: len(text) <= 600)
announcements = st.none() | spoken
instants = st.builds(
    lambda minutes, zone: (datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)).astimezone(zone),
    st.integers(-100_000_000, 100_000_000),
    st.sampled_from([ZoneInfo(name) for name in ZONES]),
)
aware = st.datetimes(
    timezones=st.sampled_from([*(ZoneInfo(z) for z in ZONES), UTC, timezone(timedelta(hours=-23, minutes=-59))])
)
number_texts = st.text("0123456789+-./() ", max_size=24) | st.text(max_size=70)


@st.composite
def validities(draw: st.DrawFn) -> dict[str, Any]:
    first, second = draw(st.none() | instants), draw(st.none() | instants)
    if first is not None and second is not None:
        if first == second:
            second = None
        elif first > second:
            first, second = second, first
    return {"valid_from": first, "valid_to": second}


@st.composite
def weeklies(draw: st.DrawFn) -> tuple[tuple[int, int, int], ...]:
    """Windows that do not overlap, of every day, in order."""
    found = []
    for day in range(7):
        edges = sorted(draw(st.sets(st.integers(0, 1440), max_size=6)))
        found += [(day, start, end) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    return tuple(found)


@st.composite
def nightly_weeklies(draw: st.DrawFn) -> tuple[tuple[int, int, int], ...]:
    """The same, in which a day's last window may run into the next day, up to that day's first."""
    found = list(draw(weeklies()))
    for place, (day, start, _) in enumerate(found):
        following, first, _ = found[(place + 1) % len(found)]
        if following != day or len(found) == 1:
            until = first if following == (day + 1) % 7 else 1440
            latest = min(until, start - 1)  # less than 24 hours
            if latest > 0 and draw(st.booleans()):
                found[place] = (day, start, 1440 + draw(st.integers(1, latest)))
    return tuple(found)


OUTSIDE = ("+493023125100", "+494066969123")
"""Numbers to forward to, none of them ours."""


@st.composite
def editions(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Validities of one thing that do not overlap: always, or up to an instant and from it on."""
    change = draw(st.none() | instants)
    return [{}] if change is None else [{"valid_to": change}, {"valid_from": change}]


@st.composite
def periods(draw: st.DrawFn, maximum: int = 3) -> list[dict[str, Any]]:
    """Stretches of time with two ends that do not overlap, in order."""
    edges = sorted(draw(st.sets(instants, max_size=2 * maximum)))
    return [{"valid_from": a, "valid_to": b} for a, b in zip(edges[::2], edges[1::2], strict=False)]
