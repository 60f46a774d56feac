# SPDX-License-Identifier: EUPL-1.2
"""One line with hours, compiled on its own: the smallest configuration that opens and closes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from routing.core.compile import compile_table
from routing.core.line import ServiceLine
from routing.core.rows import AgentGroupRow, OpeningHoursRow, Rows, ServiceLineRow, TenantRow
from routing.core.timeline import line_at

KEY = ("stadt", "zentrale")
Weekly = tuple[tuple[int, int, int], ...]


def hours_row(weekly: Weekly = (), *, zone: str = "Europe/Berlin", **changes: Any) -> OpeningHoursRow:
    """Hours with the name ``service``."""
    return OpeningHoursRow(**({"name": "service", "timezone": zone, "weekly": weekly} | changes))


def line_rows(*hours: OpeningHoursRow, lines: tuple[dict[str, Any], ...] = ({},), **changes: Any) -> Rows:
    """The line with these hours; each of ``lines`` is what differs in one of its editions."""
    usual: dict[str, Any] = {
        "tenant": KEY[0],
        "name": KEY[1],
        "title": "Zentrale",
        "opening_hours": "service",
        "agent_group": "gruppe",
    }
    found: dict[str, Any] = {
        "tenants": (TenantRow(slug=KEY[0], name="Stadt"),),
        "opening_hours": hours,
        "agent_groups": (AgentGroupRow(name="gruppe", title="Gruppe"),),
        "service_lines": tuple(ServiceLineRow(**(usual | edition)) for edition in lines),
    }
    return Rows(**(found | changes))


def compiled(rows: Rows) -> ServiceLine:
    """The line of `line_rows`."""
    return compile_table(rows, version=1).lines[KEY]


def weekly_line(
    *weekly: tuple[int, int, int], zone: str = "Europe/Berlin", holidays: dict[date, str] | None = None
) -> ServiceLine:
    """A line that nothing but its weekly windows and holidays opens and closes."""
    return compiled(line_rows(hours_row(weekly, zone=zone, holiday_dates=tuple((holidays or {}).items()))))


State = tuple[str, str, datetime | None]


def state_at(line: ServiceLine, at: datetime) -> State:
    """The rule, the window or the name that it stands on, and until when it is open or closed."""
    found = line_at(line, at)
    parameters = found.reasons[0].parameters if found.reasons else {}
    return found.rule, parameters.get("window") or parameters.get("name", ""), found.until
