# SPDX-License-Identifier: EUPL-1.2
"""A new include is loaded while a call reads the old one: what the call was about to read is gone, the call is not."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from routing.core.compile import compile_table
from routing.core.table import Table
from tests.support.ami_oracle import Message
from tests.support.asterisk import Directories, PrivateAsterisk, free_port
from tests.support.tables import OPEN_AT, example_rows

pytestmark = pytest.mark.system

READS = " same => n,Gosub(${ARG1},${ARG2},1)\n"
HOLDS = """
[hold]
; ARG1: what is about to be read. The call is held there once, until the test lets it go.
exten => s,1,GotoIf($["${HELD}" != "" | "x${ARG1:0:${LEN(${HELD_AT})}}" != "x${HELD_AT}"]?done)
 same => n,Set(HELD=yes)
 same => n,UserEvent(Held,At: ${ARG1})
 same => n(held),Wait(0.02)
 same => n,GotoIf($["${LET_GO}" = "yes"]?done:held)
 same => n(done),Return()

[probe-held]
exten => s,1,MSet(RECEIVED=0537289500,TRUNK_NUMBER_FORMAT=national,FALLBACK_CAUSE=silent,AT=2026-11-23T10%3A00%3A00Z)
 same => n,Goto(fallback,s,1)
"""
PLACES = (
    "rules",
    "rules-number-",
    "rules-line",
    "rules-hours",
    "rules-zone",
    "rules-week",
    "rules-holiday",
    "rules-plan",
)


def held(directories: Directories) -> None:
    """Calls can be held right before they read."""
    file = directories.etc / "dialplan" / "include.conf"
    text = file.read_text(encoding="utf-8")
    assert text.count(READS) == 1
    hold = " same => n,Gosub(hold,s,1(${ARG1}))\n"
    file.write_text(text.replace(READS, hold + READS), encoding="utf-8")


@pytest.fixture(scope="module")
async def pbx() -> AsyncIterator[PrivateAsterisk]:
    nobody = ("127.0.0.1", free_port(socket.SOCK_STREAM))
    async with PrivateAsterisk.start(
        whole(), fastagi=nobody, extra_dialplan=HOLDS, with_astdb=False, prepare=held
    ) as asterisk:
        yield asterisk


def whole() -> Table:
    return compile_table(example_rows(), version=1)


def bare() -> Table:
    """Nothing of what the call reads is in it."""
    rows = example_rows()
    return compile_table(
        replace(
            rows, tenants=(), opening_hours=(), service_lines=(), number_blocks=(), dids=(), authority_numbers=(),
            centre=(),
        ),
        version=2,
    )  # fmt: skip


async def routed_after(pbx: PrivateAsterisk, place: str, include: Table | None) -> Message:
    """The decision about a call that is held before it reads there, while this include replaces the whole one."""
    await pbx.write_include(whole(), at=OPEN_AT)
    start = len(pbx.ami.messages)
    for name, value in (("HELD_AT", place), ("LET_GO", "")):
        await pbx.ami.action("Setvar", Variable=name, Value=value)
    answer = await pbx.ami.action(
        "Originate", Channel="Local/s@probe-held/n", Application="Wait", Data="20", Async="true"
    )  # fmt: skip
    assert answer["Response"] == "Success"
    await pbx.ami.event(start=start, UserEvent="Held")
    if include is None:
        (pbx.directories.generated / "include.conf").write_text("", encoding="utf-8")
        await pbx.ami.action("Reload", Module="pbx_config")
    else:
        await pbx.write_include(include, at=OPEN_AT)
    await pbx.ami.action("Setvar", Variable="LET_GO", Value="yes")
    return await pbx.ami.event(start=start, UserEvent="CallRouted")


@pytest.mark.parametrize("place", PLACES)
async def test_the_new_include_decides(pbx: PrivateAsterisk, place: str) -> None:
    decided = await routed_after(pbx, place, bare())
    assert (decided["Level"], decided["Version"], decided["Reasons"]) == ("include", "2", "unknown_number")


@pytest.mark.parametrize("place", PLACES)
async def test_without_any_include_the_last_resort_speaks(pbx: PrivateAsterisk, place: str) -> None:
    decided = await routed_after(pbx, place, None)
    assert decided["Level"] == "last_resort"
