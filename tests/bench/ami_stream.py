# SPDX-License-Identifier: EUPL-1.2
"""What an Asterisk with many calls sends over its AMI: the recordings of tests/replay, interleaved, each call anew.

::

    call 0  ─┬──────┬───┬─ … ─┬          a call's events lie evenly over the time for which it is open
    call 1     ─┬──────┬───┬─ … ─┬       calls begin one after another, at the rate
    stream  ─┬─┬┬───┬──┬┬…               in the order of their instants

Unique ids are new for every call, as long as Asterisk's own. Scenarios take turns, so a call is an average one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush

from agi.ami.call_state import TrackerState
from agi.ami.call_tracker import fold
from agi.ami.messages import parse_message
from agi.ami.translate import translate
from tests.replay.recordings import FOLDER, NAMES

CALLS_PER_SECOND = 50
TOLD_SECONDS = 37.0  # then some 1,500 callers' channels are open at a time
_ID = re.compile(rb"(?<=id: )((?:node1-)?\d{10}\.\d+)")
_EPOCH = 1_795_000_000
_IDS_OF_CALL = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A recording. ``blocks`` are its AMI events, cut at the unique ids; ``tells``: how many call events each is."""

    blocks: tuple[tuple[bytes, ...], ...]
    ids: tuple[bytes, ...]
    tells: tuple[int, ...]

    def block(self, place: int, call: int) -> bytes:
        """The event at this place, of the call with this number."""
        names = {one: b"node1-%d.%d" % (_EPOCH, call * _IDS_OF_CALL + n) for n, one in enumerate(self.ids)}
        return b"".join(names.get(part, part) for part in self.blocks[place])


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One AMI event of the stream: ``at`` seconds from the start; ``tells`` call events come of it."""

    at: float
    call: int
    data: bytes
    tells: int


def scenario(name: str) -> Scenario:
    """The recording of this name."""
    blocks = [block + b"\r\n\r\n" for block in (FOLDER / f"{name}.ami").read_bytes().split(b"\r\n\r\n") if block]
    state, at, tells = TrackerState(node="node1"), datetime(2026, 11, 23, tzinfo=UTC), []
    for block in blocks:
        seen = translate(parse_message(block.decode().removesuffix("\r\n\r\n")))
        state, events = (state, ()) if seen is None else fold(state, seen, at)
        tells.append(len(events))
    ids = tuple(dict.fromkeys(found for block in blocks for found in _ID.findall(block)))
    assert len(ids) <= _IDS_OF_CALL, name
    return Scenario(blocks=tuple(tuple(_ID.split(block)) for block in blocks), ids=ids, tells=tuple(tells))


SCENARIOS = tuple(scenario(name) for name in NAMES)
EVENTS_PER_CALL = sum(len(item.blocks) for item in SCENARIOS) / len(SCENARIOS)
CALL_EVENTS_PER_CALL = sum(sum(item.tells) for item in SCENARIOS) / len(SCENARIOS)


def stream(calls: int, *, first: int = 0, lasts: float = TOLD_SECONDS) -> Iterator[Said]:
    """So many calls, 50 a second; each ``lasts`` so many seconds. Numbers begin at ``first``."""
    waiting: list[tuple[float, int, int]] = []
    begun = 0
    while begun < calls or waiting:
        starts = begun / CALLS_PER_SECOND
        if begun < calls and (not waiting or starts <= waiting[0][0]):
            heappush(waiting, (starts, begun, 0))
            begun += 1
            continue
        at, call, place = heappop(waiting)
        number = first + call
        of = SCENARIOS[number % len(SCENARIOS)]
        yield Said(at=at, call=number, data=of.block(place, number), tells=of.tells[place])
        if place + 1 < len(of.blocks):
            heappush(waiting, (call / CALLS_PER_SECOND + lasts * (place + 1) / len(of.blocks), call, place + 1))


def call_of(unique_id: str) -> int:
    """The number of the call to which a channel of the stream belongs."""
    return int(unique_id.rpartition(".")[2]) // _IDS_OF_CALL


def call_events(calls: int) -> int:
    """How many call events so many calls make."""
    return sum(sum(SCENARIOS[call % len(SCENARIOS)].tells) for call in range(calls))
