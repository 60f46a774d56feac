# SPDX-License-Identifier: EUPL-1.2
"""Hypothesis strategies for service lines with their chains, and for trunks; all they draw compiles."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from routing.core.numbers import NumberFormat
from routing.core.rows import ServiceLineRow, StepRow, TrunkRow
from tests.property.row_values import OUTSIDE, announcements, editions, spoken, titles, validities

_QUEUE_EXITS = frozenset({"timeout", "no_agent", "full", "expected_wait"})
_EXITS = {
    "agent_group": _QUEUE_EXITS,
    "announcement": frozenset({"played"}),  # nothing but an empty ``when`` follows it
    "forward": frozenset({"failed"}),
    "desk": frozenset({"failed"}),
    "on_call": frozenset({"failed"}),
}
_WAYS = ("dialled", "diversion", "history_info", "to", "ingress_number")
_NUMBER_FORMATS = st.sampled_from([item.value for item in NumberFormat])
Targets = dict[str, st.SearchStrategy[dict[str, Any]]]
Desk = tuple[str, str]
"""The whole number of a desk, and the trunk to it."""


def targets(groups: list[str], trunks: list[str], rotas: list[str], desks: list[Desk]) -> Targets:
    """What each kind of step needs besides ``when``; kinds that have nothing to lead to are left out."""
    ring = st.integers(5, 60)
    found: Targets = {
        "agent_group": st.fixed_dictionaries({"agent_group": st.sampled_from(groups)}),
        "announcement": st.fixed_dictionaries({"text": spoken}),
        "forward": st.fixed_dictionaries(
            {"number": st.sampled_from(OUTSIDE), "trunk": st.sampled_from(trunks), "ring_seconds": ring}
        ),
    }
    if desks:
        found["desk"] = st.sampled_from(desks).map(lambda desk: {"number": desk[0], "trunk": desk[1]})
    if rotas:
        found["on_call"] = st.fixed_dictionaries(
            {"rota": st.sampled_from(rotas), "tries": st.integers(1, 2), "ring_seconds": ring}
        )
    return found


@st.composite
def _chains(draw: st.DrawFn, exits: frozenset[str], kinds: Targets) -> tuple[StepRow, ...]:
    """Up to three steps that can be reached: each follows exits that no step before it took."""
    steps: list[StepRow] = []
    for _ in range(draw(st.integers(0, 3))):
        named = sorted(exits & (_QUEUE_EXITS | {"failed"}))
        when = tuple(draw(st.lists(st.sampled_from(named), unique=True))) if named else ()
        kind = draw(st.sampled_from(sorted(kinds)))
        steps.append(
            StepRow(
                kind=kind,
                when=when,
                after_seconds=draw(st.integers(10, 600)) if "timeout" in when else None,
                over_seconds=draw(st.integers(10, 900)) if "expected_wait" in when else None,
                **draw(kinds[kind]),
            )
        )
        exits = (exits - set(when) if when else frozenset()) | _EXITS[kind]
        if kind == "on_call":  # once: it stands for as many numbers as are on duty, and a chain has an end
            kinds = {name: target for name, target in kinds.items() if name != "on_call"}
    return tuple(steps)


@st.composite
def service_lines(
    draw: st.DrawFn, tenant: str, name: str, hours: list[str], groups: list[str], kinds: Targets
) -> tuple[ServiceLineRow, ...]:
    """One edition with any validity, or two that follow each other."""
    validity = st.one_of(validities().map(lambda item: [item]), editions())
    return tuple(draw(_edition(tenant, name, hours, groups, kinds, item)) for item in draw(validity))


@st.composite
def _edition(
    draw: st.DrawFn,
    tenant: str,
    name: str,
    hours: list[str],
    groups: list[str],
    kinds: Targets,
    validity: dict[str, Any],
) -> ServiceLineRow:
    overflow = draw(_chains(_QUEUE_EXITS, kinds))
    used = {"agent_group"} | ({"on_call"} if any(step.kind == "on_call" for step in overflow) else set())
    after_hours = {kind: target for kind, target in kinds.items() if kind not in used}
    return ServiceLineRow(
        tenant=tenant,
        name=name,
        title=draw(titles),
        opening_hours=draw(st.sampled_from(hours)),
        agent_group=draw(st.sampled_from(groups)),
        priority=draw(st.integers(0, 10)),
        maximum_wait_seconds=draw(st.integers(600, 3600)),
        after_closing_minutes=draw(st.none() | st.integers(1, 60)),
        greeting_text=draw(announcements),
        closed_text=draw(announcements),
        closing_text=draw(announcements),
        agent_phrase=draw(announcements),
        overflow=overflow,
        closed=draw(_chains(frozenset(), after_hours)),
        **validity,
    )


@st.composite
def trunk(draw: st.DrawFn, name: str) -> TrunkRow:
    """A connection with any settings that go together."""
    demonstration = draw(st.booleans())
    safe = [("udp", "none"), ("tcp", "none"), ("tls", "none"), ("tls", "sdes")]
    transport, encryption = draw(st.sampled_from(safe[:1] if demonstration else safe))
    number_format = draw(_NUMBER_FORMATS)
    whole = number_format in {"international", "significant"}  # a number without a prefix is a whole one already
    return TrunkRow(
        name=name,
        address=draw(st.sampled_from(["127.0.0.2", "127.1.2.3:5070"] + ([] if demonstration else ["sbc.example.org"]))),
        number_format=number_format,
        has_other_route=draw(st.booleans()),
        demonstration=demonstration,
        transport=transport,
        media_encryption=encryption,
        codecs=tuple(draw(st.lists(st.sampled_from(["g722", "alaw", "ulaw"]), min_size=1, unique=True))),
        registration_user=None if demonstration else draw(st.sampled_from([None, "495361280", "zentrale"])),
        sends_format=draw(_NUMBER_FORMATS),
        own_prefix=draw(st.sampled_from(["", "0", "9"])),
        area_code=None if whole else draw(st.sampled_from([None, "5361", "30"])),
        trusts_diversion=draw(st.booleans()),
        recognise_by=("dialled", *draw(st.lists(st.sampled_from(_WAYS[1:]), unique=True))),
    )
