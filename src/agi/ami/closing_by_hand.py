# SPDX-License-Identifier: EUPL-1.2
"""Callers who already wait when their line is closed by hand (a fire alarm) are not left waiting.

Its one rule: a waiting caller whose own decision knew nothing of an override that closes the line now is taken out of
the queue, and the dialplan asks anew what becomes of them (docs/dialplan-contract.md): so they hear what every new
caller hears. Who talks is left in peace; who was decided under the override already (a closed line may have a queue of
its own) is, too. Other closings have their time in the decision itself, and the dialplan sees to them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from agi.ami.client import AmiConnection, AmiReply, AmiTimeoutError
from agi.ami.protocol import AmiDisconnectedError
from agi.ami.snapshot import read_variables
from routing.core.table import Table
from routing.core.timeline import line_at

LOOK_SECONDS = 2.0
"""Also how long the call path has had the table before anybody is sent back to it."""
TRIES = 3
"""In one call; then the caller is left waiting rather than greeted for ever."""
CLOSED_BY_HAND = "override_closed"
WITHDRAWN = "closed"
"""What the dialplan finds in QUEUE_WITHDRAW_INFO."""
_VARIABLES = ("ROUTE_TENANT", "ROUTE_LINE", "ROUTE_REASONS", "AT")
_ACTION_SECONDS = 10.0

_log = structlog.get_logger(__name__)


def closed_meanwhile(table: Table, variables: Mapping[str, str], at: datetime) -> bool:
    """Whether this waiting caller's line is closed by hand at this instant, and their own decision did not know it.

    A call that says when it is (the demonstration's) is not asked about now.
    """
    line = table.lines.get((variables.get("ROUTE_TENANT", ""), variables.get("ROUTE_LINE", "")))
    if line is None or variables.get("AT") or CLOSED_BY_HAND in variables.get("ROUTE_REASONS", "").split("."):
        return False
    return line_at(line, at).rule == CLOSED_BY_HAND


class ClosingByHand:
    """`run` in one task; `use_table` and `use_connection` from anywhere. ``looks`` counts the rounds."""

    def __init__(self, *, node: str, clock: Callable[[], datetime], look_seconds: float = LOOK_SECONDS) -> None:
        self._clock = clock
        self._look_seconds = look_seconds
        self._table: Table | None = None
        self._connection: AmiConnection | None = None
        self._tries: dict[str, int] = {}
        self.looks = 0
        self._log = _log.bind(node=node)

    def use_table(self, table: Table) -> None:
        """The one that Asterisk has by now, sounds and all."""
        self._table = table

    def use_connection(self, connection: AmiConnection | None) -> None:
        """Where the callers are; None: nowhere now."""
        self._connection = connection

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._look_seconds)
            self.looks += 1
            table, connection = self._table, self._connection
            if table is None or not self._closes(table):
                self._tries = {}
                continue
            if connection is None:
                continue
            try:
                await self._look(connection, table)
            except (AmiTimeoutError, AmiDisconnectedError) as error:
                self._log.warning("callers of a line closed by hand may still be waiting", problem=str(error))

    def _closes(self, table: Table) -> bool:
        """Whether any override closes anything now: nearly always none does, and nothing is asked."""
        at = self._clock()
        return any(not row.opens and row.valid_from <= at < row.valid_to for row in table.rows.overrides)

    async def _look(self, connection: AmiConnection, table: Table) -> None:
        queues = await _list(connection, "QueueStatus", {})
        waiting = {item.get("uniqueid"): item for item in queues.items if item.event == "QueueEntry"}
        if not waiting:
            return
        status = await _list(connection, "Status", {"Variables": ",".join(_VARIABLES), "AllVariables": "false"})
        # While the greeting of an answer that knew nothing of the override plays, the caller is in no queue.
        there = {item.get("uniqueid") for item in status.items}
        self._tries = {unique_id: tries for unique_id, tries in self._tries.items() if unique_id in there}
        for item in status.items:
            entry = waiting.get(item.get("uniqueid"))
            if entry is None or not closed_meanwhile(table, read_variables(item), self._clock()):
                continue
            unique_id = item.get("uniqueid")
            if self._tries.get(unique_id, 0) >= TRIES:
                continue
            self._tries[unique_id] = self._tries.get(unique_id, 0) + 1
            reply = await connection.act(
                "QueueWithdrawCaller",
                {"Queue": entry.get("queue"), "Caller": entry.get("channel"), "WithdrawInfo": WITHDRAWN},
            )  # a caller who was answered or left meanwhile is not found, and that is well
            self._log.info(
                "a waiting caller's line was closed by hand", unique_id=unique_id, queue=entry.get("queue"),
                taken_out=reply.success,
            )  # fmt: skip


async def _list(connection: AmiConnection, action: str, headers: Mapping[str, str]) -> AmiReply:
    return await connection.act(action, headers, deadline_seconds=_ACTION_SECONDS, as_list=True)
