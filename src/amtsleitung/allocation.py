# SPDX-License-Identifier: EUPL-1.2
"""How a process keeps memory that it does not use at the moment."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _ARENA_MAX = -1, -8  # malloc.h of the GNU C library
_KEPT_BYTES = 128 << 10


def give_memory_back() -> None:
    """What is free goes back to the system soon, and threads share one arena: before the first thread is started.

    For processes that now and then make much and drop it again, such as everything that Asterisk is told of a large
    table. It costs system calls where memory is freed, and does nothing where there is no GNU C library.
    """
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_ARENA_MAX, 1)
        library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
