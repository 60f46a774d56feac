# SPDX-License-Identifier: EUPL-1.2
"""What a process does with memory that is free again, as the C library itself tells it."""

from __future__ import annotations

import re
import subprocess
import sys

_PROGRAM = """
import ctypes, sys, threading
from amtsleitung.allocation import give_memory_back
if sys.argv[1] == "sparing":
    give_memory_back()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
barrier = threading.Barrier(5)
def allocate():
    library.malloc(10_000)
    barrier.wait(10)
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads:
    thread.start()
barrier.wait(10)
for thread in threads:
    thread.join()
library.malloc_stats()
"""


def test_threads_share_one_arena() -> None:
    counts = {
        way: len(re.findall("^Arena ", subprocess.run(
            [sys.executable, "-c", _PROGRAM, way], capture_output=True, text=True, timeout=60, check=True
        ).stderr, re.MULTILINE))
        for way in ("usual", "sparing")
    }  # fmt: skip
    assert counts["sparing"] == 1
    assert counts["usual"] > 1
