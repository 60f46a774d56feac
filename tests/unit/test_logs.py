# SPDX-License-Identifier: EUPL-1.2
"""A line of the log is one line of harmless text, whatever callers sent."""

from __future__ import annotations

import pytest
import structlog

from amtsleitung.logs import configure_logs, flush_logs


@pytest.mark.parametrize("character", [*map(chr, range(0x20)), "\x7f", "\x85", "\x9b", "\u2028"])
def test_no_character_ends_a_line_or_steers_a_terminal(capfd: pytest.CaptureFixture[str], character: str) -> None:
    configure_logs()
    structlog.get_logger().info("call", personal_dialled=f"05372{character}89-0")
    flush_logs()
    (line,) = capfd.readouterr().err.removesuffix("\n").split("\n")
    assert character not in line
    assert line.isprintable()
    assert "05372\\" in line


def test_other_characters_stay(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    structlog.get_logger().info("call", personal_dialled="Bürgerbüro", seconds=1)
    flush_logs()
    assert "personal_dialled=Bürgerbüro seconds=1\n" in capfd.readouterr().err
