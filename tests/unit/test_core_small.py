# SPDX-License-Identifier: EUPL-1.2
"""Small things of the core: the kinds of a destination, and what of an event may be seen."""

from __future__ import annotations

import pytest

from routing.core.decide import decide
from routing.core.decision import (
    KINDS,
    Call,
    Decision,
    Destination,
    DialExtension,
    EnterQueue,
    Forward,
    PlayAnnouncement,
    Reject,
    kind_of,
)
from routing.core.events import CallReceived, payload_of
from tests.support.tables import OPEN_AT, example_table

DESTINATIONS: dict[str, Destination] = {
    "enter_queue": EnterQueue(queue="a", announcement="b"),
    "play_announcement": PlayAnnouncement(announcement="a"),
    "forward": Forward(number="+493023125100", trunk="carrier"),
    "dial_extension": DialExtension(extension="1", number="+493023125100", trunk="carrier"),
    "reject": Reject(cause=1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_name(kind: str) -> None:
    assert kind_of(DESTINATIONS[kind]) == kind


def test_a_decision_names_its_kind() -> None:
    found: Decision = decide(example_table(), Call(dialled="112", caller=None), OPEN_AT)
    assert found.kind == "reject"


def test_an_event_shows_no_number() -> None:
    event = CallReceived(
        node="n", unique_id="1.1", at=OPEN_AT, linked_id="1.1", trunk="carrier", received="0537289", caller_number="030"
    )
    assert payload_of(event) == {
        "node": "n",
        "unique_id": "1.1",
        "at": OPEN_AT.isoformat(),
        "linked_id": "1.1",
        "trunk": "carrier",
        "kind": "received",
    }
