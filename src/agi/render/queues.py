# SPDX-License-Identifier: EUPL-1.2
"""Agent groups → ``generated/queues.conf``: one queue each, its members the devices of its agents.

What all queues share stands in the template ``agent-group`` of the repository's ``asterisk/queues.conf``.
"""

from __future__ import annotations

from agi.render.settings import HEADER, checked_name, section
from routing.core.rows import AgentGroupRow, Rows

TEMPLATE = "agent-group"


def queues_conf(rows: Rows) -> str:
    """The file's text, in the order of names. Raises `RenderError` for a name Asterisk cannot hold."""
    groups = sorted(rows.agent_groups, key=lambda group: group.name)
    return HEADER + "".join("\n" + _queue(rows, group) for group in groups)


def _queue(rows: Rows, group: AgentGroupRow) -> str:
    agents = sorted((agent for agent in rows.agents if group.name in agent.agent_groups), key=lambda agent: agent.name)
    members = ((checked_name(agent.name), f"PJSIP/{checked_name(agent.device)}") for agent in agents)
    settings = [("maxlen", str(group.maximum_waiting))]
    # interface, penalty, member's name, interface whose state counts
    settings += (("member", f"{device},0,{agent},{device}") for agent, device in members)
    return section(group.name, TEMPLATE, settings)
