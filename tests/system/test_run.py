# SPDX-License-Identifier: EUPL-1.2
"""``run``: it does its main job, ends whole whenever and however it is ended, and starts again after anything."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support import sipp
from tests.support.api_server import reading
from tests.support.living import descendants, until
from tests.support.product import START_SECONDS, command, nothing_left, started, state_folder, stops_cleanly
from tests.support.system import MEINERSEN, OPEN, System, running_system

pytestmark = pytest.mark.system

STEPS = ("received", "recognised", "open", "queue", "agent rung", "pop delivered", "answered", "ended")


async def test_run_once_shows_a_real_call_step_by_step_and_succeeds() -> None:
    async with state_folder() as state, started("run", "--once", state=state) as run:
        await until(lambda: "ready; what was chosen" in run.said or run.process.returncode is not None, "it is up",
                    START_SECONDS)  # fmt: skip
        below = descendants(run.process.pid)
        assert await run.ended(120) == 0, run.said
        said = run.said
        await nothing_left(state, below, None)
    assert "Traceback" not in said
    assert said.count("Agent's page: http://") == 1
    assert "/agent/agent01" in said
    calls = 2 if "Outside the service hours" in said else 1
    assert said.count("As expected.\n") == calls
    last = said.rpartition("received")[0].count("\n")
    lines = [line.strip()[14:] for line in said.splitlines()[last:]]
    order = [next(n for n, line in enumerate(lines) if line.startswith(step)) for step in STEPS]
    assert order[0] == 0
    assert sorted(order[:4]) == order[:4]
    assert lines[order[5]].startswith("pop delivered")
    assert max(order[4], order[5]) < order[6] < order[7]


@pytest.mark.parametrize(
    ("number", "reached"),
    [
        (signal.SIGTERM, "PostgreSQL on "),
        (signal.SIGINT, "writing Asterisk's"),
        (signal.SIGHUP, "  Asterisk 2"),
        (signal.SIGINT, "  received "),
    ],
)
async def test_a_signal_in_mid_start_or_mid_call_leaves_nothing(
    number: signal.Signals, reached: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    async with state_folder() as state, started("run", state=state) as run:
        await until(lambda: reached in run.said, reached, START_SECONDS)
        below = descendants(run.process.pid)
        assert below
        os.killpg(run.process.pid, number)
        assert await run.ended() == 0, run.said
        assert f"Ended by {number.name}." in run.said
        assert "Traceback" not in run.said
        await nothing_left(state, below, None)
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - an instant


async def test_a_second_run_is_refused_a_killed_one_leaves_nothing_and_the_next_one_mends_it() -> None:
    async with state_folder() as state:
        async with started("run", "--no-demonstration", state=state) as first:
            running = await first.up()
            status, out, err = await command("run", state=state)
            assert status == 1, out
            assert err.count("\n") == 1, err
            assert f"already running as process {running.pid} in {state}" in err
            below = descendants(first.process.pid)
            assert len(below) > len(running.processes)
            first.process.send_signal(signal.SIGKILL)
            assert await first.ended() == -signal.SIGKILL
            await nothing_left(state, below, running)
        async with started("run", "--no-demonstration", state=state) as second:
            again = await second.up()
            await until(lambda: "End: Ctrl-C" in second.said, "it says how to end it")
            assert second.said.count(again.agent_page) == 1
            await stops_cleanly(second, again, signal.SIGINT)


async def test_two_systems_side_by_side_know_nothing_of_each_other() -> None:
    async with AsyncExitStack() as stack:
        systems: list[System] = await asyncio.gather(
            *(stack.enter_async_context(running_system(short_prompts=True)) for _ in range(2))
        )
        for number, system in enumerate(systems):
            caller = f"0302312530{number}"
            async with sipp.telephone(system, "agent01", hang_up_after=0.1) as phone:
                await sipp.call(
                    system, dialled=MEINERSEN, caller=caller, at=OPEN, source=sipp.DEMONSTRATION, expect=200
                )
                assert len(phone.invites) == 1
            await system.ended_call((await system.received(caller))["Uniqueid"])
        for number, system in enumerate(systems):
            calls = (await system.get("/calls"))["calls"]
            assert [call["caller_number"] for call in calls] == [f"0302312530{number}"]


async def test_a_crashed_asterisk_loses_its_calls_but_no_pop_stays_and_the_next_call_is_taken() -> None:
    async with (
        running_system(short_prompts=True) as system,
        reading(f"{system.api_url}/events?agent=agent01") as events,
        sipp.telephone(system, "agent01", answers_after=None),
    ):
        asterisk = system.pid("asterisk")
        calling = asyncio.create_task(
            sipp.call(system, dialled=MEINERSEN, at=OPEN, source=sipp.DEMONSTRATION, expect=200)
        )
        (*_, rung) = await events.until("rung")
        await system.ami.close()
        os.kill(asterisk, signal.SIGKILL)
        told = await events.until("ended")
        assert [event.kind for event in told] == ["ring_ended", "ended"]
        assert told[-1].data["outcome"] == "unknown"
        calling.cancel()  # nobody tells the caller
        await asyncio.gather(calling, return_exceptions=True)
        await system.restarted("asterisk", asterisk)
        row = await system.ended_call(rung.data["unique_id"])
        assert (row["outcome"], row["ringing"]) == ("unknown", [])
        assert "asterisk ended by itself (signal SIGKILL); starting it again" in system.run.said
        status, out, err = await system.command("call", "05372 89-0", "--at", OPEN, "--agent", "agent02", seconds=90)
        assert status == 0, (out, err)
        assert "decided by the service" in out
