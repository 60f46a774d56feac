# SPDX-License-Identifier: EUPL-1.2
"""Text for a terminal: no byte of it can steer one."""

from __future__ import annotations

import sys


def printable(line: str) -> str:
    """The line without what could steer a terminal, in characters that this terminal has."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    encoding = sys.stdout.encoding or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)
