# SPDX-License-Identifier: EUPL-1.2
"""What the whole product is configured with for the fault matrix: the shipped example, and four towns that never close.

A town's ``vermittlung`` (extension 0) has people; nobody belongs to its ``auskunft`` (1), so calls there end by
themselves within two seconds: the greeting, and that nobody is there. The first town has further lines, one for each
thing that a queue can do.
"""

from __future__ import annotations

from dataclasses import replace

from routing.core.rows import (
    AgentGroupRow,
    AgentRow,
    DidRow,
    NumberBlockRow,
    OpeningHoursRow,
    Rows,
    ServiceLineRow,
    TenantRow,
)

TOWNS = ("gemeinde-nord", "gemeinde-ost", "gemeinde-sued", "gemeinde-west")
STAFFED, NOBODY, SPARE, FULL, SHORT = "stoerfall", "niemand", "reserve", "eine", "kurz"
AGENTS = ("agent31", "agent32", "agent33", "agent34", "agent35", "agent36")
FULL_AGENT, SHORT_AGENT, SPARE_AGENT = "agent37", "agent38", "agent39"
SHORT_SECONDS = 3
SWITCHBOARD, INFORMATION, SHORT_LINE, FULL_LINE, CLOSING_LINE, SPARE_LINE = "0", "1", "2", "3", "4", "5"


def head_number(town: int) -> str:
    """E.164; numbers that no town has."""
    return f"+4953719{town + 1}"


def number(town: int, extension: str) -> str:
    """As the carrier writes it."""
    return f"05371 9{town + 1}-{extension}".replace(" ", "")


def with_towns(rows: Rows) -> Rows:
    """These rows and the towns."""
    hours = OpeningHoursRow(
        name="immer", timezone="Europe/Berlin", weekly=tuple((day, 0, 24 * 60) for day in range(7))
    )  # fmt: skip
    groups = [
        AgentGroupRow(name=name, title=name.title(), maximum_waiting=1 if name == FULL else 100)
        for name in (STAFFED, NOBODY, SPARE, FULL, SHORT)
    ]
    groups_of = dict.fromkeys(AGENTS, STAFFED) | {FULL_AGENT: FULL, SHORT_AGENT: SHORT, SPARE_AGENT: SPARE}
    agents = [AgentRow(name=name, device=name, agent_groups=(group,)) for name, group in groups_of.items()]
    return replace(
        rows,
        opening_hours=(*rows.opening_hours, hours),
        agent_groups=(*rows.agent_groups, *groups),
        agents=(*rows.agents, *agents),
        tenants=(*rows.tenants, *(TenantRow(slug=slug, name=_name(slug)) for slug in TOWNS)),
        service_lines=(*rows.service_lines, *_lines()),
        number_blocks=(
            *rows.number_blocks,
            *(NumberBlockRow(head_number=head_number(town), tenant=slug) for town, slug in enumerate(TOWNS)),
        ),
        dids=(*rows.dids, *_dids()),
    )


_EXTENSIONS = {
    SWITCHBOARD: ("vermittlung", STAFFED),
    INFORMATION: ("auskunft", NOBODY),
    SHORT_LINE: ("buergerbuero", SHORT),
    FULL_LINE: ("standesamt", FULL),
    CLOSING_LINE: ("bauamt", STAFFED),
    SPARE_LINE: ("stadtbuecherei", SPARE),
}


def _lines() -> list[ServiceLineRow]:
    return [
        ServiceLineRow(
            tenant=slug,
            name=name,
            title=name.title(),
            opening_hours="immer",
            agent_group=group,
            maximum_wait_seconds=SHORT_SECONDS if extension == SHORT_LINE else 600,
            after_closing_minutes=0 if extension == CLOSING_LINE else None,
        )
        for town, slug in enumerate(TOWNS)
        for extension, (name, group) in _extensions_of(town)
    ]


def _dids() -> list[DidRow]:
    return [
        DidRow(head_number=head_number(town), extension=extension, tenant=slug, service_line=name)
        for town, slug in enumerate(TOWNS)
        for extension, (name, _) in _extensions_of(town)
    ]


def _extensions_of(town: int) -> list[tuple[str, tuple[str, str]]]:
    return [item for item in _EXTENSIONS.items() if town == 0 or item[0] in (SWITCHBOARD, INFORMATION)]


def _name(slug: str) -> str:
    return slug.replace("-", " ").title()
