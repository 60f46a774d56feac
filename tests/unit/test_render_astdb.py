# SPDX-License-Identifier: EUPL-1.2
"""The fallback's data: its layout, its bounds, its days. That it decides as the service does: a system test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi.render.astdb import (
    COMING_DAYS,
    DAYS_BACK,
    MAXIMUM_DISPLAY_BYTES,
    MAXIMUM_VALUE_BYTES,
    astdb_values,
    encoded_display,
)
from agi.render.settings import RenderError
from routing.core.compile import compile_table
from routing.core.rows import AgentGroupRow, DidRow, NoticeRow, OverrideRow, ServiceLineRow, StepRow
from tests.support.fallback_rows import CENTRE, fallback_rows
from tests.support.tables import BERLIN, OPEN_AT, example_rows, example_table

MAXIMUM_KEY_BYTES = 200  # Asterisk's 256, less family and generation
TODAY = int(OPEN_AT.timestamp()) // 86_400
LINE = "samtgemeinde-isenbuettel/vermittlung"


def unix(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=BERLIN).timestamp())  # type: ignore[misc, arg-type]


def days(values: dict[str, str], line: str = LINE) -> dict[int, list[list[str]]]:
    """Day → its stretches' fields."""
    found: dict[int, list[list[str]]] = {}
    for key, text in values.items():
        if key.startswith(f"day/{line}/"):
            day = int(key.split("/")[3])
            found.setdefault(day, []).extend(entry.split(":") for entry in text.split("~"))
    return found


def test_layout_of_the_example() -> None:
    values = astdb_values(example_table(version=9), at=OPEN_AT)
    start = unix(2014, 10, 1)
    assert values["version"] == "9"
    assert values["wildcards"] == "0~3"
    assert values["number/49537289500/1"] == "0:99999999999:line:samtgemeinde-meinersen:einwohnermeldewesen"
    assert values["number/49537289XXX/1"] == f"{start}:99999999999:desk:samtgemeinde-meinersen:rathaus-meinersen"
    assert values["origin/5372/1"] == "0:99999999999:member:line:samtgemeinde-meinersen:115"
    assert values["origin/neutral/1"] == "0:99999999999:member:line:behoerdennummer-115:115"
    assert "unknown" not in values
    seven, eighteen, midnight = unix(2026, 11, 23, 7), unix(2026, 11, 23, 18), unix(2026, 11, 23, 1)
    assert values[f"day/{LINE}/{TODAY}/1"] == (
        f"{midnight}:{seven}:outside_hours:1:~{seven}:{eighteen}:open:2:"
        f"~{eighteen}:{midnight + 86_400}:outside_hours:1:"
    )
    assert values[f"plan/{LINE}/1"] == "forward::::::493023125100:carrier:30::"
    assert values[f"plan/{LINE}/2"] == (
        "enter_queue:allgemein:samtgemeinde-isenbuettel--vermittlung--greeting:0:600::::::"
    )
    assert f"chain/{LINE}/2" not in values
    assert unquote(values[f"display/{LINE}/2"]) == "Samtgemeinde Isenbüttel: Vermittlung"


def test_everything_that_a_plan_can_hold() -> None:
    line = ServiceLineRow(
        tenant="stadt-wolfsburg", name="vermittlung", title="V", opening_hours="service", agent_group="allgemein",
        priority=4, maximum_wait_seconds=240, after_closing_minutes=15,
        overflow=(
            StepRow(kind="agent_group", when=("timeout",), after_seconds=90, agent_group="springer"),
            StepRow(kind="announcement", when=("expected_wait",), over_seconds=300, text="Es dauert."),
        ),
    )  # fmt: skip
    notices = tuple(
        NoticeRow(name=name, title=name, announcement_text="Hinweis.", valid_from=OPEN_AT,
                  valid_to=OPEN_AT + timedelta(hours=1))
        for name in ("a", "b")
    )  # fmt: skip
    rows = example_rows()
    others = tuple(row for row in rows.service_lines if (row.tenant, row.name) != (line.tenant, line.name))
    groups = (*rows.agent_groups, AgentGroupRow(name="springer", title="S"))
    table = example_table(
        service_lines=(*others, line), notices=notices, agent_groups=groups, centre=(CENTRE_OF_EXAMPLE,)
    )
    values = astdb_values(table, at=OPEN_AT)
    name = "stadt-wolfsburg--vermittlung"
    stretch = next(entry for entry in days(dict(values), "stadt-wolfsburg/vermittlung")[TODAY] if "notice" in entry[2])
    assert stretch == [
        str(unix(2026, 11, 23, 10)), str(unix(2026, 11, 23, 11)), "open.notice", stretch[3],
        str(unix(2026, 11, 23, 18, 15)),
    ]  # fmt: skip
    assert values[f"plan/stadt-wolfsburg/vermittlung/{stretch[3]}"] == (
        f"enter_queue:allgemein:{name}--greeting:4:90:300::::{name}--closing:notice--a~notice--b"
    )
    assert values[f"chain/stadt-wolfsburg/vermittlung/{stretch[3]}"] == (
        f"t~q~springer~240~300.w~a~{name}--overflow-2:-~a~{name}--closed"
    )
    assert values["unknown"] == "stadt-wolfsburg:vermittlung"


CENTRE_OF_EXAMPLE = replace(CENTRE, unknown_number_service_line="vermittlung")


def test_every_line_has_every_day_without_a_gap() -> None:
    table = compile_table(fallback_rows(), version=1)
    values = dict(astdb_values(table, at=OPEN_AT))
    for tenant, name in table.lines:
        found = days(values, f"{tenant}/{name}")
        assert sorted(found) == list(range(TODAY - DAYS_BACK, TODAY + COMING_DAYS))
        for day, entries in found.items():
            assert (int(entries[0][0]), int(entries[-1][1])) == (day * 86_400, (day + 1) * 86_400)
            assert all(one[1] == other[0] for one, other in pairwise(entries))
            for entry in entries:
                assert (entry[3] == "") == (f"plan/{tenant}/{name}/{entry[3]}" not in values)


def test_a_line_that_is_not_served_has_stretches_without_a_plan() -> None:
    start = OPEN_AT + timedelta(seconds=90)
    lines = tuple(replace(row, valid_from=start) for row in example_rows().service_lines)
    values = dict(astdb_values(example_table(service_lines=lines), at=OPEN_AT))
    found = days(values)
    assert {entry[3] for entry in found[TODAY - 1]} == {""}
    first, second, *_ = found[TODAY]
    assert (first[1], first[3], second[2]) == (str(int(start.timestamp())), "", "open")


def test_a_fraction_of_a_second_does_not_open_early() -> None:
    start = OPEN_AT.replace(microsecond=1)
    override = OverrideRow(
        name="storm", opens=False, reason="r", author="a", valid_from=start, valid_to=start + timedelta(hours=1)
    )
    values = dict(astdb_values(example_table(overrides=(override,)), at=OPEN_AT))
    stretch = next(entry for entry in days(values)[TODAY] if entry[2] == "override_closed")
    assert stretch[0] == str(int(OPEN_AT.timestamp()) + 1)


def test_dated_meanings_are_all_kept() -> None:
    change = datetime(2026, 1, 1, tzinfo=UTC)
    ours = DidRow(head_number="+49537289", extension="7", tenant="samtgemeinde-meinersen", service_line="vermittlung")
    dids = (replace(ours, valid_to=change), replace(ours, tenant="stadt-wolfsburg", valid_from=change))
    values = astdb_values(example_table(dids=(*example_rows().dids, *dids)), at=OPEN_AT)
    seconds = int(change.timestamp())
    assert values["number/495372897/1"] == f"0:{seconds}:line:samtgemeinde-meinersen:vermittlung"
    assert values["number/495372897/2"] == f"{seconds}:99999999999:line:stadt-wolfsburg:vermittlung"


def test_a_day_of_many_changes_is_continued_in_further_values() -> None:
    overrides = tuple(
        OverrideRow(
            name=f"o{number}", opens=bool(number % 2), reason="r", author="a",
            valid_from=OPEN_AT + timedelta(minutes=number), valid_to=OPEN_AT + timedelta(minutes=number + 1),
        )
        for number in range(60)
    )  # fmt: skip
    values = dict(astdb_values(example_table(overrides=overrides), at=OPEN_AT))
    assert f"day/{LINE}/{TODAY}/3" in values
    entries = days(values)[TODAY]
    assert all(one[1] == other[0] for one, other in pairwise(entries))
    assert len(entries) > 60


def test_more_notices_than_a_value_holds_leave_the_last_ones_out() -> None:
    notices = tuple(
        NoticeRow(name=f"{'n' * 37}-{number:02}", title="n", announcement_text="Hinweis.", valid_from=OPEN_AT,
                  valid_to=OPEN_AT + timedelta(hours=1))
        for number in range(30)
    )  # fmt: skip
    values = astdb_values(example_table(notices=notices), at=OPEN_AT)
    longest = max((text for key, text in values.items() if key.startswith("plan/")), key=len)
    assert MAXIMUM_VALUE_BYTES - 50 < len(longest) <= MAXIMUM_VALUE_BYTES
    assert longest.split(":")[-1].split("~")[-1] == f"notice--{'n' * 37}-{longest.count('~'):02}"


def test_keys_and_values_fit_and_are_plain() -> None:
    rows = fallback_rows()
    name = "x" * 40
    tenants = tuple(replace(row, name="ü" * 80) for row in rows.tenants)
    lines = tuple(replace(row, title="x" * 80) for row in rows.service_lines)
    longest = replace(lines[0], name=name)
    table = compile_table(replace(rows, tenants=tenants, service_lines=(*lines, longest), centre=(CENTRE,)), version=1)
    for key, text in astdb_values(table, at=OPEN_AT).items():
        assert len(key.encode()) <= MAXIMUM_KEY_BYTES
        assert len(text.encode()) <= MAXIMUM_VALUE_BYTES
        assert (key + text).isascii()
        assert (key + text).isprintable()
        assert " " not in key


def test_a_value_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agi.render.astdb.MAXIMUM_VALUE_BYTES", 20)
    with pytest.raises(RenderError, match="longer than 20 bytes"):
        astdb_values(example_table(), at=OPEN_AT)


@given(st.text(max_size=400))
def test_a_display_is_cut_between_characters(text: str) -> None:
    try:
        encoded = encoded_display(text)
    except UnicodeEncodeError:
        return  # lone surrogates are no text
    assert len(encoded) <= MAXIMUM_DISPLAY_BYTES
    assert text.startswith(unquote(encoded, errors="strict"))
    assert len(text) < 20 or encoded
