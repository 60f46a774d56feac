# SPDX-License-Identifier: EUPL-1.2
"""Hypothesis strategies for one line in a hard time: everything that is dated begins and ends within a few days.

Hard are both nights in which a clock is changed (in five zones), year ends and leap days. Beside the line stand
another line of its tenant, another tenant and other hours, so that scopes can be mistaken.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from routing.core.decision import CONDITIONS
from routing.core.rows import (
    AgentGroupRow,
    NoticeRow,
    OnCallDutyRow,
    OnCallRotaRow,
    OpeningHoursRow,
    OverrideRow,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    StepRow,
    TenantRow,
    TrunkRow,
)
from tests.property.row_values import nightly_weeklies

TENANT, LINE = "stadt", "zentrale"
DAYS = 3
"""How long the hard time lasts."""
ZONES = ("Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo")
"""Lord Howe's clock is put forward by half an hour only; St John's is half an hour off; Kathmandu's never changes;
Cairo's is changed at midnight."""
HARD = [
    *(datetime(2026, 3, 28, 6, tzinfo=UTC), datetime(2026, 10, 24, 6, tzinfo=UTC)),  # Europe
    *(datetime(2026, 3, 7, 6, tzinfo=UTC), datetime(2026, 10, 31, 6, tzinfo=UTC)),  # North America
    *(datetime(2026, 4, 3, 6, tzinfo=UTC), datetime(2026, 10, 2, 6, tzinfo=UTC)),  # Australia
    *(datetime(2026, 4, 23, 6, tzinfo=UTC), datetime(2026, 10, 29, 6, tzinfo=UTC)),  # Egypt
    *(
        datetime(2027, 12, 30, 6, tzinfo=UTC),
        datetime(2028, 2, 27, 18, tzinfo=UTC),
        datetime(2028, 2, 28, 18, tzinfo=UTC),
    ),
]
_GROUPS, _TRUNKS, _ROTAS = ("allgemein", "springer"), ("carrier", "rathaus"), ("bereit", "technik")
_NUMBERS = ("+493023125100", "+493023125101", "+494066969100", "+498999998100")
_STRANGERS: list[dict[str, Any]] = [
    {"tenant": TENANT, "service_line": "andere"},
    {"tenant": "dorf"},
    {"opening_hours": "fremd"},
]
SCOPES: list[dict[str, Any]] = [
    {"tenant": TENANT, "service_line": LINE},
    {"tenant": TENANT},
    {"opening_hours": "service"},
    {"opening_hours": "spaet"},
]

_minutes = st.integers(0, DAYS * 1440).map(lambda minute: timedelta(minutes=minute))
offsets = _minutes | st.integers(0, DAYS * 86_400).map(lambda second: timedelta(seconds=second))
nights = st.builds(  # on some days, a window that ends on the next
    lambda days, start, length: tuple((day, start, 1440 + min(length, start - 1)) for day in sorted(days)),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(2, 1439),
    st.integers(1, 1438),
)
_windows = nightly_weeklies() | nights | st.just(()) | st.just(tuple((day, 0, 1440) for day in range(7)))


@st.composite
def periods(draw: st.DrawFn, start: datetime, maximum: int = 2) -> list[dict[str, Any]]:
    """Stretches of time with two ends, that do not overlap but may touch."""
    edges = sorted(draw(st.sets(offsets, max_size=maximum + 1)))
    pairs = pairwise(edges)
    return [{"valid_from": start + a, "valid_to": start + b} for a, b in pairs if draw(st.booleans())]


@st.composite
def _editions(draw: st.DrawFn, start: datetime) -> list[dict[str, Any]]:
    """One to three validities that do not overlap; between them may be gaps."""
    edges: list[datetime | None] = [start + edge for edge in sorted(draw(st.sets(offsets, max_size=3)))]
    if draw(st.booleans()):
        edges = [None, *edges, None]
    if len(edges) < 2:
        return [{}]
    kept: list[dict[str, Any]] = [
        {"valid_from": a, "valid_to": b} for a, b in pairwise(edges) if draw(st.integers(0, 3))
    ]
    return kept or [{}]


@st.composite
def _hours(draw: st.DrawFn, name: str, start: datetime) -> list[OpeningHoursRow]:
    near = st.integers(-2, DAYS + 1).map(lambda offset: (start + timedelta(days=offset)).date())
    return [
        OpeningHoursRow(
            name=name,
            timezone=draw(st.sampled_from(ZONES)),
            weekly=draw(_windows),
            holiday_dates=tuple((day, f"Feiertag {day}") for day in sorted(draw(st.sets(near, max_size=2)))),
            **validity,
        )
        for validity in draw(_editions(start))
    ]


@st.composite
def _chains(draw: st.DrawFn, kinds: tuple[str, ...]) -> tuple[StepRow, ...]:
    steps = []
    for number in range(draw(st.integers(0, 3))):
        when = tuple(draw(st.lists(st.sampled_from(CONDITIONS), unique=True, max_size=2)))
        kind = draw(st.sampled_from(kinds))
        dial = {"number": draw(st.sampled_from(_NUMBERS)), "trunk": draw(st.sampled_from(_TRUNKS))}
        by_kind: dict[str, dict[str, Any]] = {
            "agent_group": {"agent_group": draw(st.sampled_from(_GROUPS))},
            "announcement": {"text": f"Schritt {number}"},
            "forward": dial,
            "desk": dial,
            "on_call": {"rota": draw(st.sampled_from(_ROTAS)), "tries": draw(st.integers(1, 2))},
        }
        steps.append(
            StepRow(
                kind=kind,
                when=when,
                after_seconds=draw(st.integers(1, 900)) if "timeout" in when else None,
                over_seconds=draw(st.integers(1, 900)) if "expected_wait" in when else None,
                ring_seconds=20 + number,
                **by_kind[kind],
            )
        )
    return tuple(steps)


@st.composite
def _lines(draw: st.DrawFn, start: datetime) -> list[ServiceLineRow]:
    return [
        ServiceLineRow(
            tenant=TENANT,
            name=LINE,
            title="Zentrale",
            opening_hours=draw(st.sampled_from(["service", "service", "spaet"])),
            agent_group=draw(st.sampled_from(_GROUPS)),
            priority=draw(st.integers(0, 3)),
            maximum_wait_seconds=draw(st.integers(60, 900)),
            after_closing_minutes=draw(st.none() | st.integers(0, 60)),
            greeting_text=draw(st.sampled_from([None, "Hier ist die Zentrale.", f"Ausgabe {number}."])),
            closed_text=draw(st.sampled_from([None, "Geschlossen.", f"Geschlossen, Ausgabe {number}."])),
            closing_text=f"Feierabend, Ausgabe {number}.",
            overflow=draw(_chains(("agent_group", "announcement", "forward", "desk", "on_call"))),
            closed=draw(_chains(("announcement", "forward", "desk", "on_call"))),
            **validity,
        )
        for number, validity in enumerate(draw(_editions(start)))
    ]


@st.composite
def _special_hours(draw: st.DrawFn, start: datetime) -> list[SpecialHoursRow]:
    found = []
    for number, scope in enumerate((*SCOPES, *_STRANGERS)):
        for count, period in enumerate(draw(periods(start))):
            opens = draw(st.booleans())
            more = {"agent_group": draw(st.sampled_from([None, "springer"]))} if opens else draw(_forwards())
            words = draw(st.sampled_from([None, f"Besonderes {number}-{count}."]))
            found.append(
                SpecialHoursRow(
                    name=f"s{number}-{count}", title="Besonderes", opens=opens, announcement_text=words, **scope,
                    **period, **more,
                )
            )  # fmt: skip
    return found


@st.composite
def _forwards(draw: st.DrawFn) -> dict[str, Any]:
    if not draw(st.booleans()):
        return {}
    return {"forward_number": draw(st.sampled_from(_NUMBERS)), "forward_trunk": draw(st.sampled_from(_TRUNKS))}


@st.composite
def _overrides(draw: st.DrawFn, start: datetime) -> list[OverrideRow]:
    """They may overlap, and several may begin at once."""
    found = []
    scopes = [{}, *SCOPES[:2], *_STRANGERS[:2]]
    begins = draw(offsets)
    for number in range(draw(st.integers(0, 3))):
        first = draw(st.sampled_from([begins, draw(offsets)]))
        opens = draw(st.booleans())
        words = draw(st.sampled_from([None, f"Von Hand {number}."]))
        more = {} if opens else {"announcement_text": words, **draw(_forwards())}
        lasts = timedelta(seconds=draw(st.integers(1, 86_400)))
        found.append(
            OverrideRow(
                name=f"o{number}", opens=opens, reason="Von Hand", author="leitung", valid_from=start + first,
                valid_to=start + first + lasts, **draw(st.sampled_from(scopes)), **more,
            )
        )  # fmt: skip
    return found


@st.composite
def _notices(draw: st.DrawFn, start: datetime) -> list[NoticeRow]:
    scopes = [{}, *SCOPES, *_STRANGERS]
    return [
        NoticeRow(
            name=f"n{number}-{count}", title="Hinweis", announcement_text=f"Hinweis {number}-{count}.", **scope,
            **period,
        )
        for number, scope in enumerate(draw(st.lists(st.sampled_from(scopes), max_size=3)))
        for count, period in enumerate(draw(periods(start)))
    ]  # fmt: skip


@st.composite
def _duties(draw: st.DrawFn, start: datetime) -> list[OnCallDutyRow]:
    return [
        OnCallDutyRow(rota=rota, number=_NUMBERS[rank - 1], trunk=draw(st.sampled_from(_TRUNKS)), rank=rank, **period)
        for rota in _ROTAS
        for rank in (1, 2)
        for period in draw(periods(start))
    ]


@st.composite
def hard_lines(draw: st.DrawFn) -> tuple[Rows, datetime]:
    """Rows that compile, and the beginning of the hard time."""
    start = draw(st.sampled_from(HARD))
    tenant = draw(st.sampled_from([{}, {}, {}, *draw(periods(start, 1))]))
    stranger: dict[str, Any] = {"title": "Fremd", "opening_hours": "fremd", "agent_group": "allgemein"}
    rows = Rows(
        tenants=(
            TenantRow(slug=TENANT, name="Stadt", greeting_text="Hier ist die Stadt.", closed_text="Zu.", **tenant),
            TenantRow(slug="dorf", name="Dorf"),
        ),
        opening_hours=(
            *draw(_hours("service", start)),
            *draw(_hours("spaet", start)),
            OpeningHoursRow(name="fremd", timezone="UTC", weekly=()),
        ),
        special_hours=tuple(draw(_special_hours(start))),
        overrides=tuple(draw(_overrides(start))),
        notices=tuple(draw(_notices(start))),
        agent_groups=tuple(AgentGroupRow(name=name, title=name) for name in _GROUPS),
        on_call_rotas=tuple(OnCallRotaRow(name=name, title=name) for name in _ROTAS),
        on_call_duties=tuple(draw(_duties(start))),
        trunks=tuple(TrunkRow(name=name, address="127.0.0.2", number_format="e164") for name in _TRUNKS),
        service_lines=(
            *draw(_lines(start)),
            ServiceLineRow(tenant=TENANT, name="andere", **stranger),
            ServiceLineRow(tenant="dorf", name=LINE, **stranger),
        ),
    )
    return rows, start
