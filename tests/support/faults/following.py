# SPDX-License-Identifier: EUPL-1.2
"""Calls followed from the caller to the dialplan's own events, each beside what the engine decides of the same call.

Nothing is compared with a constant: where a call should go is what `routing.core.decide` says with the table in use,
for the number dialled, the caller, the trunk and the instant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote

from agi.fastagi.variables import ANNOUNCEMENT, CAUSE, KIND, LINE, QUEUE, TARGET, TENANT, VERSION, commands
from routing.core.decide import decide
from routing.core.decision import Call
from routing.core.table import Table
from tests.support.ami_oracle import Ami, Message
from tests.support.asterisk import PrivateAsterisk
from tests.support.asterisk_agi import chosen
from tests.support.faults.storm import HANG_UP_SECONDS, Dial, Told, storm
from tests.support.wait import until

PLACE = {"Kind": KIND, "Tenant": TENANT, "Line": LINE, "Queue": QUEUE, "Announcement": ANNOUNCEMENT, "Target": TARGET,
         "Version": VERSION}  # fmt: skip
_ANSWERED = ("enter_queue", "play_announcement")
_CODES = {"1": 404, "17": 486, "34": 503, "42": 503}
_ENDS_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One call: what was wanted, what came of it. ``level`` is "" if nothing was decided at all.

    ``outcomes``: how many decisions were followed; ``ends``: how many hang-ups its channel had. Both must be one.
    """

    dial: Dial
    unique_id: str
    level: str
    wanted: dict[str, str]
    got: dict[str, str]
    code: int | None
    code_wanted: int | None
    waited_ms: float | None
    outcomes: int
    ends: int

    @property
    def lost(self) -> bool:
        """The caller heard nothing, or not what was decided."""
        return self.code is None or not self.level or self.code_wanted not in {None, self.code}

    @property
    def wrong(self) -> bool:
        """It went to another place than the engine says; the last resort names no place, so it is never wrong."""
        return bool(self.level) and self.level != "last_resort" and self.got != self.wanted

    def __str__(self) -> str:
        return (
            f"{self.dial.dialled} at {self.dial.at}: level {self.level or 'none'}, SIP {self.code} ({self.code_wanted}"
            f" wanted), {self.waited_ms} ms, {self.outcomes} decisions, {self.ends} ends; got {self.got},"
            f" wanted {self.wanted}"
        )


@dataclass(slots=True)
class Watch:
    """The dialplan's events and hang-ups by channel; every message is looked at once."""

    ami: Ami
    received: dict[str, list[str]] = field(default_factory=dict)
    routed: dict[str, list[Message]] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    position: int = 0

    @classmethod
    def from_now(cls, ami: Ami) -> Watch:
        """Of what comes from now on."""
        return cls(ami, position=len(ami.messages))

    def look(self) -> None:
        """Takes what has come since the last look. ``ami.messages`` must not be cleared in between."""
        news = self.ami.messages[self.position :]
        self.position += len(news)
        for message in news:
            unique_id = message["Uniqueid"]
            if message["Event"] == "Hangup":
                self.ended[unique_id] = self.ended.get(unique_id, 0) + 1
            elif message["UserEvent"] == "CallReceived":
                self.received.setdefault(message["Caller"], []).append(unique_id)
            elif message["UserEvent"] == "CallRouted":
                self.routed.setdefault(unique_id, []).append(message)

    def count(self) -> int:
        """How many calls have been received."""
        self.look()
        return sum(map(len, self.received.values()))

    def all_ended(self) -> bool:
        """Whether every channel that was received has hung up."""
        self.look()
        return all(unique_id in self.ended for unique_ids in self.received.values() for unique_id in unique_ids)


Tables = Callable[[int], Table]
"""The table of a version; of -1 for a call that was not decided."""


async def follow(
    pbx: PrivateAsterisk,
    tables: Tables,
    dials: Sequence[Dial],
    *,
    rate: float,
    source: str,
    hang_up_after: float = HANG_UP_SECONDS,
    gives_up: bool = False,
    watch: Watch | None = None,
    clock: timedelta = timedelta(0),
) -> tuple[Seen, ...]:
    """Makes these calls and says what became of each. ``watch``: one that began before.

    ``clock``: by how much the service's clock is ahead of Asterisk's; for calls without an instant of their own.
    """
    watch = watch or Watch.from_now(pbx.ami)
    told = await storm(pbx, dials, rate=rate, source=source, hang_up_after=hang_up_after, gives_up=gives_up)
    callers = {dial.caller for dial in dials}
    arrived = until(
        lambda: watch.all_ended() and callers <= watch.received.keys(), deadline_seconds=_ENDS_SECONDS,
        what="the end of every call",
    )  # fmt: skip
    with suppress(AssertionError):  # what is missing is a call's fault, and the verdict says of which
        await arrived
    assert pbx.ami.lost is None, f"AMI was lost: {pbx.ami.lost!r}"
    return tuple(_seen(watch, tables, dial, told[dial.caller], source, clock, gives_up=gives_up) for dial in dials)


def _seen(
    watch: Watch, tables: Tables, dial: Dial, told: Told, source: str, clock: timedelta, *, gives_up: bool
) -> Seen:
    (unique_id,) = watch.received.get(dial.caller, [""])
    events = watch.routed.get(unique_id, [])
    last = events[-1] if events else None
    table = tables(int(last["Version"] or -1) if last else -1)
    level = last["Level"] if last else ""
    at = dial.at or (told.asked_at + clock if level == "service" else told.asked_at)
    values, wanted = decided(table, dial, source=source, at=at)
    if gives_up and told.code == 487:  # the caller decided it
        level = level or "caller"
    return Seen(
        dial=dial, unique_id=unique_id, level=level,
        wanted=wanted, got={name: last[name] for name in PLACE} if last else wanted,
        code=told.code, code_wanted=487 if gives_up else _code(values, level, table, source),
        waited_ms=told.waited_ms, outcomes=max(len(events), level == "caller"), ends=watch.ended.get(unique_id, 0),
    )  # fmt: skip


def decided(table: Table, dial: Dial, *, source: str, at: datetime) -> tuple[dict[str, str], dict[str, str]]:
    """What the engine says of this call: every variable, and the place as the event names it."""
    (trunk,) = [row.name for row in table.rows.trunks if row.address == source]
    call = Call(dialled=unquote(dial.dialled), caller=dial.caller, trunk=trunk)
    lines = commands(decide(table, call, at), table, unique_id="1.1")
    values = {name: value for line in lines for name, value in chosen(line).items()}
    return values, {field: values[variable] for field, variable in PLACE.items()}


def _code(values: dict[str, str], level: str, table: Table, source: str) -> int | None:
    """The final answer that the decision means; ``None``: whatever the other side of a forwarded call says."""
    if level == "last_resort":
        other_route = any(row.has_other_route for row in table.rows.trunks if row.address == source)
        return 503 if other_route else 200
    if values[KIND] in _ANSWERED:
        return 200
    return _CODES[values[CAUSE]] if values[KIND] == "reject" else None


def by_service(calls: Sequence[Seen]) -> list[Seen]:
    """Those that the service decided: nearly all, even where the machine is busy."""
    found = [call for call in calls if call.level == "service"]
    assert len(found) >= len(calls) * 0.8, "\n".join(map(str, calls))
    return found
