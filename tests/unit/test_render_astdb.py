# SPDX-License-Identifier: EUPL-1.2
"""The fallback's data: its layout, its bounds, its days. That it decides as the service does: a system test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agi.render.astdb import COMING_DAYS, DAYS_BACK, AstDbContent, AstDbRenderer, astdb_content
from agi.render.astdb_days import MAXIMUM_DISPLAY_BYTES, PERIOD_DAYS, encoded_display, period_of, period_start
from agi.render.astdb_items import MAXIMUM_VALUE_BYTES
from agi.render.settings import RenderError
from routing.core.compile import compile_table
from routing.core.rows import AgentGroupRow, DidRow, NoticeRow, OverrideRow, ServiceLineRow, StepRow
from tests.support.fallback_rows import CENTRE, fallback_rows
from tests.support.tables import BERLIN, OPEN_AT, example_rows, example_table

MAXIMUM_KEY_BYTES = 200  # Asterisk's 256, less family and generation
LINE = "samtgemeinde-isenbuettel/vermittlung"


def unix(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=BERLIN).timestamp())  # type: ignore[misc, arg-type]


class Values:
    """The content as the fallback finds it: from names to what stands behind the digests."""

    def __init__(self, content: AstDbContent) -> None:
        self.flat = dict(content.flat("1"))
        self.generation = content.generation

    def text(self, digest: str, name: str = "") -> str:
        return self.flat.get(f"text/{digest}{name}", "")

    def entry(self, block: str, key: str) -> str:
        assert self.text(block).isdecimal()
        return self.flat.get(f"block/{block}/{key}", "")

    def number(self, digits: str, count: int = 1) -> str:
        return self.entry(self.entry(self.generation["numbers"], digits[-2:]), f"{digits}/{count}")

    def texts(self, line: str = LINE) -> tuple[int, list[str]]:
        """The number of its first period, and its digests."""
        tenant, name = line.split("/")
        first, _, digests = self.entry(self.generation[f"tenant/{tenant}"], name).partition(":")
        return int(first), digests.split("~")

    def stretches(self, line: str = LINE) -> list[list[str]]:
        """The fields of all that was written for the line, in order."""
        found = []
        for digest in self.texts(line)[1]:
            parts = [self.text(digest)]
            while text := self.text(digest, f"-{len(parts) + 1}"):
                parts.append(text)
            found += [entry.split(":") for part in parts for entry in part.split("~")]
        return found

    def around(self, at: datetime, line: str = LINE) -> list[str]:
        second = at.timestamp()
        return next(entry for entry in self.stretches(line) if int(entry[0]) <= second < int(entry[1]))


def test_layout_of_the_example() -> None:
    values = Values(astdb_content(example_table(version=9), at=OPEN_AT))
    start = unix(2014, 10, 1)
    assert (values.flat["1/version"], values.flat["1/wildcards"], values.flat["current"]) == ("9", "0~3", "1")
    assert list(values.flat)[-1] == "current"
    assert values.number("49537289500") == "0:99999999999:line:samtgemeinde-meinersen:einwohnermeldewesen"
    assert values.number("49537289XXX") == f"{start}:99999999999:desk:samtgemeinde-meinersen:rathaus-meinersen"
    origins = values.generation["origins"]
    assert values.entry(origins, "5372/1") == "0:99999999999:member:line:samtgemeinde-meinersen:115"
    assert values.entry(origins, "neutral/1") == "0:99999999999:member:line:behoerdennummer-115:115"
    assert "unknown" not in values.generation
    seven, eighteen = unix(2026, 11, 23, 7), unix(2026, 11, 23, 18)
    opened = values.around(OPEN_AT)
    assert opened == [str(seven), str(eighteen), "open", opened[3], ""]
    shut = values.around(datetime(2026, 11, 23, 18, tzinfo=BERLIN))
    assert shut == [str(eighteen), str(seven + 86_400), "outside_hours", shut[3], ""]
    assert values.text(shut[3]) == "forward::::::493023125100:carrier:30::"
    assert values.text(opened[3]) == (
        "enter_queue:allgemein:samtgemeinde-isenbuettel--vermittlung--greeting:0:600::::::"
    )
    assert values.text(opened[3], "-c") == ""
    assert unquote(values.text(opened[3], "-d")) == "Samtgemeinde Isenbüttel, Vermittlung, guten Tag."
    assert values.text(shut[3], "-d") == ""


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
    values = Values(astdb_content(table, at=OPEN_AT))
    name = "stadt-wolfsburg--vermittlung"
    stretch = next(entry for entry in values.stretches("stadt-wolfsburg/vermittlung") if "notice" in entry[2])
    assert stretch == [
        str(unix(2026, 11, 23, 10)), str(unix(2026, 11, 23, 11)), "open.notice", stretch[3],
        str(unix(2026, 11, 23, 18, 15)),
    ]  # fmt: skip
    assert values.text(stretch[3]) == (
        f"enter_queue:allgemein:{name}--greeting:4:90:300::::{name}--closing:notice--a~notice--b"
    )
    assert values.text(stretch[3], "-c") == (f"t~q~springer~240~300.w~a~{name}--overflow-2:-~a~{name}--closed")
    assert values.generation["unknown"] == "stadt-wolfsburg:vermittlung"


CENTRE_OF_EXAMPLE = replace(CENTRE, unknown_number_service_line="vermittlung")


def test_every_line_has_every_day_without_a_gap() -> None:
    table = compile_table(fallback_rows(), version=1)
    values = Values(astdb_content(table, at=OPEN_AT))
    for tenant, name in table.lines:
        first, digests = values.texts(f"{tenant}/{name}")
        assert first == period_of(OPEN_AT - timedelta(days=DAYS_BACK))
        assert first + len(digests) - 1 == period_of(OPEN_AT + timedelta(days=COMING_DAYS - 1))
        entries = values.stretches(f"{tenant}/{name}")
        end = period_start(first + len(digests))
        assert (int(entries[0][0]), int(entries[-1][1])) == (period_start(first).timestamp(), end.timestamp())
        assert all(one[1] == other[0] for one, other in pairwise(entries))
        assert all((entry[3] == "") == (values.text(entry[3]) == "") for entry in entries)


def test_a_line_that_is_not_served_has_stretches_without_a_plan() -> None:
    start = OPEN_AT + timedelta(seconds=90)
    lines = tuple(replace(row, valid_from=start) for row in example_rows().service_lines)
    values = Values(astdb_content(example_table(service_lines=lines), at=OPEN_AT))
    before, after = values.around(start - timedelta(seconds=1)), values.around(start)
    assert (before[1], before[3], after[2]) == (str(int(start.timestamp())), "", "open")
    assert {entry[3] for entry in values.stretches() if int(entry[0]) < start.timestamp()} == {""}


def test_a_fraction_of_a_second_does_not_open_early() -> None:
    start = OPEN_AT.replace(microsecond=1)
    override = OverrideRow(
        name="storm", opens=False, reason="r", author="a", valid_from=start, valid_to=start + timedelta(hours=1)
    )
    values = Values(astdb_content(example_table(overrides=(override,)), at=OPEN_AT))
    stretch = next(entry for entry in values.stretches() if entry[2] == "override_closed")
    assert stretch[0] == str(int(OPEN_AT.timestamp()) + 1)


def test_dated_meanings_are_all_kept() -> None:
    change = datetime(2026, 1, 1, tzinfo=UTC)
    ours = DidRow(head_number="+49537289", extension="7", tenant="samtgemeinde-meinersen", service_line="vermittlung")
    dids = (replace(ours, valid_to=change), replace(ours, tenant="stadt-wolfsburg", valid_from=change))
    values = Values(astdb_content(example_table(dids=(*example_rows().dids, *dids)), at=OPEN_AT))
    seconds = int(change.timestamp())
    assert values.number("495372897") == f"0:{seconds}:line:samtgemeinde-meinersen:vermittlung"
    assert values.number("495372897", 2) == f"{seconds}:99999999999:line:stadt-wolfsburg:vermittlung"


def test_days_of_many_changes_are_continued_in_further_values() -> None:
    overrides = tuple(
        OverrideRow(
            name=f"o{number}", opens=bool(number % 2), reason="r", author="a",
            valid_from=OPEN_AT + timedelta(minutes=number), valid_to=OPEN_AT + timedelta(minutes=number + 1),
        )
        for number in range(60)
    )  # fmt: skip
    values = Values(astdb_content(example_table(overrides=overrides), at=OPEN_AT))
    first, digests = values.texts()
    assert values.text(digests[period_of(OPEN_AT) - first], "-3")
    entries = values.stretches()
    assert all(one[1] == other[0] for one, other in pairwise(entries))
    assert len(entries) > 60


def test_more_notices_than_a_value_holds_leave_the_last_ones_out() -> None:
    notices = tuple(
        NoticeRow(name=f"{'n' * 37}-{number:02}", title="n", announcement_text="Hinweis.", valid_from=OPEN_AT,
                  valid_to=OPEN_AT + timedelta(hours=1))
        for number in range(30)
    )  # fmt: skip
    values = Values(astdb_content(example_table(notices=notices), at=OPEN_AT))
    longest = max((text for text in values.flat.values() if text.startswith("enter_queue")), key=len)
    assert MAXIMUM_VALUE_BYTES - 50 < len(longest) <= MAXIMUM_VALUE_BYTES
    assert longest.split(":")[-1].split("~")[-1] == f"notice--{'n' * 37}-{longest.count('~'):02}"


def test_keys_and_values_fit_and_are_plain() -> None:
    rows = fallback_rows()
    name = "x" * 40
    tenants = tuple(replace(row, name="ü" * 80) for row in rows.tenants)
    lines = tuple(replace(row, title="x" * 80) for row in rows.service_lines)
    longest = replace(lines[0], name=name)
    table = compile_table(replace(rows, tenants=tenants, service_lines=(*lines, longest), centre=(CENTRE,)), version=1)
    for key, text in astdb_content(table, at=OPEN_AT).flat("999999999"):
        assert len(key.encode()) <= MAXIMUM_KEY_BYTES
        assert len(text.encode()) <= MAXIMUM_VALUE_BYTES
        assert (key + text).isascii()
        assert (key + text).isprintable()
        assert " " not in key


def test_a_value_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agi.render.astdb_items.MAXIMUM_VALUE_BYTES", 20)
    with pytest.raises(RenderError, match="longer than 20 bytes"):
        astdb_content(example_table(), at=OPEN_AT)


SCOPES: tuple[dict[str, Any], ...] = (
    {},
    {"tenant": "samtgemeinde-meinersen"},
    {"tenant": "stadt-wolfsburg", "service_line": "vermittlung"},
)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(-200, 1600), st.integers(1, 200), st.booleans(), st.sampled_from(SCOPES)), max_size=4
    ),
    st.lists(st.integers(0, 40), min_size=1, max_size=3),
)
def test_what_is_not_made_again_is_as_if_it_were(
    overrides: list[tuple[int, int, bool, dict[str, Any]]], days_on: list[int]
) -> None:
    """A renderer that has seen other tables and other days says the same as one that has seen nothing."""
    rows = fallback_rows()
    seen = AstDbRenderer(days=20)
    at = OPEN_AT
    for count, later in enumerate((0, *days_on)):
        at += timedelta(days=later)
        held = tuple(
            OverrideRow(
                name=f"o{number}", opens=opens, reason="r", author="a", valid_from=OPEN_AT + timedelta(hours=start),
                valid_to=OPEN_AT + timedelta(hours=start + hours), **scope,
            )
            for number, (start, hours, opens, scope) in enumerate(overrides[count:])
        )  # fmt: skip
        table = compile_table(replace(rows, overrides=held), version=count + 1)
        assert seen.content(table, at=at) == astdb_content(table, at=at, days=20)


def test_an_override_writes_the_days_that_it_changes() -> None:
    renderer = AstDbRenderer()
    before = renderer.content(example_table(version=1), at=OPEN_AT)
    override = OverrideRow(
        name="storm", opens=False, reason="r", author="a", valid_from=OPEN_AT, valid_to=OPEN_AT + timedelta(hours=2)
    )
    after = renderer.content(example_table(version=2, overrides=(override,)), at=OPEN_AT)
    new = [path for digest in after.items.keys() - before.items.keys() for path, _ in after.items[digest].flat()]
    lines, tenants = len(example_table().lines), len({tenant for tenant, _ in example_table().lines})
    texts = [path for path in new if path.startswith("text/")]
    assert len(new) - len(texts) == lines  # which texts each line has
    assert len(texts) <= tenants + 3 * lines  # each tenant's block; each line's four days, and plans
    assert PERIOD_DAYS == 4


@given(st.text(max_size=400))
def test_a_display_is_cut_between_characters(text: str) -> None:
    try:
        encoded = encoded_display(text)
    except UnicodeEncodeError:
        return  # lone surrogates are no text
    assert len(encoded) <= MAXIMUM_DISPLAY_BYTES
    assert text.startswith(unquote(encoded, errors="strict"))
    assert len(text) < 20 or encoded
