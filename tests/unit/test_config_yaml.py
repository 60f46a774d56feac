# SPDX-License-Identifier: EUPL-1.2
"""Configuration files that are wrong, huge or hostile: one clear sentence each, with file and line, and quickly."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from routing.config import ConfigError, export_yaml, holiday_dates, read_file, read_yaml
from routing.config.document import MAXIMUM_BYTES, MAXIMUM_PROBLEMS, MAXIMUM_VALUES
from routing.core.rows import DidRow, Rows
from tests.support.tables import example_rows

HOURS = "format: 1\nopening_hours:\n  - name: x\n    weekly: {w}\n"
TENANT = "format: 1\ntenants:\n  - slug: x\n    name: X\n    {more}\n"
TRUNK = "format: 1\ntrunks:\n  - {{name: x, address: a, number_format: e164, {more}}}\n"


def problems_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_yaml(text, file="f.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f.yaml: file: the entry 'format' is missing"),
        ("# nothing\n", "f.yaml: file: the entry 'format' is missing"),
        ("hello", "f.yaml:1: file: expected entries of the form 'name: value'"),
        ("- 1", "f.yaml:1: file: expected entries of the form 'name: value'"),
        ("format: 2", "f.yaml:1: format '2' is unknown"),
        ("format:", "f.yaml:1: file: the entry 'format' is empty"),
        ("format: [1]", "f.yaml:1: format: expected one value"),
        ("format: 1\nformat: 1", "f.yaml:2: file: the entry 'format' occurs twice"),
        ("format: 1\ntenant: []", "f.yaml:2: file: unknown entry 'tenant'; known are format"),
        ("format: 1\n? [a]\n: 1", "f.yaml:2: file: an entry's name must be a plain word"),
        ("format: 1\n<<: {a: 1}", "unknown entry '<<'"),
        ("format: 1\n\ttenants: []", "f.yaml:2: this is not YAML"),
        ("format: 1\n---\nformat: 1", "f.yaml:2: this is not YAML: but found another document"),
        ("format: 1\ntenants: [", "f.yaml:3: this is not YAML"),
        ("a\x00b", "f.yaml: this is not YAML: unacceptable character"),
        ("\ud800", "f.yaml: this is not YAML"),
        ("%YAML 9.9\n---\nformat: 1", "f.yaml:1: this is not YAML"),
        ("format: *x", "f.yaml:1: anchors (&) and aliases (*) are not read here"),
        ("format: &x 1", "f.yaml:1: anchors (&) and aliases (*)"),
        ("&a [*a]", "anchors (&) and aliases (*)"),
        ("format: 1\ntenants: !!python/object/apply:os.system ['x']", "f.yaml:2: the tag 'tag:yaml.org,2002:python"),
        ("format: !!binary MQ==", "f.yaml:1: the tag 'tag:yaml.org,2002:binary' is not read here"),
        ("format: !mine 1", "f.yaml:1: the tag '!mine' is not read here"),
        ("format: 1\ntimezone: Mars/North", "f.yaml:2: timezone: 'Mars/North' is no IANA time zone"),
        ("format: 1\ntimezone: {a: 1}", "f.yaml:2: timezone: expected one value"),
        ("format: 1\ntenants: x", "f.yaml:2: tenants: expected a list"),
        ("format: 1\ntenants: {a: 1}", "f.yaml:2: tenants: expected a list"),
        ("format: 1\ntenants: [x]", "f.yaml:2: tenants: expected entries of the form"),
        ("format: 1\ntenants:\n  -\n", "f.yaml:3: tenants: the entry 'slug' is missing"),
        ("format: 1\ntenants:\n- {slug: , name: ~}", "f.yaml:3: tenants: the entry 'slug' is empty"),
        ("format: 1\ntenants:\n- {slug: [a], name: {}}", "f.yaml:3: tenants.slug: expected one value"),
        (HOURS.format(w=""), "f.yaml:4: opening_hours: the entry 'weekly' is empty"),
        (HOURS.format(w="[a]"), "f.yaml:4: weekly: expected entries of the form"),
        (HOURS.format(w="{funday: []}"), "f.yaml:4: weekly: unknown entry 'funday'"),
        (HOURS.format(w='{monday: "07:00-18:00"}'), "f.yaml:4: weekly.monday: expected a list"),
        *(
            (HOURS.format(w=f'{{monday: ["{window}"]}}'), "write a window as 07:00-18:00")
            for window in ("7-18", "07:00–18:00", "07:00-18:60", "07:00 - 18:00", "", "07.00-18.00", "٠٧:00-18:00")
        ),
        (HOURS.format(w="{}") + "    holidays: DE", "f.yaml:5: opening_hours.holidays: 'DE' names no state"),
        (HOURS.format(w="{}") + "    holidays: DE-XX", "'DE-XX' is no known holiday calendar"),
        (TENANT.format(more="valid_from: yesterday"), "f.yaml:5: tenants.valid_from: write a date as 2014-10-01"),
        (TENANT.format(more="valid_from: 2014-13-01"), "write a date as 2014-10-01"),
        (TENANT.format(more="valid_from: 2014-10-01T00:00"), "'2014-10-01T00:00' has no offset from UTC"),
        (TENANT.format(more="valid_to: [2014-10-01]"), "tenants.valid_to: expected one value"),
        (TENANT.format(more="number_blocks: [{head_number: x, desks: {digits: three}}]"), "expected a whole number"),
        (TENANT.format(more="number_blocks: [{head_number: x, desks: {digits: -3}}]"), "expected a whole number"),
        (TENANT.format(more="number_blocks: [{head_number: x, desks: {digits: 3e9}}]"), "expected a whole number"),
        (TENANT.format(more="number_blocks: [{head_number: x, desks: {digits: ³}}]"), "expected a whole number"),
        (TENANT.format(more=f"number_blocks: [{{head_number: x, desks: {{digits: {'9' * 5000}}}}}]"), "whole number"),
        (TENANT.format(more="number_blocks: [{head_number: x, extensions: [a]}]"), "expected entries of the form"),
        (
            TENANT.format(more='number_blocks: [{head_number: x, extensions: {"0": }}]'),
            "extensions: expected one value",
        ),
        (TENANT.format(more='number_blocks: [{head_number: x, extensions: {"0": a, "0": b}}]'), "'0' occurs twice"),
        (TENANT.format(more='number_blocks: [{head_number: x, extensions: {"0": [[a]]}}]'), "expected entries"),
        (TRUNK.format(more="demonstration: yes"), "f.yaml:3: trunks.demonstration: write true or false, not 'yes'"),
        (TRUNK.format(more="has_other_route: 1"), "write true or false, not '1'"),
        (TRUNK.format(more="password: x"), "trunks: unknown entry 'password'"),
        ("format: 1\nauthority_number: [a]", "f.yaml:2: authority_number: expected entries"),
        ("format: 1\nauthority_number: {neutral: x}", "authority_number.neutral: expected entries"),
    ],
    ids=lambda value: value[-40:].encode("ascii", "replace").decode(),
)
def test_a_wrong_file_says_where_and_why(text: str, problem: str) -> None:
    assert problem in problems_of(text)


def test_all_problems_are_listed_in_order_up_to_a_hundred() -> None:
    assert problems_of("format: 2\na: 1\nb: 2").count("\n") == 2
    text = "format: 1\ntenants:\n" + "- x\n" * 1000
    assert problems_of(text).count("\n") == MAXIMUM_PROBLEMS - 1


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "\n".join(" " * depth + "a:" for depth in range(1000)),
        "format: 1\ntenants: " + "[" * 21 + "]" * 21,
    ],
)
def test_deep_nesting_ends_early(text: str) -> None:
    assert "levels deep" in problems_of(text)


def test_a_bomb_of_aliases_and_a_flood_of_values_end_early() -> None:
    laughs = "a: &a [l,l,l,l,l,l,l,l,l]\n"
    laughs += "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    assert "aliases (*)" in problems_of(laughs)
    assert f"more than {MAXIMUM_VALUES} values" in problems_of(f"format: 1\ntenants: [{'a,' * MAXIMUM_VALUES}]")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("format: 1".encode("utf-16"), "is not UTF-8 text: save it as UTF-8"),
        ("format: 1".encode("utf-16-le"), "this is not YAML"),
        ("name: Isenbüttel".encode("latin-1"), "is not UTF-8 text"),
        (bytes(range(256)), "is not UTF-8 text"),
        (b"\x7fELF\x02\x01\x01\x00", "this is not YAML"),
        (b"#" * (MAXIMUM_BYTES + 1), "is larger than 4 MiB: split the file"),
    ],
    ids=["utf-16", "utf-16-le", "latin-1", "binary", "elf", "huge"],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=problem) as caught:
        read_file(path)
    assert str(caught.value).startswith(f"{path}:")


def test_a_byte_order_mark_is_forgiven(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfformat: 1\r\n")
    assert read_file(path) == Rows()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, problem in (
        (tmp_path, "Is a directory"),
        (tmp_path / "no", "No such file"),
        (Path("/dev/zero"), "larger"),
    ):
        with pytest.raises(ConfigError, match=problem):
            read_file(path)


def test_a_sparse_file_of_fifty_mebibytes_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.touch()
    os.truncate(path, 50 * 2**20)
    with pytest.raises(ConfigError, match="larger than 4 MiB"):
        read_file(path)


def test_scalars_are_text_as_written() -> None:
    text = "format: 1\nagent_groups:\n- {name: 0115, title: 2014-10-01}\n- {name: 1e3, title: yes}\n"
    text += "- {name: 0x1F, title: 1_0}"
    assert [(row.name, row.title) for row in read_yaml(text, file="f").agent_groups] == [
        ("0115", "2014-10-01"),
        ("1e3", "yes"),
        ("0x1F", "1_0"),
    ]


def test_a_date_is_midnight_in_the_files_zone_and_an_instant_speaks_for_itself() -> None:
    text = TENANT.format(more="valid_from: 2014-10-01\n    valid_to: 2015-01-01T00:00Z")
    tenant = read_yaml(text, file="f").tenants[0]
    assert tenant.valid_from == datetime(2014, 9, 30, 22, tzinfo=UTC)
    assert tenant.valid_to == datetime(2015, 1, 1, tzinfo=UTC)
    moved = read_yaml(text.replace("format: 1", "format: 1\ntimezone: America/St_Johns"), file="f").tenants[0]
    assert moved.valid_from is not None
    assert moved.valid_from.utcoffset() == timedelta(hours=-2, minutes=-30)


def test_an_extension_of_another_tenant_is_written_and_read() -> None:
    other = DidRow(head_number="+49537289", extension="700", tenant="stadt-wolfsburg", service_line="vermittlung")
    rows = Rows(
        tenants=example_rows().tenants,
        number_blocks=example_rows().number_blocks,
        dids=(*example_rows().dids, other),
    )
    assert other in read_yaml(export_yaml(rows), file="f").dids


def test_holidays_are_of_lower_saxony_and_named_in_german() -> None:
    dates = dict(holiday_dates("DE-NI"))
    assert {day.isoformat()[5:]: name for day, name in dates.items() if day.year == 2026} == {
        "01-01": "Neujahr",
        "04-03": "Karfreitag",
        "04-06": "Ostermontag",
        "05-01": "Erster Mai",
        "05-14": "Christi Himmelfahrt",
        "05-25": "Pfingstmontag",
        "10-03": "Tag der Deutschen Einheit",
        "10-31": "Reformationstag",
        "12-25": "Erster Weihnachtstag",
        "12-26": "Zweiter Weihnachtstag",
    }
    for calendar in ("", "DE", "DE-", "-NI", "de-NI", "DE-XX", "XX-NI", "__doc__-x", "country_holidays-NI", "\udcff-x"):
        with pytest.raises(ValueError, match="such as DE-NI"):
            holiday_dates(calendar)
