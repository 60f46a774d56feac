# SPDX-License-Identifier: EUPL-1.2
"""Rows → YAML, in the format that ``yaml_import`` reads: reading what was written gives the same rows."""

from __future__ import annotations

from typing import Any

import yaml

from routing.config.centre import write_authority_number, write_centre
from routing.config.entries import in_order, without_empty, written
from routing.config.hours import write_dated, write_opening_hours
from routing.config.staff import write_agent, write_rota
from routing.config.tenants import write_tenant
from routing.core.rows import Rows


def export_yaml(rows: Rows) -> str:
    """The whole configuration as one YAML text; instants are written with their offset."""
    centre = {"centre": write_centre(rows.centre[0])} if rows.centre else {}  # a row even if it says nothing
    document: dict[str, Any] = {
        "opening_hours": [write_opening_hours(row) for row in in_order(rows.opening_hours, "name")],
        "special_hours": [write_dated(row) for row in in_order(rows.special_hours, "name")],
        "overrides": [write_dated(row) for row in in_order(rows.overrides, "name")],
        "notices": [written(row) for row in in_order(rows.notices, "name")],
        "trunks": [written(row) for row in in_order(rows.trunks, "name")],
        "agent_groups": [written(row) for row in in_order(rows.agent_groups, "name")],
        "agents": [write_agent(row) for row in in_order(rows.agents, "name")],
        "on_call_rotas": [write_rota(rows, row) for row in in_order(rows.on_call_rotas, "name")],
        "tenants": [write_tenant(rows, row) for row in in_order(rows.tenants, "slug")],
        "ingress_numbers": [written(row) for row in in_order(rows.ingress_numbers, "number")],
        "authority_number": write_authority_number(rows),
    }
    whole = {"format": 1} | centre | without_empty(document)
    return yaml.safe_dump(whole, allow_unicode=True, sort_keys=False, width=120)
