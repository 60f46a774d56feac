# SPDX-License-Identifier: EUPL-1.2
"""Rows → YAML, in the format that ``yaml_import`` reads: reading what was written gives the same rows."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import yaml

from routing.config.yaml_import import LINE_TEXTS, SPECIAL_SCOPES, SPECIAL_TEXTS
from routing.core.hours import WEEKDAYS, clock_text
from routing.core.rows import NumberBlockRow, OpeningHoursRow, Rows, SpecialHoursRow


def export_yaml(rows: Rows) -> str:
    """The whole configuration as one YAML text; instants are written with their offset."""
    document: dict[str, Any] = {
        "format": 1,
        "opening_hours": [_hours(row) for row in _sorted(rows.opening_hours, "name")],
        "special_hours": [_special(row) for row in _sorted(rows.special_hours, "name")],
        "trunks": [
            _without_empty(
                {
                    "name": row.name,
                    "address": row.address,
                    "number_format": row.number_format,
                    "has_other_route": row.has_other_route,
                    "demonstration": row.demonstration,
                }
            )
            for row in _sorted(rows.trunks, "name")
        ],
        "agent_groups": [{"name": row.name, "title": row.title} for row in _sorted(rows.agent_groups, "name")],
        "agents": [
            {"name": row.name, "device": row.device, "agent_groups": list(row.agent_groups)}
            for row in _sorted(rows.agents, "name")
        ],
        "tenants": [_tenant(rows, row.slug) for row in _sorted(rows.tenants, "slug")],
        "authority_number": _authority_number(rows),
    }
    return yaml.safe_dump(_without_empty(document), allow_unicode=True, sort_keys=False, width=120)


def _sorted(rows: Any, key: str) -> Any:
    return sorted(rows, key=lambda row: getattr(row, key))


def _without_empty(mapping: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value not in (None, False, [], {})}


def _validity(row: Any) -> dict[str, str | None]:
    return {name: _instant(getattr(row, name)) for name in ("valid_from", "valid_to")}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _hours(row: OpeningHoursRow) -> dict[str, Any]:
    weekly: dict[str, list[str]] = {}
    for day, start, end in sorted(row.weekly):
        weekly.setdefault(WEEKDAYS[day], []).append(f"{clock_text(start)}-{clock_text(end)}")
    hours = {"name": row.name, "timezone": row.timezone, "holidays": _holidays(row)}
    return _without_empty(hours) | {"weekly": weekly}


def _holidays(row: OpeningHoursRow) -> Any:
    if not row.holiday_additions and not row.holiday_removals:
        return row.holiday_calendar
    changes = {"add": dict(row.holiday_additions), "remove": list(row.holiday_removals)}
    return _without_empty({"calendar": row.holiday_calendar} | changes)


def _special(row: SpecialHoursRow) -> dict[str, Any]:
    return _without_empty(
        {
            "name": row.name,
            "title": row.title,
            "kind": "opening" if row.opens else "closure",
            **_validity(row),
            **{name: getattr(row, name) for name in (*SPECIAL_SCOPES, *SPECIAL_TEXTS)},
        }
    )


def _tenant(rows: Rows, slug: str) -> dict[str, Any]:
    tenant = next(row for row in rows.tenants if row.slug == slug)
    lines = [row for row in rows.service_lines if row.tenant == slug]
    blocks = [row for row in rows.number_blocks if row.tenant == slug]
    return _without_empty(
        {
            "slug": slug,
            "name": tenant.name,
            **_validity(tenant),
            "service_lines": [
                _without_empty(
                    {
                        "name": row.name,
                        "title": row.title,
                        "opening_hours": row.opening_hours,
                        "agent_group": row.agent_group,
                        **{name: getattr(row, name) for name in LINE_TEXTS},
                        **_validity(row),
                    }
                )
                for row in _sorted(lines, "name")
            ],
            "number_blocks": [
                _without_empty(
                    {
                        "head_number": row.head_number,
                        "extensions": _extensions(rows, row),
                        "desks": _without_empty({"digits": row.desk_digits, "trunk": row.desk_trunk}),
                    }
                )
                for row in _sorted(blocks, "head_number")
            ],
        }
    )


def _extensions(rows: Rows, block: NumberBlockRow) -> dict[str, Any]:
    meanings: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.dids:
        if row.head_number == block.head_number:
            other = row.tenant if row.tenant != block.tenant else None  # a municipal company behind the town hall
            entry = _without_empty({"tenant": other, "service_line": row.service_line, **_validity(row)})
            meanings[row.extension].append(entry)
    return {extension: _meaning(found) for extension, found in sorted(meanings.items())}


def _meaning(found: list[dict[str, Any]]) -> Any:
    return found[0]["service_line"] if len(found) == 1 and len(found[0]) == 1 else found


def _authority_number(rows: Rows) -> dict[str, Any]:
    neutral: dict[str, str] = {}
    areas: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in sorted(rows.authority_numbers, key=lambda row: row.area_code):
        if row.area_code == "":
            neutral = {"tenant": row.tenant, "service_line": row.service_line}
        else:
            areas[row.tenant, row.service_line].append(row.area_code)
    codes = [
        {"tenant": tenant, "service_line": line, "area_codes": found} for (tenant, line), found in sorted(areas.items())
    ]
    return _without_empty({"neutral": neutral, "area_codes": codes})
