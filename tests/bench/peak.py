# SPDX-License-Identifier: EUPL-1.2
"""``python -m tests.bench.peak WORD …``: runs a command and says the most memory it used, in KiB.

A process of its own, for a child's memory begins with that of whoever forked it: this one is small.
"""

from __future__ import annotations

import os
import subprocess
import sys


def _main(words: list[str]) -> int:
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    sys.stdout.write(f"{usage.ru_maxrss}\n")
    return process.returncode


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
