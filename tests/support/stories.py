# SPDX-License-Identifier: EUPL-1.2
"""Calls as the observer would have told them, for tests that need no Asterisk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from routing.core.events import (
    AgentRung,
    CallAnswered,
    CallEnded,
    CallEvent,
    CallQueued,
    CallReceived,
    CallRouted,
    RingEnded,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One call to the switchboard of Meinersen. Every step is at its own second after ``start``."""

    unique_id: str
    node: str = "node1"
    caller_number: str | None = "+493023125123"
    tenant: str = "samtgemeinde-meinersen"
    service_line: str = "vermittlung"
    start: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def queued(self) -> tuple[CallEvent, ...]:
        """Received, routed, queued."""
        return (
            CallReceived(
                node=self.node,
                unique_id=self.unique_id,
                at=self._at(0),
                linked_id=self.unique_id,
                trunk="carrier",
                received="0537289-0",
                caller_number=self.caller_number,
            ),
            CallRouted(
                node=self.node,
                unique_id=self.unique_id,
                at=self._at(1),
                level="service",
                dialled_number="+495372890",
                tenant=self.tenant,
                service_line=self.service_line,
                destination_kind="enter_queue",
                queue="allgemein",
                announcement="greeting",
                target=None,
                table_version=1,
                reasons=("number_known", "open"),
            ),
            CallQueued(node=self.node, unique_id=self.unique_id, at=self._at(2), queue="allgemein", position=1),
        )

    def rung(self, agent: str = "agent01", second: int = 3) -> AgentRung:
        """The agent's telephone rings."""
        return AgentRung(
            node=self.node,
            unique_id=self.unique_id,
            at=self._at(second),
            queue="allgemein",
            agent=agent,
            agent_channel=f"PJSIP/{agent}-{second}",
        )

    def ring_ended(self, why: str, agent: str = "agent01", second: int = 3) -> RingEnded:
        """The ring that began at ``second`` has ended."""
        return RingEnded(
            node=self.node,
            unique_id=self.unique_id,
            at=self._at(second + 1),
            agent=agent,
            agent_channel=f"PJSIP/{agent}-{second}",
            why=why,
        )

    def answered(self, agent: str = "agent01", second: int = 3) -> CallAnswered:
        """The agent talks."""
        return CallAnswered(
            node=self.node,
            unique_id=self.unique_id,
            at=self._at(10),
            queue="allgemein",
            agent=agent,
            agent_channel=f"PJSIP/{agent}-{second}",
        )

    def ended(self, outcome: str = "answered", second: int = 75) -> CallEnded:
        """The call is over."""
        return CallEnded(node=self.node, unique_id=self.unique_id, at=self._at(second), outcome=outcome, cause=16)

    def _at(self, second: int) -> datetime:
        return self.start + timedelta(seconds=second)
