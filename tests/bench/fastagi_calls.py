# SPDX-License-Identifier: EUPL-1.2
"""What every FastAGI server of the bench is asked, and what each has to answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qs, unquote

from agi.fastagi.request import ARGUMENTS
from agi.fastagi.variables import commands
from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import Call
from routing.core.table import Table
from tests.bench.rows import calls_to, rows_of
from tests.support.asterisk_agi import caller_argument, environment, route_script

NUMBERS = 1_000
ASKED = 2_000
_MARKED = re.compile(rb'ROUTE_OK=v1-[^"]*"\n\Z')


def table() -> Table:
    return compile_table(rows_of(NUMBERS), version=1)


def environments() -> list[bytes]:
    """One for each call: numbers all over the table as a carrier writes them, from many callers and channels."""
    return [
        environment(
            route_script(re.sub(r"[^0-9]", "", call.dialled)),
            arg_1=caller_argument("" if call.caller is None else f"+4930231{place:05d}"),
            uniqueid=f"node1-1795314100.{place}",
            channel=f"PJSIP/carrier-{place:08x}",
        )
        for place, (call, _) in enumerate(calls_to(NUMBERS, ASKED))
    ]


def scripts() -> list[str]:
    """The script of each, for servers that are told beforehand what they will be asked."""
    return sorted({re.findall(rb"agi_network_script: (.*)\n", asked)[0].decode() for asked in environments()})


def answer(table: Table, headers: Mapping[str, str], at: datetime) -> bytes:
    """What a handler of any other server has to do: the same decision, as the same command."""
    query = {key: values[0] for key, values in parse_qs(headers["agi_network_script"].partition("?")[2]).items()}
    return answered(table, query, headers, [headers[f"agi_arg_{place}"] for place, _ in enumerate(ARGUMENTS, 1)], at)


def answered(
    table: Table, query: Mapping[str, str], headers: Mapping[str, str], arguments: Sequence[str], at: datetime
) -> bytes:
    """The same, for a server that reads query and arguments itself."""
    numbers = [unquote(argument.partition("=")[2]) or None for argument in arguments]
    caller, diversion, history_info, to = numbers
    call = Call(
        dialled=query["dialled"], caller=caller, trunk=query["trunk"],
        diversion=diversion, history_info=history_info, to=to,
    )  # fmt: skip
    (line,) = commands(decide(table, call, at), table, unique_id=headers["agi_uniqueid"])
    return line


def headers_of(asked: bytes) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in asked.decode().splitlines() if line)


def compared(command: bytes) -> bytes:
    """The command without the seconds to closing time, which pass."""
    return re.sub(rb"ROUTE_CLOSING=[0-9]*", b"", command)
