# SPDX-License-Identifier: EUPL-1.2
"""Who answers: ``agent_groups``, ``agents``, and ``on_call_rotas`` with their duties."""

from __future__ import annotations

from typing import Any

from yaml import Node

from routing.config.entries import Reader, in_order, written
from routing.core.rows import AgentGroupRow, AgentRow, OnCallDutyRow, OnCallRotaRow, Rows


def read_agent_group(reader: Reader, node: Node) -> AgentGroupRow:
    values, _ = reader.row(node, "agent_groups", AgentGroupRow)
    return AgentGroupRow(**values)


def read_agent(reader: Reader, node: Node) -> AgentRow:
    """An agent's device is named like the agent if it is not named otherwise."""
    otherwise = ("device", "agent_groups")
    values, entries = reader.row(node, "agents", AgentRow, without=otherwise, optional=otherwise)
    device = reader.document.optional_text(entries.get("device"), "agents.device")
    return AgentRow(
        device=device or values["name"],
        agent_groups=reader.texts(entries.get("agent_groups"), "agents.agent_groups"),
        **values,
    )


def read_rota(reader: Reader, node: Node) -> tuple[OnCallRotaRow, list[OnCallDutyRow]]:
    values, entries = reader.row(node, "on_call_rotas", OnCallRotaRow, optional=("duties",))
    rota = OnCallRotaRow(**values)
    duties = []
    for item in reader.document.items(entries.get("duties"), "duties"):
        duty, _ = reader.row(item, "duties", OnCallDutyRow, without=("rota",))
        duties.append(OnCallDutyRow(rota=rota.name, **duty))
    return rota, duties


def write_agent(row: AgentRow) -> dict[str, Any]:
    return written(row) | {"agent_groups": list(row.agent_groups)}


def write_rota(rows: Rows, row: OnCallRotaRow) -> dict[str, Any]:
    duties = in_order((duty for duty in rows.on_call_duties if duty.rota == row.name), "rank")
    written_duties = [written(duty, without=("rota",)) for duty in duties]
    return written(row) | ({"duties": written_duties} if duties else {})
