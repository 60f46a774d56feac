# SPDX-License-Identifier: EUPL-1.2
"""The names that rows may refer to."""

from __future__ import annotations

from dataclasses import dataclass

from routing.core.line import LineKey
from routing.core.rows import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What there is, by type of row."""

    tenants: frozenset[str]
    lines: frozenset[LineKey]
    hours: frozenset[str]
    groups: frozenset[str]
    trunks: frozenset[str]
    rotas: frozenset[str]

    @classmethod
    def of(cls, rows: Rows) -> Names:
        """All names in these rows, whether their rows are sound or not: a reference to one is not its own mistake."""
        return cls(
            tenants=frozenset(row.slug for row in rows.tenants),
            lines=frozenset((row.tenant, row.name) for row in rows.service_lines),
            hours=frozenset(row.name for row in rows.opening_hours),
            groups=frozenset(row.name for row in rows.agent_groups),
            trunks=frozenset(row.name for row in rows.trunks),
            rotas=frozenset(row.name for row in rows.on_call_rotas),
        )
