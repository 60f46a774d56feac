# SPDX-License-Identifier: EUPL-1.2
"""What is exported is imported again as the same rows; merging replaces what the file names and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.config import ConfigError, export_yaml, merge, read_yaml, whole
from routing.core.compile import compile_table
from routing.core.rows import Rows, key_of
from tests.property.rows import PHASES, SLOW, configurations

WHOLES: dict[str, Callable[[Any], object]] = {item.name: key_of for item in fields(Rows)} | {
    "opening_hours": lambda row: row.name,
    "on_call_duties": lambda row: row.rota,
    "service_lines": lambda row: row.tenant,
    "number_blocks": lambda row: row.tenant,
    "dids": lambda row: row.head_number,
    "ingress_numbers": lambda row: row.number,
    "authority_numbers": lambda row: row.origin,
}
"""What a row is replaced together with: all that stands under one name in a file."""

few = settings(max_examples=25, deadline=None, phases=PHASES, suppress_health_check=SLOW)


@few
@given(configurations())
def test_export_and_import_are_the_identity(rows: Rows) -> None:
    compile_table(rows, version=1)
    text = export_yaml(rows)
    again = read_yaml(text, file="export")
    assert len(again.all()) == len(rows.all())
    assert set(again.all()) == set(rows.all())
    assert export_yaml(again) == text
    assert set(whole(Rows(), again).all()) == set(rows.all())


@few
@given(configurations(), configurations())
def test_a_whole_file_ends_no_override(live: Rows, file: Rows) -> None:
    after = whole(live, file)
    assert replace(after, overrides=()) == replace(file, overrides=())
    assert {row.name for row in after.overrides} == {row.name for row in (*live.overrides, *file.overrides)}
    assert set(file.overrides) <= set(after.overrides)


@few
@given(configurations())
def test_merging_rows_into_themselves_changes_nothing(rows: Rows) -> None:
    assert set(merge(rows, rows).all()) == set(rows.all())
    assert set(merge(Rows(), rows).all()) == set(rows.all())
    assert merge(rows, Rows()) == rows


@few
@given(configurations(), configurations())
def test_the_files_rows_win_and_other_tenants_stay(live: Rows, file: Rows) -> None:
    merged = merge(live, file)
    assert set(file.all()) <= set(merged.all())
    assert set(merged.all()) <= set(live.all()) | set(file.all())
    slugs = {tenant.slug for tenant in file.tenants}
    named = {
        "service_lines": slugs,
        "number_blocks": slugs,
        "dids": {row.head_number for row in (*live.number_blocks, *file.number_blocks) if row.tenant in slugs},
        "on_call_duties": {rota.name for rota in file.on_call_rotas},
    }
    for name, together in WHOLES.items():
        replaced = named.get(name, {together(row) for row in getattr(file, name)})
        found = set(getattr(merged, name))
        assert {row for row in found if together(row) in replaced} == set(getattr(file, name))
        keys = {key_of(row) for row in getattr(file, name)}
        kept = {row for row in getattr(live, name) if together(row) not in replaced and key_of(row) not in keys}
        assert found == kept | set(getattr(file, name))
    keyed = [(type(row), key_of(row)) for row in merged.all()]
    assert len(keyed) == len(set(keyed))
    assert set(merge(merged, file).all()) == set(merged.all())


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200) | st.text("[]{}-:,&*!|>'\"#%@ \n\tab1~?<=", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    for file in (text, f"format: 1\ntenants: {text}", f"format: 1\n{text}"):
        with suppress(ConfigError):
            read_yaml(file, file="attack.yaml")
