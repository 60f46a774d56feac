# SPDX-License-Identifier: EUPL-1.2
"""The fallback's data: its layout, its bounds, and that dates survive. That it decides alike: a system test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi.render.astdb import MAXIMUM_DISPLAY_BYTES, MAXIMUM_VALUE_BYTES, astdb_values, encoded_display
from agi.render.settings import RenderError
from routing.core.rows import DidRow, OpeningHoursRow
from tests.support.tables import BERLIN, example_rows, example_table

MAXIMUM_KEY_BYTES = 200  # Asterisk's 256, less family and generation


def test_layout_of_the_example() -> None:
    values = astdb_values(example_table(version=9))
    assert values["version"] == "9"
    start = int(datetime(2014, 10, 1, tzinfo=BERLIN).timestamp())
    assert values["number/49537289500/1"] == f"{start}:99999999999:samtgemeinde-meinersen:einwohnermeldewesen"
    assert values["desk/49537289"] == f"{start}:99999999999:samtgemeinde-meinersen:3:rathaus-meinersen"
    assert values["desk-digits/1"] == "3"
    assert values["area/5372"] == f"{start}:99999999999:samtgemeinde-meinersen:115"
    assert values["neutral"].endswith(":behoerdennummer-115:115")
    assert values["line/samtgemeinde-isenbuettel/vermittlung"] == (
        "allgemein:samtgemeinde-isenbuettel--vermittlung--greeting:samtgemeinde-isenbuettel--vermittlung--closed"
        ":service:+493023125100:carrier"
    )
    assert unquote(values["display/samtgemeinde-isenbuettel/vermittlung"]) == "Samtgemeinde Isenbüttel: Vermittlung"
    assert values["zone/service"] == "Europe/Berlin"
    assert values["window/service/1/1"] == "420-1080"
    assert "window/service/6/1" not in values
    assert values["holiday/service/2025-10-31"] == "closed"


def test_windows_of_a_day_are_counted() -> None:
    hours = OpeningHoursRow(name="service", timezone="Europe/Berlin", weekly=((0, 780, 1440), (0, 0, 720)))
    values = astdb_values(example_table(opening_hours=(hours,)))
    assert (values["window/service/1/1"], values["window/service/1/2"]) == ("0-720", "780-1440")
    assert "window/service/1/3" not in values


def test_dated_meanings_are_all_kept_and_cut_to_the_tenants_time() -> None:
    change = datetime(2026, 1, 1, tzinfo=UTC)
    ours = DidRow(head_number="+49537289", extension="7", tenant="samtgemeinde-meinersen", service_line="vermittlung")
    dids = (replace(ours, valid_to=change), replace(ours, tenant="stadt-wolfsburg", valid_from=change))
    values = astdb_values(example_table(dids=(*example_rows().dids, *dids)))
    start = int(datetime(2014, 10, 1, tzinfo=BERLIN).timestamp())
    assert values["number/495372897/1"] == f"{start}:{int(change.timestamp())}:samtgemeinde-meinersen:vermittlung"
    assert values["number/495372897/2"] == f"{int(change.timestamp())}:99999999999:stadt-wolfsburg:vermittlung"


def test_a_fraction_of_a_second_does_not_open_early() -> None:
    start = datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    rows = example_rows()
    lines = tuple(replace(row, valid_from=start) for row in rows.service_lines)
    values = astdb_values(example_table(service_lines=lines))
    assert values["neutral"].startswith(f"{int(start.timestamp()) + 1}:")


def test_keys_and_values_fit_and_are_plain() -> None:
    rows = example_rows()
    longest = "x" * 80
    tenants = tuple(replace(row, name="ü" * 80) for row in rows.tenants)
    lines = tuple(replace(row, title=longest) for row in rows.service_lines)
    for key, text in astdb_values(example_table(tenants=tenants, service_lines=lines)).items():
        assert len(key.encode()) <= MAXIMUM_KEY_BYTES
        assert len(text.encode()) <= MAXIMUM_VALUE_BYTES
        assert (key + text).isascii()
        assert (key + text).isprintable()


def test_a_value_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agi.render.astdb.MAXIMUM_VALUE_BYTES", 20)
    with pytest.raises(RenderError, match="longer than 20 bytes"):
        astdb_values(example_table())


@given(st.text(max_size=400))
def test_a_display_is_cut_between_characters(text: str) -> None:
    try:
        encoded = encoded_display(text)
    except UnicodeEncodeError:
        return  # lone surrogates are no text
    assert len(encoded) <= MAXIMUM_DISPLAY_BYTES
    assert text.startswith(unquote(encoded, errors="strict"))
    assert len(text) < 20 or encoded
