# SPDX-License-Identifier: EUPL-1.2
"""Hypothesis strategies for rows that say when: hours and what is dated; all they draw compiles."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from routing.config.calendars import closed_dates
from routing.core.rows import NoticeRow, OnCallDutyRow, OpeningHoursRow, OverrideRow, SpecialHoursRow
from tests.property.row_values import (
    OUTSIDE,
    ZONES,
    announcements,
    editions,
    instants,
    nightly_weeklies,
    periods,
    spoken,
    titles,
)

_NAMED_DAYS = st.dictionaries(
    st.sampled_from(["12-24", "12-31", "02-29", "10-31", "2026-12-24", "2028-02-29", "1999-12-31"]), titles, max_size=3
)
Line = tuple[str, str]


@st.composite
def opening_hours(draw: st.DrawFn, name: str) -> tuple[OpeningHoursRow, ...]:
    """One edition, or two that follow each other."""
    return tuple(draw(_edition(name, validity)) for validity in draw(editions()))


@st.composite
def _edition(draw: st.DrawFn, name: str, validity: dict[str, Any]) -> OpeningHoursRow:
    calendar = draw(st.sampled_from([None, "DE-NI", "DE-BY"]))
    additions = tuple(draw(_NAMED_DAYS).items())
    removable = st.sampled_from(["10-03", "05-01", "2026-12-25"])
    removals = tuple(draw(st.lists(removable, unique=True, max_size=2))) if calendar else ()
    mistakes: list[str] = []
    dates = closed_dates(calendar, additions, removals, lambda _, sentence: mistakes.append(sentence))
    assert mistakes == []
    return OpeningHoursRow(
        name=name,
        timezone=draw(st.sampled_from(ZONES)),
        weekly=draw(nightly_weeklies()),
        holiday_calendar=calendar,
        holiday_additions=additions,
        holiday_removals=removals,
        holiday_dates=dates,
        **validity,
    )


def _scopes(hours: list[str], lines: list[Line], *, centre: bool) -> list[dict[str, Any]]:
    scopes: list[dict[str, Any]] = [{"opening_hours": name} for name in hours]
    scopes += [{"tenant": tenant} for tenant in sorted({tenant for tenant, _ in lines})]
    scopes += [{"tenant": tenant, "service_line": name} for tenant, name in lines]
    return scopes + ([{}] if centre else [])


@st.composite
def special_hours(
    draw: st.DrawFn, hours: list[str], lines: list[Line], trunks: list[str], groups: list[str]
) -> tuple[SpecialHoursRow, ...]:
    """Closures and openings that do not overlap within what they hold for."""
    found = []
    scopes = st.sampled_from(_scopes(hours, lines, centre=False))
    for number, scope in enumerate(draw(st.lists(scopes, max_size=4, unique_by=str))):
        for count, period in enumerate(draw(periods())):
            opens: bool = draw(st.booleans())
            group = st.none() | st.sampled_from(groups)
            found.append(
                SpecialHoursRow(
                    name=f"s{number}-{count}",
                    title=draw(titles),
                    opens=opens,
                    announcement_text=draw(announcements),
                    agent_group=draw(group) if opens else None,
                    **({} if opens else draw(_forwards(trunks))),
                    **period,
                    **scope,
                )
            )
    return tuple(found)


@st.composite
def _forwards(draw: st.DrawFn, trunks: list[str]) -> dict[str, Any]:
    if not draw(st.booleans()):
        return {}
    return {"forward_number": draw(st.sampled_from(OUTSIDE)), "forward_trunk": draw(st.sampled_from(trunks))}


@st.composite
def overrides(draw: st.DrawFn, lines: list[Line], trunks: list[str]) -> tuple[OverrideRow, ...]:
    """Switches that may well overlap: the one that began last holds."""
    found = []
    for number in range(draw(st.integers(0, 2))):
        opens: bool = draw(st.booleans())
        begins, ends = sorted(draw(st.sets(instants, min_size=2, max_size=2)))
        found.append(
            OverrideRow(
                name=f"o{number}",
                opens=opens,
                reason=draw(titles),
                author=draw(titles),
                valid_from=begins,
                valid_to=ends,
                announcement_text=None if opens else draw(announcements),
                **({} if opens else draw(_forwards(trunks))),
                **draw(st.sampled_from(_scopes([], lines, centre=True))),
            )
        )
    return tuple(found)


@st.composite
def notices(draw: st.DrawFn, hours: list[str], lines: list[Line]) -> tuple[NoticeRow, ...]:
    """Up to three announcements for those who wait."""
    return tuple(
        NoticeRow(
            name=f"n{number}",
            title=draw(titles),
            announcement_text=draw(spoken),
            **period,
            **draw(st.sampled_from(_scopes(hours, lines, centre=True))),
        )
        for number, period in enumerate(draw(periods()))
    )


@st.composite
def on_call_duties(draw: st.DrawFn, rotas: list[str], trunks: list[str]) -> tuple[OnCallDutyRow, ...]:
    """Turns of up to two ranks; those of one rank follow each other."""
    return tuple(
        OnCallDutyRow(
            rota=rota,
            rank=rank,
            number=draw(st.sampled_from(OUTSIDE)),
            trunk=draw(st.sampled_from(trunks)),
            **period,
        )
        for rota in rotas
        for rank in range(1, draw(st.integers(1, 2)) + 1)
        for period in draw(periods(2))
    )
