# SPDX-License-Identifier: EUPL-1.2
"""Long work that can be put down: a generator that stops after every small step and returns what it made.

Whoever has nothing else to do finishes it at once; a process that answers calls takes it in slices between them.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]
"""Each step takes well below a millisecond."""


def finish(steps: Steps[T]) -> T:
    """All steps at once. Raises what they raise."""
    try:
        while True:
            next(steps)
    except StopIteration as done:
        made: T = done.value
        return made
