# SPDX-License-Identifier: EUPL-1.2
"""A small configuration of every type of row, and for each of its rows what else might stand in its place.

A configuration is a choice for each place; two choices differ by rows that are added, changed and removed. The first
variant of every place together compile; other choices may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from routing.core.rows import (
    AgentGroupRow,
    AgentRow,
    AuthorityNumberRow,
    CentreRow,
    DidRow,
    IngressNumberRow,
    NoticeRow,
    NumberBlockRow,
    OnCallDutyRow,
    OnCallRotaRow,
    OpeningHoursRow,
    OverrideRow,
    Row,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    StepRow,
    TenantRow,
    TrunkRow,
)
from tests.property.number_rows_tiny import HEADS

JUNE, JULY = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
_PERIOD: dict[str, Any] = {"valid_from": JUNE, "valid_to": JULY}
_OUTSIDE = "+493023125100"
_TO_A: dict[str, Any] = {"tenant": "stadt", "service_line": "a"}
_TO_B: dict[str, Any] = {"tenant": "stadt", "service_line": "b"}
_TO_VILLAGE: dict[str, Any] = {"tenant": "dorf", "service_line": "a"}
_AWAY: dict[str, Any] = {"forward_number": _OUTSIDE, "forward_trunk": "carrier"}

_WEEK = OpeningHoursRow(
    name="service", timezone="Europe/Berlin", weekly=tuple((day, 420, 1080) for day in range(5)),
    holiday_dates=((date(2026, 6, 4), "Fronleichnam"),),
)  # fmt: skip
_LATE = OpeningHoursRow(name="spaet", timezone="UTC", weekly=((0, 1200, 1560),))
_LINE = ServiceLineRow(tenant="stadt", name="a", title="A", opening_hours="service", agent_group="gruppe")
_CHAIN = (
    StepRow(kind="agent_group", agent_group="zweite", when=("timeout",), after_seconds=60),
    StepRow(kind="announcement", text="Bitte warten."),
)
_NIGHT = (StepRow(kind="on_call", rota="bereit"), StepRow(kind="forward", number=_OUTSIDE, trunk="carrier"))
_SPECIAL = SpecialHoursRow(name="s1", title="Ausflug", opens=False, **_PERIOD, **_TO_A)
_OVERRIDE = OverrideRow(name="o1", opens=False, reason="Wasser", author="leitung", **_PERIOD)
_NOTICE = NoticeRow(name="n1", title="Wahl", announcement_text="Bitte online.", **_PERIOD)
_DUTY = OnCallDutyRow(rota="bereit", number="+493023125111", trunk="carrier", **_PERIOD)
_CARRIER = TrunkRow(name="carrier", address="127.0.0.2", number_format="national")
_TRUSTED = replace(_CARRIER, trusts_diversion=True, recognise_by=("diversion", "dialled", "ingress_number"))
_DID = DidRow(head_number=HEADS[0], extension="0", **_TO_A)
_RANGE = DidRow(head_number=HEADS[0], extension="100", last_extension="299", **_TO_A)
_BLOCK = NumberBlockRow(head_number=HEADS[0], tenant="stadt", desk_digits=(2,), desk_trunk="rathaus")
_INGRESS = IngressNumberRow(number="+4953613000", **_TO_VILLAGE)
_NEUTRAL = AuthorityNumberRow(origin="neutral", **_TO_A)
_AREA = AuthorityNumberRow(origin="5361", **_TO_A)

PLACES: tuple[tuple[Row | None, ...], ...] = (
    (None, CentreRow(unknown_number_text="Kein Anschluss."), CentreRow(
        unknown_number_tenant="dorf", unknown_number_service_line="a")),
    (TenantRow(slug="stadt", name="Stadt"), TenantRow(slug="stadt", name="Stadt X", greeting_text="Tag."),
     TenantRow(slug="stadt", name="Stadt", building_hours="spaet", valid_from=JUNE)),
    (TenantRow(slug="dorf", name="Dorf"), None),
    (_WEEK, replace(_WEEK, weekly=()), replace(_WEEK, holiday_dates=()), replace(_WEEK, valid_to=JUNE)),
    (None, replace(_WEEK, weekly=((0, 0, 60),), valid_from=JUNE)),
    (_LATE, None, replace(_LATE, timezone="Asia/Kathmandu")),
    (None, _SPECIAL, replace(_SPECIAL, opens=True, announcement_text="Hallo."), replace(_SPECIAL, **_AWAY)),
    (None, replace(_SPECIAL, name="s2", service_line=None), replace(
        _SPECIAL, name="s2", tenant=None, service_line=None, opening_hours="spaet")),
    (None, _OVERRIDE, replace(_OVERRIDE, tenant="dorf"), replace(_OVERRIDE, **_TO_B), replace(_OVERRIDE, opens=True)),
    (None, replace(_OVERRIDE, name="o2", reason="Feuer", **_AWAY)),
    (None, _NOTICE, replace(_NOTICE, tenant="stadt"), replace(_NOTICE, opening_hours="service")),
    (None, replace(_NOTICE, name="n0", **_TO_B)),
    (AgentGroupRow(name="gruppe", title="Gruppe"), None),
    (AgentGroupRow(name="zweite", title="Zweite"), None, AgentGroupRow(name="zweite", title="Andere")),
    (AgentRow(name="agent", device="d1", agent_groups=("zweite",)), None,
     AgentRow(name="agent", device="d2", agent_groups=())),
    (None, AgentRow(name="zwei", device="d2", agent_groups=("gruppe",))),
    (OnCallRotaRow(name="bereit", title="Bereit"), None),
    (None, _DUTY, replace(_DUTY, number="+493023125112")),
    (None, replace(_DUTY, rank=2, trunk="rathaus")),
    (
        _CARRIER,
        replace(_CARRIER, has_other_route=True),
        replace(_CARRIER, number_format="e164"),
        _TRUSTED,
        replace(_TRUSTED, recognise_by=("ingress_number", "to", "dialled")),
        None,
    ),
    (replace(_CARRIER, name="rathaus"), None),
    (_LINE, replace(_LINE, overflow=_CHAIN), replace(_LINE, closed=_NIGHT), replace(_LINE, valid_to=JUNE),
     replace(_LINE, opening_hours="spaet"), replace(_LINE, agent_group="zweite", after_closing_minutes=5), None),
    (None, replace(_LINE, valid_from=JUNE), replace(_LINE, valid_from=JUNE, overflow=_CHAIN, closed=_NIGHT),
     replace(_LINE, valid_from=JUNE, greeting_text="Neu.")),
    (replace(_LINE, name="b"), None, replace(_LINE, name="b", closed=(
        StepRow(kind="forward", number=f"{HEADS[0]}299", trunk="carrier"),))),
    (replace(_LINE, tenant="dorf"), None),
    (_BLOCK, replace(_BLOCK, tenant="dorf"), replace(_BLOCK, other_service_line="b"), replace(
        _BLOCK, desk_trunk="carrier"), None),
    (None, NumberBlockRow(head_number=HEADS[1], tenant="dorf"), NumberBlockRow(
        head_number=HEADS[1], tenant="dorf", other_service_line="a")),
    (None, NumberBlockRow(head_number=f"{HEADS[0]}15", tenant="stadt", desk_digits=(1,), desk_trunk="rathaus")),
    (_DID, replace(_DID, **_TO_B), replace(_DID, valid_to=JUNE), None),
    (None, replace(_DID, valid_from=JUNE, **_TO_VILLAGE)),
    (None, _RANGE, replace(_RANGE, **_TO_VILLAGE), replace(_RANGE, valid_from=JULY)),
    (None, replace(_RANGE, extension="110", last_extension="119", **_TO_B)),
    (None, replace(_RANGE, extension="250", last_extension="350")),
    (None, DidRow(head_number=HEADS[1], extension="9", **_TO_VILLAGE)),
    (_INGRESS, None, replace(_INGRESS, tenant=None, service_line=None), replace(_INGRESS, valid_from=JUNE)),
    (None, replace(_INGRESS, number=f"{HEADS[0]}0")),
    (_NEUTRAL, replace(_NEUTRAL, **_TO_VILLAGE), None),
    (_AREA, replace(_AREA, **_TO_B), replace(
        _AREA, standing="shared", tenant=None, service_line=None, announcement_text="Welche Stadt?"), None),
    (None, AuthorityNumberRow(origin="mobile", **_AWAY)),
)  # fmt: skip

Choice = tuple[int, ...]
_COLLECTIONS: Mapping[type[Row], str] = {
    CentreRow: "centre", TenantRow: "tenants", OpeningHoursRow: "opening_hours", SpecialHoursRow: "special_hours",
    OverrideRow: "overrides", NoticeRow: "notices", AgentGroupRow: "agent_groups", AgentRow: "agents",
    OnCallRotaRow: "on_call_rotas", OnCallDutyRow: "on_call_duties", TrunkRow: "trunks",
    ServiceLineRow: "service_lines", NumberBlockRow: "number_blocks", DidRow: "dids",
    IngressNumberRow: "ingress_numbers", AuthorityNumberRow: "authority_numbers",
}  # fmt: skip
PLAIN: Choice = (0,) * len(PLACES)
TRUSTING: Choice = tuple(3 if _CARRIER in variants else 0 for variants in PLACES)
"""The same with a trunk whose diversion headers count, and come first."""


def rows_of(choice: Choice) -> Rows:
    """The rows of a choice."""
    found: dict[str, list[Row]] = {name: [] for name in _COLLECTIONS.values()}
    for variants, number in zip(PLACES, choice, strict=True):
        row = variants[number]
        if row is not None:
            found[_COLLECTIONS[type(row)]].append(row)
    collections: dict[str, Any] = {name: tuple(rows) for name, rows in found.items()}
    return Rows(**collections)


@st.composite
def choices(draw: st.DrawFn, base: Choice = PLAIN, maximum: int = 8) -> Choice:
    """Up to so many places of ``base`` chosen anew."""
    choice = list(base)
    for place in draw(st.sets(st.integers(0, len(PLACES) - 1), min_size=1, max_size=maximum)):
        choice[place] = draw(st.integers(0, len(PLACES[place]) - 1))
    return tuple(choice)
