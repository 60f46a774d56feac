# SPDX-License-Identifier: EUPL-1.2
"""The fault matrix's own parts: rows, SIPp's log, the judgement, the document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.faults.document import Seen, document
from tests.support.faults.row import ROWS, Row, all_rows, read_row
from tests.support.faults.storm import read_told

GOOD = """
title = "Service: nobody"
injects = "a"
expects = "b"
levels = ["astdb"]
lost = 0
quick = true
"""
ROW = Row(name="x_y", title="Service: nobody", injects="a", expects="b", levels=("astdb",), lost=0, quick=True)


def test_every_folder_is_a_row_with_a_test_or_a_reason() -> None:
    folders = {path.name for path in ROWS.iterdir() if path.is_dir() and path.name != "__pycache__"}
    rows = all_rows()
    assert {row.name for row in rows} == folders
    for row in rows:
        assert (ROWS / row.name / "test_row.py").exists() is not bool(row.open), row.name
    assert len({row.title for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("lost = 0", ""), "exactly the keys"),
        (("lost = 0", "lost = 0\nmore = 1"), "more"),
        (("quick = true", 'quick = "yes"'), "quick must be of the type bool"),
        (('"astdb"', '"mysql"'), "no levels ['mysql']"),
        (("title =", "title"), "row.toml"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    (tmp_path / "row.toml").write_text(GOOD.replace(*change))
    with pytest.raises(ValueError, match=r"row\.toml") as caught:
        read_row(tmp_path)
    assert said in str(caught.value)


def test_a_row_is_read(tmp_path: Path) -> None:
    (tmp_path / "row.toml").write_text(GOOD)
    assert read_row(tmp_path) == replace(ROW, name=tmp_path.name)


LOG = """----------------------------------------------- 2026-11-25 02:06:14.900000
UDP message sent (579 bytes):

INVITE sip:1@x SIP/2.0
From: <sip:03023125001@127.0.0.3>;tag=1
Call-ID: a
CSeq: 1 INVITE

----------------------------------------------- 2026-11-25 02:06:14.901000
UDP message received [312] bytes :

SIP/2.0 100 Trying
Call-ID: a
CSeq: 1 INVITE

----------------------------------------------- 2026-11-25 02:06:14.950000
UDP message received [723] bytes :

SIP/2.0 180 Ringing
Call-ID: a
CSeq: 1 INVITE

----------------------------------------------- 2026-11-25 02:06:15.900000
UDP message received [723] bytes :

SIP/2.0 200 OK
Call-ID: a
CSeq: 1 INVITE

----------------------------------------------- 2026-11-25 02:06:15.950000
UDP message received [723] bytes :

SIP/2.0 481 Gone
Call-ID: a
CSeq: 2 BYE

----------------------------------------------- 2026-11-25 02:06:16.000000
UDP message sent (579 bytes):

INVITE sip:1@x SIP/2.0
From: <sip:03023125002@127.0.0.3>;tag=1
Call-ID: b
CSeq: 1 INVITE

"""


def test_sipps_log_says_who_waited_how_long_for_what() -> None:
    told = dict(read_told(LOG))
    assert told.keys() == {"03023125001", "03023125002"}
    assert (told["03023125001"].code, round(told["03023125001"].waited_ms or 0)) == (200, 50)
    assert (told["03023125002"].code, told["03023125002"].waited_ms) == (None, None)


def test_the_document_says_what_was_seen_what_was_not_run_and_what_is_open() -> None:
    seen = Seen()
    seen.take(
        {"passed": True, "calls": 2, "lost": 0, "levels": {"astdb": 2}, "waited_ms": [3.0, 9.4], "more": {"a_s": 1.5}}
    )
    seen.take({"passed": True, "calls": 1, "lost": 0, "levels": {"service": 1}, "waited_ms": [5.2]})
    rows = [
        ROW,
        replace(ROW, name="x_z", title="Service: other"),
        replace(ROW, name="a_b", title="SIP: no", open="why"),
    ]
    text = document(rows, {"x_y": seen})
    assert "| nobody ⚡ | a | b | 0 (0) | service 1, astdb 2 | 5 / 9 | a s 1.5 | yes |" in text
    assert "| other ⚡ | a | b |  |  |  |  | **not run** |" in text
    assert "- **SIP: no**: why" in text


def test_a_row_that_failed_does_not_hold() -> None:
    seen = Seen()
    seen.take({"row": "x_y", "passed": False})
    assert "**no**" in document([ROW], {"x_y": seen})
