# SPDX-License-Identifier: EUPL-1.2
"""The colours of the pages meet WCAG 2.1 AA: 4.5 to 1 for text, 3 to 1 for marks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import api

_STYLE = (Path(api.__file__).parent / "static" / "style.css").read_text(encoding="utf-8")
_COLOURS = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", _STYLE))


def _luminance(colour: str) -> float:
    # https://www.w3.org/TR/WCAG21/#dfn-relative-luminance
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(_COLOURS[one]), _luminance(_COLOURS[other])))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("ground", ["paper", "ground", "ring-soft", "talk-soft", "lost-soft"])
@pytest.mark.parametrize("text", ["ink", "quiet"])
def test_text_is_readable(text: str, ground: str) -> None:
    assert _contrast(text, ground) >= 4.5


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ring", "paper"),
        ("talk", "paper"),
        ("lost", "paper"),
        ("lost", "ground"),
        ("lost", "lost-soft"),
        ("link", "paper"),
        ("link", "ground"),
        ("brand", "paper"),
    ],
)
def test_coloured_text_is_readable(text: str, ground: str) -> None:
    assert _contrast(text, ground) >= 4.5
