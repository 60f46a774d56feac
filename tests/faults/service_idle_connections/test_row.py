# SPDX-License-Identifier: EUPL-1.2
"""Five thousand silent connections, ten times as many as the service takes: it closes them, and they come again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.faults.replaced import replaced_service
from tests.support.faults.service_scene import ServiceScene, address_of
from tests.support.faults.verdict import MORE_DESCRIPTORS, Verdict, usage
from tests.support.living import python, until

pytestmark = pytest.mark.system

CONNECTIONS = 5_000
# A process of its own, so that the callers are not slowed by it. Every second what was closed is opened again.
_IDLE = """
import asyncio, resource, sys
host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, count + 100), most))
opened = 0
class Idle(asyncio.Protocol):
    def connection_made(self, transport):
        global opened
        opened += 1
        living.add(self)
    def connection_lost(self, error):
        living.discard(self)
living = set()
async def one(loop):
    try:
        await loop.create_connection(Idle, host, port)
    except OSError:
        pass
async def main():
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.gather(*(one(loop) for _ in range(count - len(living))))
        print("opened", opened, flush=True)
        await asyncio.sleep(1)
asyncio.run(main())
"""


def opened(output: Path) -> int:
    """How many connections were made so far."""
    return max(map(int, re.findall(r"opened (\d+)", output.read_text())), default=0)


async def test_row(scene: ServiceScene, verdict: Verdict, tmp_path: Path) -> None:
    async with replaced_service(scene) as service:
        await scene.calls(scene.mixed(4))
        host, port = address_of(service.lives[0])
        before = usage(service.pid).descriptors
        verdict.begin(scene.pbx)
        output = tmp_path / "idle"
        async with python(_IDLE, host, str(port), str(CONNECTIONS), output=output):
            await until(lambda: opened(output) >= CONNECTIONS, "the connections", 60)
            verdict.add(await scene.calls(scene.mixed(60), rate=12))
        await service.ready()  # on a machine with nothing left its watchdog may have ended it
        verdict.add(await scene.calls(scene.mixed(10)))
        verdict.more |= {"connections": opened(output), "ended_by_watchdog": len(service.lives) - 1}
        await verdict.check()
        await until(lambda: usage(service.pid).descriptors <= before + MORE_DESCRIPTORS, "no descriptor is left over")
    assert "service" in [call.level for call in verdict.calls[-10:]], "it has recovered"
