# SPDX-License-Identifier: EUPL-1.2
"""A chain as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core.chain import EVERY_EXIT, EXIT_LETTERS, MAXIMUM_CHAIN_CHARACTERS, MAXIMUM_STEPS, chain_text, exits_text
from routing.core.decision import (
    CONDITIONS,
    Destination,
    DialExtension,
    EnterQueue,
    Forward,
    PlayAnnouncement,
    Reject,
    Step,
)

QUEUE = EnterQueue(queue="springer", announcement=None, wait_seconds=300)


@pytest.mark.parametrize(
    ("when", "destination", "text"),
    [
        (("timeout",), QUEUE, "t~q~springer~300~"),
        (("no_agent", "full"), EnterQueue(queue="b", announcement=None, expected_wait_seconds=90), "nu~q~b~600~90"),
        ((), PlayAnnouncement(announcement="stadt-x--zentrale--overflow-1"), "-~a~stadt-x--zentrale--overflow-1"),
        (("failed",), Forward(number="+493023125100", trunk="carrier"), "x~f~493023125100~carrier~30"),
        (
            ("expected_wait",),
            DialExtension(extension="123", number="+49537289123", trunk="rathaus", ring_seconds=20),
            "w~d~49537289123~rathaus~20",
        ),
    ],
)
def test_every_kind_of_step(when: tuple[str, ...], destination: Destination, text: str) -> None:
    assert chain_text([Step(when=when, destination=destination)]) == text


def test_steps_stand_in_their_order() -> None:
    steps = [Step(when=("timeout",), destination=QUEUE), Step(when=(), destination=PlayAnnouncement(announcement="a"))]
    assert chain_text(steps) == "t~q~springer~300~.-~a~a"
    assert chain_text([]) == ""


def test_every_exit_has_a_letter_of_its_own_and_none_is_the_sign_for_all() -> None:
    assert set(EXIT_LETTERS) == set(CONDITIONS)
    assert len(set(EXIT_LETTERS.values())) == len(CONDITIONS)
    assert EVERY_EXIT not in EXIT_LETTERS.values()
    assert "p" not in EXIT_LETTERS.values()  # the dialplan's own letter for a finished announcement
    assert exits_text(CONDITIONS) == "tnuwx"


def test_no_step_refuses() -> None:
    with pytest.raises(ValueError, match="refuses"):
        chain_text([Step(when=(), destination=Reject(cause=1))])


NAMES = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True).filter(lambda name: len(name) <= 40)
NUMBERS = st.from_regex(r"\+[1-9][0-9]{5,14}", fullmatch=True)
SECONDS = st.integers(1, 86_400)
DESTINATIONS = st.one_of(
    st.builds(EnterQueue, queue=NAMES, announcement=st.none(), wait_seconds=SECONDS,
              expected_wait_seconds=st.none() | SECONDS),
    st.builds(PlayAnnouncement, announcement=NAMES),
    st.builds(Forward, number=NUMBERS, trunk=NAMES, ring_seconds=SECONDS),
    st.builds(DialExtension, extension=st.just("1"), number=NUMBERS, trunk=NAMES, ring_seconds=SECONDS),
)  # fmt: skip
STEPS = st.builds(Step, when=st.lists(st.sampled_from(CONDITIONS), unique=True).map(tuple), destination=DESTINATIONS)


@given(st.lists(STEPS, max_size=MAXIMUM_STEPS))
def test_the_text_can_be_cut_apart_again(steps: list[Step]) -> None:
    text = chain_text(steps)
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.~")
    parts = [part.split("~") for part in text.split(".")] if text else []
    assert len(parts) == len(steps)
    for fields, step in zip(parts, steps, strict=True):
        assert fields[0] == exits_text(step.when)
        match step.destination:
            case EnterQueue() as it:
                expected = "" if it.expected_wait_seconds is None else str(it.expected_wait_seconds)
                assert fields[1:] == ["q", it.queue, str(it.wait_seconds), expected]
            case PlayAnnouncement() as it:
                assert fields[1:] == ["a", it.announcement]
            case Forward() as it:
                assert fields[1:] == ["f", it.number[1:], it.trunk, str(it.ring_seconds)]
            case DialExtension() as it:
                assert fields[1:] == ["d", it.number[1:], it.trunk, str(it.ring_seconds)]


def test_a_useful_chain_fits() -> None:
    """Two on-call duties, each tried three times, behind an announcement."""
    duty = Forward(number="+4915112345678", trunk="stadtnetz", ring_seconds=30)
    steps = [Step(when=(), destination=PlayAnnouncement(announcement="samtgemeinde-x--bauhof--closed-1"))]
    steps += [Step(when=("failed",), destination=duty)] * 6
    assert len(steps) <= MAXIMUM_STEPS
    assert len(chain_text(steps)) <= MAXIMUM_CHAIN_CHARACTERS / 2 + 30
