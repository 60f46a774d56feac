# SPDX-License-Identifier: EUPL-1.2
"""The bench of real calls measures what it says: the other ways are production, and nothing lost counts as fast."""

from __future__ import annotations

import asyncio
import math
import re
from typing import cast

import pytest

from agi.fastagi.variables import NAMES, commands
from routing.core.compile import compile_table
from routing.core.decide import decide
from routing.core.decision import Call
from tests.bench import calls, growth
from tests.bench.calls_dialplan import COLUMNS, DIALPLAN, another_way, answered, looked_up, set_at_once
from tests.bench.calls_load import Load
from tests.bench.calls_probe import Series
from tests.bench.calls_scene import CALLER, SERVICE, UNKNOWN, rows_with_ways
from tests.bench.calls_sipp import Step
from tests.bench.document import document
from tests.bench.figures import Curve, Section
from tests.bench.rows import OPEN
from tests.support.asterisk_agi import chosen

TABLE = compile_table(rows_with_ways(10), version=1)


def test_another_way_is_production_but_for_the_step_that_asks() -> None:
    text = another_way("other", ("Set(A=1)", "Set(B=2)"))
    production = "".join((DIALPLAN / file).read_text(encoding="utf-8") for file in ("trunk.conf", "service.conf"))
    back = text.replace("-other]", "]").replace("-other,", ",")
    mine, its = set(back.splitlines()), set(production.splitlines())
    assert mine - its == {" same => n,Set(A=1)", " same => n,Set(B=2)"}
    (asks,) = [line for line in production.splitlines() if "AGI(" in line and not line.startswith(";")]
    assert asks not in mine
    assert re.findall(r"^\[(.*)\]$", text, re.MULTILINE) == ["from-trunk-other", "received-other", "ask-service-other"]
    assert "Goto(received-other,s,1)" in text
    assert "Goto(ask-service-other,s,1)" in text


def test_the_other_ways_set_what_the_service_sets() -> None:
    values = answered(TABLE, dialled=UNKNOWN, caller=CALLER, trunk=SERVICE, at=OPEN)
    call = Call(dialled=UNKNOWN, caller=CALLER, trunk=SERVICE)
    (command,) = commands(decide(TABLE, call, OPEN), TABLE, unique_id="1.1")
    assert {**values, "ROUTE_OK": "v1-1.1"} == chosen(command)
    assert values["ROUTE_KIND"] == "reject"
    (at_once,) = set_at_once(values)
    assert at_once.replace("${UNIQUEID}", "1.1").removeprefix("MSet(").removesuffix(")") in command.decode()
    assert looked_up("${F()}") == (f"Set(ARRAY({','.join(COLUMNS)})=${{F()}})", "Set(ROUTE_OK=v1-${UNIQUEID})")
    assert (*COLUMNS, "ROUTE_OK") == NAMES


def test_a_call_without_an_answer_is_not_fast() -> None:
    step = Step(rate=100, offered=100, milliseconds=(4.0,) * 98)
    assert step.at(0.5) == 4.0
    assert step.at(0.97) == 4.0
    assert step.at(0.99) == math.inf


@pytest.mark.parametrize("capacity", [310, 450, 599])
def test_the_search_closes_in_on_the_rate_that_is_kept(capacity: int) -> None:
    search = calls._Search(300, 600)
    for _ in range(calls._BISECTIONS):
        search.learn(kept=search.between <= capacity)
    assert search.low <= capacity < search.high
    assert search.between / capacity == pytest.approx(1, abs=0.05)


def _load(*, asterisk: float, service: float, others: float = 0.0, thread: float = 0.2, lost: int = 0) -> Load:
    shares = {"Asterisk": asterisk, "service": service}
    return Load(shares=shares, others=others, busiest_thread=thread, lost=lost, seconds=1.0)


def test_it_is_named_what_was_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert _load(asterisk=0.5, service=0.2).limit == ""
    assert _load(asterisk=0.5, service=0.95).limit == "the service, which has one thread"
    assert "one thread of Asterisk" in _load(asterisk=1.2, service=0.2, thread=0.97).limit
    assert _load(asterisk=1.2, service=0.3, others=0.4).limit.endswith("most of them by Asterisk")
    assert "lost 7 datagrams" in _load(asterisk=0.5, service=0.2, lost=7).limit


def test_a_curve_says_where_it_bends_and_by_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    loads = {rate: _load(asterisk=rate / 400, service=0.1) for rate in (100, 200, 800)}
    bend = growth._bend([(100, 1.0), (200, 1.5), (800, 40.0)], loads)
    assert bend.startswith("It bends at 800 (26.7 times the one before). At its limit there: all processors")
    assert growth._bend([(10, 1.0), (1_000, 1.1)], {}).startswith("It does not bend")
    curve = Curve(title="Over calls", sizes="calls/s", unit="ms", points=((100, 1.0), (200, 2.0)), bend="It bends.")
    text = document([Section(title="x", text="y", figures=(), curves=(curve,))], effort="")
    assert "Over calls:" in text
    assert "      200 calls/s       2.00 ms" in text
    assert "\nIt bends.\n" in text


class _Carrier(asyncio.DatagramProtocol):
    """Answers the first INVITE with 100 and 404, the second with 503, the third not at all."""

    def __init__(self) -> None:
        self.acknowledged: list[str] = []
        self._codes = iter((("100 Trying", "404 Not Found"), ("503 Service Unavailable",), ()))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # Python's own is none by its class

    def datagram_received(self, data: bytes, address: tuple[str | object, int]) -> None:
        lines = data.decode().split("\r\n")
        if lines[0].startswith("ACK"):
            self.acknowledged.append(next(line for line in lines if line.startswith("To:")))
            return
        kept = [line for line in lines[1:] if line.split(":")[0] in {"Via", "From", "To", "Call-ID", "CSeq"}]
        marked = [f"{line};tag=t" if line.startswith("To:") else line for line in kept]
        for code in next(self._codes):
            self._transport.sendto("\r\n".join([f"SIP/2.0 {code}", *marked, "", ""]).encode(), address)


async def test_the_probe_times_what_was_answered_as_it_must_be_and_acknowledges() -> None:
    loop = asyncio.get_running_loop()
    transport, carrier = await loop.create_datagram_endpoint(_Carrier, local_addr=("127.0.0.1", 0))
    try:
        port = transport.get_extra_info("sockname")[1]
        series = Series(
            {"source": "127.0.0.1", "target": f"127.0.0.1:{port}", "dialled": UNKNOWN, "caller": CALLER, "rate": 50,
             "seconds": 0.06}
        )  # fmt: skip
        await asyncio.to_thread(series.run)
    finally:
        transport.close()
    first, refused, silent = series.microseconds
    assert first is not None
    assert 0 < first < 2_000_000
    assert (refused, silent) == (None, None)
    assert len(carrier.acknowledged) == 2
    assert all(line.endswith(";tag=t") for line in carrier.acknowledged)
