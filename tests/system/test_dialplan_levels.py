# SPDX-License-Identifier: EUPL-1.2
"""The levels send every call to the same place: random configurations, numbers and moments, on a real Asterisk.

AstDB decides exactly as the service does. The include does so for what it holds: everything in the two days after its
making, and later everything but what is dated. `scripts/equality` asks ten thousand questions of each.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from agi.ami.address import AmiAddress
from agi.ami.astdb import AstDbCopy
from agi.ami.client import AmiConnection
from agi.render.astdb import AstDbRenderer
from agi.render.include import DATED_DAYS
from routing.core.compile import compile_table
from routing.core.rows import Rows
from routing.core.table import Table
from tests.support.asterisk import PrivateAsterisk, free_port
from tests.support.fallback import Case, wanted
from tests.support.fallback_batch import ask_all, batch_probe
from tests.support.fallback_rows import fallback_rows
from tests.support.random_tables import BASES, DAYS, random_case, random_rows
from tests.system.test_dialplan_fallback import CALLERS, NUMBERS

pytestmark = pytest.mark.system

QUESTIONS = int(os.environ.get("AMTSLEITUNG_TEST_QUESTIONS", "600"))
"""Of each level, over all configurations."""
SEED = int(os.environ.get("AMTSLEITUNG_TEST_SEED", "20261125"))
PROBE = """
[probe-fallback]
exten => s,1,MSet(RECEIVED=0536299999,TRUNK_NUMBER_FORMAT=national,TRUNK_OTHER_ROUTE=yes,FALLBACK_CAUSE=silent)
 same => n,Goto(fallback,s,1)
"""
PLACE = (
    "ROUTE_KIND", "ROUTE_TENANT", "ROUTE_LINE", "ROUTE_QUEUE", "ROUTE_ANNOUNCEMENT", "ROUTE_TARGET", "ROUTE_TRUNK",
    "ROUTE_CAUSE", "ROUTE_DIALLED", "ROUTE_REDIRECTING", "ROUTE_PRIORITY", "ROUTE_OVERFLOW",
)  # fmt: skip


@pytest.fixture(scope="module")
async def pbx() -> AsyncIterator[PrivateAsterisk]:
    table = compile_table(fallback_rows(), version=1)
    nobody = ("127.0.0.1", free_port(socket.SOCK_STREAM))
    async with PrivateAsterisk.start(
        table, fastagi=nobody, extra_dialplan=PROBE + batch_probe(table), with_astdb=False, with_sounds=False,
        tells_steps=False,
    ) as asterisk:  # fmt: skip
        yield asterisk


@pytest.fixture
async def connection(pbx: PrivateAsterisk) -> AsyncIterator[AmiConnection]:
    address = AmiAddress(host="127.0.0.1", port=pbx.ami_port, user=pbx.ami_user, secret=pbx.ami_secret)
    async with await AmiConnection.open(address, clock=lambda: datetime.now(UTC)) as opened:
        yield opened


def cases(random: Random, base: datetime, count: int) -> list[Case]:
    return [random_case(random, base, NUMBERS, CALLERS) for _ in range(count)]


def differences(
    questions: Sequence[Case], answers: Sequence[Mapping[str, str]], tables: Sequence[Table], names: Sequence[str]
) -> list[str]:
    """Where a level sends a call elsewhere than the service would with the table of that question."""
    found = []
    for case, answer, table in zip(questions, answers, tables, strict=True):
        expected = wanted(table, case)
        unlike = {name: (answer[name], expected[name]) for name in names if answer[name] != expected[name]}
        if unlike:
            found.append(f"{case}: {unlike} (level, service) {answer['WHY']} {answer['ROUTE_REASONS']}")
    return found[:20]


@pytest.mark.parametrize("number", range(len(BASES)))
async def test_astdb_decides_as_the_service_does(pbx: PrivateAsterisk, connection: AmiConnection, number: int) -> None:
    random, base = Random(SEED + number), BASES[number]
    table = compile_table(random_rows(random, base), version=10 + number)
    await AstDbCopy(connection).write(AstDbRenderer(days=DAYS).content(table, at=base))
    questions = cases(random, base, QUESTIONS // len(BASES))
    answers = await ask_all(pbx, connection, questions)
    names = [name for name in wanted(table, questions[0]) if name != "ROUTE_DISPLAY"]
    assert differences(questions, answers, [table] * len(questions), names) == []
    assert len({answer["ROUTE_KIND"] for answer in answers}) == 5
    assert len({answer["ROUTE_LINE"] for answer in answers}) > 20


@pytest.mark.parametrize("number", range(len(BASES)))
async def test_the_include_decides_as_the_service_does_for_what_it_holds(
    pbx: PrivateAsterisk, connection: AmiConnection, number: int
) -> None:
    random, base = Random(SEED - 1 - number), BASES[number]
    rows = random_rows(random, base)
    table, bare = compile_table(rows, version=20 + number), compile_table(undated(rows), version=20 + number)
    await pbx.write_include(table, at=base)
    end = base + timedelta(days=DATED_DAYS)
    questions = cases(random, base, QUESTIONS // len(BASES))
    for place, case in enumerate(questions):
        if place % 5 == 0:  # within the two days
            questions[place] = replace(case, at=base + (case.at - base) % timedelta(days=DATED_DAYS))
        elif place % 5 == 1:  # after years
            questions[place] = replace(case, at=case.at + timedelta(days=3 * 365))
    answers = await ask_all(pbx, connection, questions, level="include")
    tables = [table if case.at < end else bare for case in questions]
    assert differences(questions, answers, tables, PLACE) == []
    assert len({answer["ROUTE_LINE"] for answer in answers}) > 20


def undated(rows: Rows) -> Rows:
    """What the include holds for ever."""
    return replace(rows, special_hours=(), overrides=(), notices=(), on_call_duties=())


async def test_a_call_that_reads_while_the_pointer_moves_decides_on_one_generation(
    pbx: PrivateAsterisk, connection: AmiConnection
) -> None:
    """Two configurations in turn, as fast as they can be written; what nobody names is removed at once."""
    base = BASES[0]
    both = [compile_table(random_rows(Random(seed), base), version=seed) for seed in (101, 102)]
    renderers = [AstDbRenderer(days=DAYS) for _ in both]
    contents = [renderer.content(table, at=base) for renderer, table in zip(renderers, both, strict=True)]
    copy = AstDbCopy(connection, grace_seconds=0.2)
    await copy.write(contents[0])
    asked = asyncio.Event()

    moves = itertools.count(1)

    async def move() -> None:
        while not asked.is_set():
            await copy.write(contents[next(moves) % 2])
            await copy.tidy()

    questions: list[Case] = []
    answers: list[Mapping[str, str]] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(move())
        random = Random(SEED)
        for _ in range(40):
            some = cases(random, base, 50)
            questions += some
            answers += await ask_all(pbx, connection, some)
            if {"101", "102"} <= {answer["ROUTE_VERSION"] for answer in answers} and len(questions) >= 200:
                break
        asked.set()
    decided = [(case, answer) for case, answer in zip(questions, answers, strict=True) if answer["ROUTE_KIND"]]
    assert {answer["ROUTE_VERSION"] for _, answer in decided} == {"101", "102"}
    # What was removed while it was read is decided again by [fallback]; here it is told.
    assert {answer["WHY"] for answer in answers if not answer["ROUTE_KIND"]} <= {"moved"}
    tables = [both[int(answer["ROUTE_VERSION"]) - 101] for _, answer in decided]
    names = [name for name in PLACE if name != "ROUTE_OVERFLOW"]
    assert differences([case for case, _ in decided], [answer for _, answer in decided], tables, names) == []


async def test_a_call_whose_data_is_removed_decides_again(pbx: PrivateAsterisk, connection: AmiConnection) -> None:
    """Whole calls, with data that goes as soon as the pointer has moved: none is left to the last resort."""
    base, calls = BASES[0], 60
    both = [compile_table(random_rows(Random(seed), base), version=seed) for seed in (101, 102)]
    contents = [AstDbRenderer(days=1).content(table, at=base) for table in both]
    await pbx.write_include(both[0], at=base)
    copy = AstDbCopy(connection, grace_seconds=0)
    await copy.write(contents[0])
    await pbx.ami.action("Events", EventMask="user")
    start = len(pbx.ami.messages)

    def routed() -> list[tuple[str, str]]:
        found = pbx.ami.user_events("CallRouted", start=start)
        return [(message["Level"], message["Kind"]) for message in found]

    async def call() -> None:
        for _ in range(calls):
            await pbx.ami.action(
                "Originate", Channel="Local/s@probe-fallback/n", Application="Wait", Data="5", Async="true"
            )  # fmt: skip
        await pbx.ami.until(lambda: len(routed()) == calls or None, what="a decision for each call", deadline=60)

    calling, moves = asyncio.create_task(call()), itertools.count(1)
    while not calling.done():
        await copy.write(contents[next(moves) % 2])
        await copy.tidy()
    await calling
    await pbx.ami.action("Events", EventMask="on")
    assert set(routed()) <= {("astdb", "reject"), ("include", "reject")}
    assert ("astdb", "reject") in routed()


async def test_no_expression_was_ever_malformed(pbx: PrivateAsterisk) -> None:
    assert [line for line in pbx.logged("WARNING", "ERROR") if "ast_expr2" in line or "func_" in line] == []
