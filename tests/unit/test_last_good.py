# SPDX-License-Identifier: EUPL-1.2
"""The last good table on disk: what is kept is read again as the same table, and every fault is told in a sentence."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from routing.config.last_good import (
    FORMAT,
    Kept,
    LastGood,
    LastGoodError,
    NoLastGoodError,
    look_at_last_good,
    write_last_good,
)
from routing.core.compile import compile_table
from routing.core.rows import DidRow, IngressNumberRow, Rows
from routing.core.steps import finish
from routing.core.table import Table
from tests.support.tables import example_rows

MADE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEPT = datetime(2026, 11, 23, 9, 0, 5, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "last-good.jsonl"


def keep(path: Path, rows: Rows) -> None:
    write_last_good(path, rows, version=7, made_at=MADE, kept_at=KEPT)


def table_of(path: Path) -> Table:
    with LastGood(path) as file:
        return finish(file.table_steps())


def signed(lines: list[bytes]) -> bytes:
    """A file whose checksum is right, whatever stands in it."""
    text = b"".join(line + b"\n" for line in lines)
    return text + json.dumps({"sha256": hashlib.sha256(text).hexdigest()}).encode() + b"\n"


def changed(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines and sign them anew: a fault that no checksum finds."""
    path.write_bytes(signed(change(path.read_bytes().splitlines()[:-1])))


def with_head(**changes: object) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [json.dumps(json.loads(lines[0]) | changes).encode(), *lines[1:]]


def test_what_is_kept_is_read_again(path: Path) -> None:
    ingress = IngressNumberRow(number="+493023125001", tenant="stadt-wolfsburg", service_line="vermittlung")
    rows = example_rows(ingress_numbers=(ingress,))
    keep(path, rows)
    expected, found = compile_table(rows, version=7), table_of(path)
    assert (found.version, found.rows, found.index) == (7, expected.rows, expected.index)
    assert found.announcements == expected.announcements
    assert look_at_last_good(path) == Kept(
        version=7, made_at=MADE, kept_at=KEPT, rows=len(rows.all()), numbers=len(rows.number_blocks + rows.dids) + 1
    )


def test_an_empty_configuration_is_one_too(path: Path) -> None:
    keep(path, Rows())
    assert len(table_of(path).numbers) == 0


def test_it_is_its_owners_alone_and_nothing_is_left_beside_it(path: Path) -> None:
    keep(path, example_rows())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_who_has_opened_it_reads_what_was_there(path: Path) -> None:
    keep(path, example_rows())
    with LastGood(path) as file:
        keep(path, Rows())
        assert len(finish(file.table_steps()).lines) == len(example_rows().service_lines)


def test_a_failure_leaves_the_file_as_it_was(path: Path) -> None:
    keep(path, example_rows())
    before = path.read_bytes()
    broken = Rows(dids=(DidRow(head_number="+49536128", extension="0", tenant="a", service_line="b"), None))  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        keep(path, broken)
    assert path.read_bytes() == before
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_missing_file_is_no_fault_of_its_own(path: Path) -> None:
    with pytest.raises(NoLastGoodError, match="There is no last good table at"):
        LastGood(path)


def test_a_file_that_may_not_be_read_says_so(path: Path) -> None:
    path.mkdir()
    with pytest.raises(LastGoodError, match="cannot be read"):
        LastGood(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_cut_off_says_so(path: Path, share: float) -> None:
    keep(path, example_rows())
    text = path.read_bytes()
    path.write_bytes(text[: int(len(text) * share)])
    with pytest.raises(LastGoodError, match="cut off"):
        LastGood(path)


def test_a_file_cut_off_at_any_byte_is_never_used(path: Path) -> None:
    keep(path, Rows(tenants=example_rows().tenants[:1]))
    text = path.read_bytes()
    for length in range(len(text) - 1):  # without its last newline it is still whole
        path.write_bytes(text[:length])
        with pytest.raises(LastGoodError):
            LastGood(path)


def test_one_wrong_bit_anywhere_is_found(path: Path) -> None:
    keep(path, Rows(tenants=example_rows().tenants[:1]))
    text = path.read_bytes()
    for place in range(len(text)):
        path.write_bytes(text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :])
        with pytest.raises(LastGoodError):
            table_of(path)


def test_a_wrong_checksum_says_so(path: Path) -> None:
    keep(path, example_rows())
    path.write_bytes(path.read_bytes().replace(b"Stadt Wolfsburg", b"Stadt Wolfsberg"))
    with pytest.raises(LastGoodError, match="damaged: its checksum is wrong"):
        LastGood(path)


def test_a_newer_format_says_so(path: Path) -> None:
    keep(path, example_rows())
    changed(path, with_head(format=FORMAT + 1))
    with pytest.raises(LastGoodError, match=f"has format {FORMAT + 1}, and this program reads {FORMAT}"):
        LastGood(path)


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"x", b"[]\n", b"{}\n", b'{"format": "x"}\n', b"\xff" * 9000, b"[" * 9000]
)
def test_another_file_says_that_it_is_none(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    with pytest.raises(LastGoodError, match="does not begin as a last good table does"):
        LastGood(path)


def test_a_time_without_an_offset_is_not_taken(path: Path) -> None:
    keep(path, example_rows())
    changed(path, with_head(made_at="2026-11-23T09:00:00"))
    with pytest.raises(LastGoodError, match="does not begin as"):
        LastGood(path)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b'["tenants",{"slug":"x"}]', "the field 'name' is missing"),
        (b'["tenants",{"slug":"x","name":"X","colour":1}]', "unknown field 'colour'"),
        (b'["tenants"]', "holds no row"),
        (b"7", "holds no row"),
        (b"\xff", "holds no row"),
        (b'["dids",{}]', "holds a row of 'dids' where none may stand"),
        (b'["others",{}]', "holds a row of 'others' where none may stand"),
    ],
)
def test_a_line_that_is_no_row_is_named(path: Path, line: bytes, sentence: str) -> None:
    keep(path, example_rows())
    changed(path, lambda lines: [lines[0], line, *lines[2:]])
    with pytest.raises(LastGoodError, match=r"line 2") as caught:
        table_of(path)
    assert sentence in str(caught.value)


def test_rows_that_do_not_compile_are_told(path: Path) -> None:
    keep(path, replace(example_rows(), agent_groups=()))
    with pytest.raises(LastGoodError, match=r"does not compile, so it is not used: .*there is no agent group"):
        table_of(path)
