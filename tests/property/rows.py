# SPDX-License-Identifier: EUPL-1.2
"""Hypothesis strategies for rows: valid configurations as a whole."""

from __future__ import annotations

from hypothesis import strategies as st

from routing.core.rows import AgentGroupRow, AgentRow, OnCallRotaRow, Rows, TenantRow
from tests.property.hours_rows import notices, on_call_duties, opening_hours, overrides, special_hours
from tests.property.line_rows import service_lines, targets, trunk
from tests.property.number_rows import authority_numbers, centres, desks, dids, ingress_numbers, number_blocks
from tests.property.row_values import (
    PHASES,
    SLOW,
    announcements,
    aware,
    nightly_weeklies,
    number_texts,
    slugs,
    titles,
    validities,
    weeklies,
)

__all__ = ["PHASES", "SLOW", "aware", "configurations", "nightly_weeklies", "number_texts", "weeklies"]


def _names(draw: st.DrawFn, minimum: int = 1) -> list[str]:
    return draw(st.lists(slugs, min_size=minimum, max_size=3, unique=True))


@st.composite
def configurations(draw: st.DrawFn) -> Rows:
    """Rows that compile."""
    hours, groups, trunks, tenants = (_names(draw) for _ in range(4))
    rotas = _names(draw, 0)
    lines = [(tenant, name) for tenant in tenants for name in _names(draw)]
    blocks = draw(number_blocks(lines, trunks))
    numbers = draw(dids(blocks, lines))
    kinds = targets(groups, trunks, rotas, desks(blocks, numbers))
    editions = [draw(service_lines(tenant, name, hours, groups, kinds)) for tenant, name in lines]
    return Rows(
        centre=draw(centres(lines)),
        tenants=tuple(draw(_tenant(slug, hours)) for slug in tenants),
        opening_hours=tuple(row for name in hours for row in draw(opening_hours(name))),
        special_hours=draw(special_hours(hours, lines, trunks, groups)),
        overrides=draw(overrides(lines, trunks)),
        notices=draw(notices(hours, lines)),
        agent_groups=tuple(
            AgentGroupRow(name=name, title=draw(titles), maximum_waiting=draw(st.integers(1, 200))) for name in groups
        ),
        agents=tuple(
            AgentRow(
                name=name, device=f"{name}-x", agent_groups=tuple(draw(st.lists(st.sampled_from(groups), unique=True)))
            )
            for name in _names(draw, 0)
        ),
        on_call_rotas=tuple(OnCallRotaRow(name=name, title=draw(titles)) for name in rotas),
        on_call_duties=draw(on_call_duties(rotas, trunks)),
        trunks=tuple(draw(trunk(name)) for name in trunks),
        service_lines=tuple(row for rows in editions for row in rows),
        number_blocks=blocks,
        dids=numbers,
        ingress_numbers=draw(ingress_numbers(lines)),
        authority_numbers=draw(authority_numbers(lines, trunks)),
    )


@st.composite
def _tenant(draw: st.DrawFn, slug: str, hours: list[str]) -> TenantRow:
    return TenantRow(
        slug=slug,
        name=draw(titles),
        greeting_text=draw(announcements),
        closed_text=draw(announcements),
        building_hours=draw(st.none() | st.sampled_from(hours)),
        **draw(validities()),
    )
