# SPDX-License-Identifier: EUPL-1.2
"""Hypothesis strategies for rows: valid configurations as a whole, and broken ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from routing.config.calendars import closed_dates
from routing.core.numbers import NumberFormat
from routing.core.rows import (
    AgentGroupRow,
    AgentRow,
    AuthorityNumberRow,
    DidRow,
    NumberBlockRow,
    OpeningHoursRow,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    TenantRow,
    TrunkRow,
)

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
texts = st.none() | st.lists(titles, min_size=1, max_size=7).map("  ".join)
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


_NAMED_DAYS = st.dictionaries(
    st.sampled_from(["12-24", "12-31", "02-29", "10-31", "2026-12-24", "2028-02-29", "1999-12-31"]), titles, max_size=3
)


@st.composite
def opening_hours(draw: st.DrawFn, name: str) -> OpeningHoursRow:
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
    )


@st.composite
def special_hours(
    draw: st.DrawFn, hours: list[str], lines: list[tuple[str, str]], trunks: list[str]
) -> tuple[SpecialHoursRow, ...]:
    """Closures and openings that do not overlap within what they hold for."""
    tenants = sorted({tenant for tenant, _ in lines})
    scopes: list[dict[str, Any]] = [{"opening_hours": name} for name in hours]
    scopes += [{"tenant": tenant} for tenant in tenants]
    scopes += [{"tenant": tenant, "service_line": name} for tenant, name in lines]
    found = []
    for number, scope in enumerate(draw(st.lists(st.sampled_from(scopes), max_size=4, unique_by=str))):
        edges = sorted(draw(st.sets(instants, max_size=6)))
        for count, (start, end) in enumerate(zip(edges[::2], edges[1::2], strict=False)):
            opens: bool = draw(st.booleans())
            forward: bool = not opens and draw(st.booleans())
            found.append(
                SpecialHoursRow(
                    name=f"s{number}-{count}",
                    title=draw(titles),
                    opens=opens,
                    valid_from=start,
                    valid_to=end,
                    announcement_text=None if opens else draw(texts.filter(_short)),
                    forward_number="+493023125100" if forward else None,
                    forward_trunk=draw(st.sampled_from(trunks)) if forward else None,
                    **scope,
                )
            )
    return tuple(found)


def _names(draw: st.DrawFn, minimum: int = 1) -> list[str]:
    return draw(st.lists(slugs, min_size=minimum, max_size=3, unique=True))


@st.composite
def configurations(draw: st.DrawFn) -> Rows:
    """Rows that compile."""
    hours, groups, trunks, tenants = (_names(draw) for _ in range(4))
    lines = [(tenant, name) for tenant in tenants for name in _names(draw)]
    blocks = [
        NumberBlockRow(
            head_number=head,
            tenant=draw(st.sampled_from(tenants)),
            **(_desks(draw(st.integers(1, 6)), draw(st.sampled_from(trunks))) if draw(st.booleans()) else {}),
        )
        for head in draw(st.lists(st.integers(20, 29).map("+495361{}".format), unique=True, max_size=4))
    ]
    dids = [
        _did(draw, block.head_number, extension, draw(st.sampled_from(lines)))
        for block in blocks
        for extension in draw(st.lists(st.from_regex(r"[0-9]{0,5}", fullmatch=True), unique=True, max_size=3))
    ]
    areas = draw(st.lists(st.integers(2000, 9999).map(str), unique=True, max_size=4))
    with_neutral: bool = draw(st.booleans())
    neutral = [""] if areas or with_neutral else []
    return Rows(
        tenants=tuple(TenantRow(slug=slug, name=draw(titles), **draw(validities())) for slug in tenants),
        opening_hours=tuple(draw(opening_hours(name)) for name in hours),
        special_hours=draw(special_hours(hours, lines, trunks)),
        agent_groups=tuple(AgentGroupRow(name=name, title=draw(titles)) for name in groups),
        agents=tuple(
            AgentRow(
                name=name, device=f"{name}-x", agent_groups=tuple(draw(st.lists(st.sampled_from(groups), unique=True)))
            )
            for name in _names(draw, 0)
        ),
        trunks=tuple(draw(_trunk(name)) for name in trunks),
        service_lines=tuple(draw(_line(tenant, name, hours, groups, trunks)) for tenant, name in lines),
        number_blocks=tuple(blocks),
        dids=tuple(did for pair in dids for did in pair),
        authority_numbers=tuple(
            AuthorityNumberRow(area_code=code, tenant=line[0], service_line=line[1])
            for code in (*areas, *neutral)
            for line in [draw(st.sampled_from(lines))]
        ),
    )


def _desks(digits: int, trunk: str) -> dict[str, Any]:
    return {"desk_digits": digits, "desk_trunk": trunk}


def _did(draw: st.DrawFn, head: str, extension: str, line: tuple[str, str]) -> list[DidRow]:
    """One meaning of a number, or two that follow each other."""
    change = draw(st.none() | instants)
    one = DidRow(head_number=head, extension=extension, tenant=line[0], service_line=line[1], valid_to=change)
    if change is None:
        return [one]
    return [one, DidRow(head_number=head, extension=extension, tenant=line[0], service_line=line[1], valid_from=change)]


@st.composite
def _trunk(draw: st.DrawFn, name: str) -> TrunkRow:
    demonstration = draw(st.booleans())
    return TrunkRow(
        name=name,
        address=draw(st.sampled_from(["127.0.0.2", "127.1.2.3:5070"] + ([] if demonstration else ["sbc.example.org"]))),
        number_format=draw(st.sampled_from([item.value for item in NumberFormat])),
        has_other_route=draw(st.booleans()),
        demonstration=demonstration,
    )


@st.composite
def _line(
    draw: st.DrawFn, tenant: str, name: str, hours: list[str], groups: list[str], trunks: list[str]
) -> ServiceLineRow:
    forward: dict[str, Any] = {}
    if draw(st.booleans()):
        forward = {"closed_forward_number": "+493023125100", "closed_forward_trunk": draw(st.sampled_from(trunks))}
    return ServiceLineRow(
        tenant=tenant,
        name=name,
        title=draw(titles),
        opening_hours=draw(st.sampled_from(hours)),
        agent_group=draw(st.sampled_from(groups)),
        greeting_text=draw(texts.filter(_short)),
        closed_text=draw(texts.filter(_short)),
        agent_phrase=draw(texts.filter(_short)),
        **forward,
        **draw(validities()),
    )


def _short(text: str | None) -> bool:
    return text is None or len(text) <= 600
