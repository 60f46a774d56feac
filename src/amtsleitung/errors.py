# SPDX-License-Identifier: EUPL-1.2
"""The one exception that a user sees: a sentence, with the place and the remedy."""

from __future__ import annotations


class Problem(Exception):
    """Something the user can understand and mend; the command line prints it and exits.

    ``str(problem)`` is one sentence or two: what is wrong, where, and what to do.
    ``exit_code`` is the process's exit status (1 unless told; 2 for wrong usage).
    """

    def __init__(self, sentence: str, *, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
