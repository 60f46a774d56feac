# SPDX-License-Identifier: EUPL-1.2
"""A call as a person sees it: with names from the running table instead of slugs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from routing.core.line import Edition
from routing.core.table import Table
from routing.core.timeline import line_at
from routing.store import StoredCall


class Building(BaseModel):
    """A tenant's counters at the instant of a call: open or not, until when, and what closes or opens them by name."""

    model_config = ConfigDict(frozen=True)

    open: bool
    until: datetime | None
    why: str | None


class CallCard(BaseModel):
    """What an agent needs of one call. ``call`` is ``<node>/<unique_id>``.

    ``caller_number`` is None if withheld (then ``caller_withheld``) or no longer stored. ``agent_phrase`` is the
    sentence to answer with, None if the line is not (or no longer) configured; ``building`` is None if the tenant's
    counters have no hours.
    """

    model_config = ConfigDict(frozen=True)

    call: str
    node: str
    unique_id: str
    tenant: str | None
    tenant_name: str | None
    service_line: str | None
    line_title: str | None
    agent_phrase: str | None
    building: Building | None
    caller_number: str | None
    caller_withheld: bool
    dialled_number: str | None
    received_at: datetime | None
    queued_at: datetime | None
    rung_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    outcome: str | None


class Directory:
    """The names of the running table; empty until one has been read."""

    def __init__(self) -> None:
        self._table: Table | None = None
        self._agents: frozenset[str] = frozenset()
        self._tenant_names: dict[str, str] = {}

    def replace(self, table: Table) -> None:
        """From now on names come from this table."""
        self._table = table
        self._agents = frozenset(row.name for row in table.rows.agents)
        self._tenant_names = {row.slug: row.name for row in table.rows.tenants}

    @property
    def is_known(self) -> bool:
        """Whether a table has been read."""
        return self._table is not None

    @property
    def version(self) -> int | None:
        """The running table's version."""
        return None if self._table is None else self._table.version

    @property
    def agents(self) -> Collection[str]:
        """The agents' names."""
        return self._agents

    @property
    def tenant_names(self) -> tuple[str, ...]:
        """The tenants' names, in order."""
        return tuple(sorted(self._tenant_names.values(), key=str.casefold))

    def card(self, call: StoredCall) -> CallCard:
        """The call with its names."""
        line = self._line(call)
        slug = call.tenant
        return CallCard(
            call=f"{call.node}/{call.unique_id}",
            node=call.node,
            unique_id=call.unique_id,
            tenant=slug,
            tenant_name=None if slug is None else self._tenant_names.get(slug, slug),
            service_line=call.service_line,
            line_title=call.service_line if line is None else line.title,
            agent_phrase=None if line is None else line.agent_phrase,
            building=self._building(call),
            caller_number=None if call.caller_withheld else call.caller_number,
            caller_withheld=call.caller_withheld,
            dialled_number=call.dialled_number,
            received_at=call.received_at,
            queued_at=call.queued_at,
            rung_at=call.rung_at,
            answered_at=call.answered_at,
            ended_at=call.ended_at,
            outcome=call.outcome,
        )

    def _line(self, call: StoredCall) -> Edition | None:
        """The line as it was when the call came."""
        if self._table is None or call.tenant is None or call.service_line is None:
            return None
        line = self._table.lines.get((call.tenant, call.service_line))
        at = _instant(call)
        return None if line is None else line.editions[-1] if at is None else line.edition_near(at)

    def _building(self, call: StoredCall) -> Building | None:
        at = _instant(call)
        building = None if self._table is None else self._table.buildings.get(call.tenant or "")
        if building is None or at is None:
            return None
        stretch = line_at(building, at)
        if stretch.edition is None:
            return None
        parameters = stretch.reasons[0].parameters
        return Building(open=stretch.open, until=stretch.until, why=parameters.get("title") or parameters.get("name"))


def _instant(call: StoredCall) -> datetime | None:
    """When the call was for its line."""
    return call.routed_at or call.received_at or call.queued_at or call.rung_at or call.ended_at
