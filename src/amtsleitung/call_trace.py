# SPDX-License-Identifier: EUPL-1.2
"""Following one call through the event stream: each step printed with its time, and judged at the end."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from amtsleitung.errors import Problem
from amtsleitung.event_stream import Arrived, EventStream
from amtsleitung.run_file import RunFile
from routing.core.decision import Decision, EnterQueue
from routing.core.table import Table

API_SECONDS = 5.0
POP_SECONDS = 5.0
_DECIDED_BY = {
    "service": "the service", "astdb": "the fallback AstDB", "include": "the fallback's include",
}  # fmt: skip
_OUTCOMES = {
    "enter_queue": ("answered",),
    "play_announcement": ("announced", "abandoned"),
    "reject": ("rejected",),
    "dial_extension": ("connected", "announced", "rejected", "unserved"),
    "forward": ("connected", "announced", "rejected", "unserved"),
}


@dataclass(slots=True, kw_only=True)
class CallTrace:
    """One call: what was expected of it, and what has been seen."""

    running: RunFile
    table: Table
    decision: Decision
    agent: str | None
    say: Callable[[str], None]
    seen: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    answered_at: datetime | None = None
    popped_at: datetime | None = None
    unique_id: str | None = None
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(
        self, everything: EventStream, page: EventStream | None, *, trunk: str, deadline_seconds: float
    ) -> tuple[str, ...]:
        """Prints the call's steps until it has ended; what was not as expected, as sentences. Raises ``Problem``."""
        pops: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(deadline_seconds):
                while "ended" not in self.seen:
                    event = await everything.next(deadline_seconds=deadline_seconds)
                    if not self._is_ours(event, trunk):
                        continue
                    self.seen.append(event.kind)
                    await self._step(event)
                    if event.kind == "received" and page is not None:
                        pops = asyncio.create_task(self._pop(page), name="pop")
                if pops is not None:
                    await asyncio.wait({pops}, timeout=POP_SECONDS)
        except TimeoutError:
            raise Problem(
                f"The call was not seen to its end (last: {self.seen[-1] if self.seen else 'nothing'}): "
                f"look at {self.running.logs.get('ami', 'the log of ami')}."
            ) from None
        finally:
            if pops is not None:
                pops.cancel()
        self._judge_steps()
        return tuple(self.unexpected)

    def _is_ours(self, event: Arrived, trunk: str) -> bool:
        if self.unique_id is None and event.kind == "received" and event.data.get("trunk") == trunk:
            self.unique_id = event.data.get("unique_id")
        return self.unique_id is not None and event.data.get("unique_id") == self.unique_id

    async def _step(self, event: Arrived) -> None:
        data = event.data
        at = datetime.fromisoformat(data["at"])
        match event.kind:
            case "received":
                call = await asyncio.to_thread(self._call)
                caller = "a withheld number" if call.get("caller_withheld") else call.get("caller_number")
                self._print(at, "received", f"{call.get('received')} from {caller} through trunk {data.get('trunk')}")
            case "routed":
                self._routed(at, data)
            case "queued":
                self._print(at, "queue", f"{data['queue']}, position {data['position']}")
            case "rung":
                self._print(at, "agent rung", f"{data['agent']}")
                self.rung.set()
            case "ring_ended":
                self._print(at, "ring ended", f"{data['agent']}: {data['why']}")
            case "answered":
                self.answered_at = at
                self._print(at, "answered", f"by {data['agent']}")
            case "queue_left":
                self._print(at, "queue left", f"{data['queue']}: {data['queue_exit']}")
            case "stepped":
                self._print(at, "goes on", f"{data['destination_kind']} {data['target'] or ''} ({data['exit']})")
            case "ended":
                self._print(at, "ended", f"{data['outcome']}")
                self._judge_outcome(data["outcome"])
            case _:
                pass

    def _routed(self, at: datetime, data: Mapping[str, Any]) -> None:
        expected = self.decision
        line = self.table.lines.get((data.get("tenant") or "", data.get("service_line") or ""))
        whose = (
            f"{line.tenant.name}, {line.edition_near(expected.at).title}"
            if line
            else (data.get("tenant") or "nobody's number")
        )
        by = _DECIDED_BY.get(data["level"], "the last resort")
        if data.get("fallback_cause"):
            by = f"{by} because the level before it was {data['fallback_cause']}"
        self._print(at, "recognised", f"{whose} (decided by {by}, table version {data.get('table_version')})")
        state = "open" if {"open", "special_opening", "override_open"} & set(data["reasons"]) else "closed"
        for reason in expected.reasons[1:] if line else expected.reasons[-1:]:
            self._print(at, state if line else "why", reason.detail)
        self._expect("tenant", expected.tenant, data.get("tenant"))
        self._expect("service line", expected.service_line, data.get("service_line"))
        self._expect("kind", expected.kind, data.get("destination_kind"))
        self._expect("level", "service", data.get("level"))
        rules = list(dict.fromkeys(reason.rule for reason in expected.reasons))
        self._expect("reasons", rules, list(data["reasons"]))

    async def _pop(self, page: EventStream) -> None:
        while True:
            event = await page.next(deadline_seconds=POP_SECONDS * 100)
            if event.kind == "rung" and event.data.get("unique_id") == self.unique_id:
                self.popped_at = event.arrived_at
                late = event.arrived_at - datetime.fromisoformat(event.data["at"])
                phrase = (event.data.get("call") or {}).get("agent_phrase")
                milliseconds = late.total_seconds() * 1_000
                await self.rung.wait()  # two streams race: the ring is told before its pop
                self._print(event.arrived_at, "pop delivered", f"{milliseconds:.0f} ms after the ring: „{phrase}“")
                return

    def _judge_steps(self) -> None:
        if not isinstance(self.decision.destination, EnterQueue):
            return
        for step in ("received", "routed", "queued", "rung", "answered"):
            if step not in self.seen:
                self.unexpected.append(f"the step '{step}' was not seen")
        if self.popped_at is None:
            self.unexpected.append("no subscriber of the event stream received the pop")
        elif self.answered_at is not None and self.popped_at >= self.answered_at:
            self.unexpected.append("the pop came after the answer")

    def _judge_outcome(self, outcome: str) -> None:
        if outcome not in _OUTCOMES[self.decision.kind]:
            self.unexpected.append(f"the call ended as '{outcome}', not as '{_OUTCOMES[self.decision.kind][0]}'")

    def _expect(self, what: str, expected: object, found: object) -> None:
        if expected != found:
            self.unexpected.append(f"{what} {found!r} instead of {expected!r}")

    def _print(self, at: datetime, step: str, text: str) -> None:
        safe = text.encode("utf-8", "backslashreplace").decode()
        printable = "".join(character if character.isprintable() else "�" for character in safe)
        self.say(f"  {at.astimezone().strftime('%H:%M:%S.%f')[:-3]}  {step:<14} {printable}")

    def _call(self) -> dict[str, Any]:
        """The call's row from the API, where the numbers stand."""
        url = urlsplit(self.running.api_url)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=API_SECONDS)
        try:
            connection.request("GET", f"/calls/{quote(self.running.node)}/{quote(self.unique_id or '')}")
            response = connection.getresponse()
            found = json.loads(response.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Problem(f"The API at {self.running.api_url} does not answer ({error}): look at its log.") from error
        finally:
            connection.close()
        return found if isinstance(found, dict) else {}
