# SPDX-License-Identifier: EUPL-1.2
"""``import`` and ``export`` beside the running product: a change is live at once, a bad file changes nothing."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.support import sipp
from tests.support.asterisk import free_port
from tests.support.product import EXAMPLE
from tests.support.system import OPEN, System

pytestmark = pytest.mark.system

LIVE_SECONDS = 20.0  # from the end of ``import`` until every process follows it, on a busy machine
NEW = """
format: 1
timezone: Europe/Berlin
opening_hours:
  - name: always
    weekly:
      monday: ["00:00-24:00"]
      tuesday: ["00:00-24:00"]
      wednesday: ["00:00-24:00"]
      thursday: ["00:00-24:00"]
      friday: ["00:00-24:00"]
trunks:
  - { name: new-carrier, address: 127.0.0.6, number_format: e164 }
agent_groups:
  - { name: neu, title: Neue Gruppe }
agents:
  - { name: agent90, agent_groups: [neu] }
tenants:
  - slug: gemeinde-sassenburg
    name: Gemeinde Sassenburg
    valid_from: 2020-01-01
    service_lines:
      - { name: vermittlung, title: Vermittlung, opening_hours: always, agent_group: neu }
    number_blocks:
      - head_number: "+49537199"
        extensions: { "0": vermittlung }
"""


async def comes(what: str, happens: Callable[[], Awaitable[bool]]) -> None:
    """Waits until it happens."""
    try:
        async with asyncio.timeout(LIVE_SECONDS):
            while not await happens():  # noqa: ASYNC110 - only asking tells
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not within {LIVE_SECONDS} s: {what}") from None


@pytest.fixture
async def example_again(system: System) -> AsyncIterator[None]:
    """Whatever a test imports, the next one finds the example."""
    yield
    status, _, err = await system.command("import", str(EXAMPLE), "--replace")
    assert status == 0, err


@pytest.mark.usefixtures("example_again")
async def test_an_import_is_live_for_the_next_call_and_on_asterisk_without_a_restart(
    system: System, tmp_path: Path
) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(NEW, encoding="utf-8")
    asterisk, before = system.pid("asterisk"), (await system.command("export"))[1]
    await sipp.call(system, dialled="%2B495371990", source="127.0.0.6", expect=401)
    status, out, _ = await system.command("import", str(file), "--dry-run")
    assert (status, (await system.command("export"))[1]) == (0, before)
    assert "Nothing was changed." in out
    status, out, err = await system.command("import", str(file), "--author", "Lead", "--comment", "Sassenburg joins")
    assert status == 0, err
    version = int(re.findall(r"version (\d+) is live", out)[0])

    async def api_follows() -> bool:
        return bool((await system.get("/health/ready"))["table_version"] == version)

    async def asterisk_follows() -> bool:
        return "agent90" in await system.ami.command("queue show neu")

    async def fallback_follows() -> bool:
        return "gemeinde-sassenburg" in await system.ami.command("database show amtsleitung")

    await comes("the pages follow", api_follows)
    await comes("Asterisk has the new group", asterisk_follows)
    await comes("the fallback has the new number", fallback_follows)
    system.secrets = await system.store.device_secrets()
    async with sipp.telephone(system, "agent90", hang_up_after=0.1) as phone:
        start = len(system.ami.messages)
        await sipp.call(
            system, dialled="+49537199-0", caller="+493023125090", at=OPEN, source=sipp.DEMONSTRATION, expect=200
        )
        (received,) = system.ami.user_events("CallReceived", start=start)
        row = await system.ended_call(received["Uniqueid"])
        assert '"Gemeinde Sassenburg, Vermittlung, guten Tag."' in phone.invites[0]
    assert (row["tenant"], row["level"], row["agent"]) == ("gemeinde-sassenburg", "service", "agent90")
    assert row["table_version"] == version
    heard = await sipp.call(system, dialled="%2B49537199", source="127.0.0.6", expect=200)  # the new trunk is known
    assert heard.ear.loud
    assert system.pid("asterisk") == asterisk


@pytest.mark.usefixtures("example_again")
async def test_replace_takes_away_what_the_file_does_not_name(system: System, tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(NEW, encoding="utf-8")
    assert (await system.command("import", str(file)))[0] == 0
    status, out, err = await system.command("import", str(EXAMPLE), "--replace")
    assert status == 0, err
    exported = (await system.command("export"))[1]
    assert "sassenburg" not in exported
    again = tmp_path / "exported.yaml"
    again.write_text(exported, encoding="utf-8")
    status, out, _ = await system.command("import", str(again), "--replace")
    assert (status, "nothing differs from version" in out) == (0, True), out

    async def gone() -> bool:
        return "No such queue" in await system.ami.command("queue show neu")

    await comes("the group goes from Asterisk", gone)
    port = free_port(socket.SOCK_DGRAM)
    with pytest.raises(AssertionError, match="could not register"):
        await sipp.register(system, "agent90", "any", port=port)


async def test_an_import_with_a_problem_changes_nothing(system: System, tmp_path: Path) -> None:
    before = (await system.command("export"))[1]
    file = tmp_path / "bad.yaml"
    for text in ("format: 1\ntenants: [", NEW.replace("agent_group: neu", "agent_group: gone"), "\x00", ""):
        file.write_text(text, encoding="utf-8")
        status, out, err = await system.command("import", str(file))
        assert (status, out) == (1, ""), text
        assert str(file) in err
        assert "Traceback" not in err
    assert (await system.command("export"))[1] == before
