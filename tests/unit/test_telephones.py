# SPDX-License-Identifier: EUPL-1.2
"""SIPp's scenarios: nothing left blank, and no two runs alike on the wire."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from amtsleitung.telephones.sipp import SCENARIOS, filled_in

FILES = sorted(SCENARIOS.glob("*.xml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_branch_of_a_run_bears_its_mark(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    first, second = (filled_in(text, {}, mark=mark) for mark in ("first", "second"))
    branches = re.findall(r"branch=(.*)", first)
    assert branches
    assert all(branch.endswith("-first") for branch in branches)
    assert not set(branches) & set(re.findall(r"branch=(.*)", second))


def test_a_branch_of_an_earlier_message_stays_that_messages_own() -> None:
    filled = filled_in("branch=[branch] @WHAT@ branch=[branch-5]", {"WHAT": "then"}, mark="m")
    assert filled == "branch=[branch]-m then branch=[branch-5]-m"
