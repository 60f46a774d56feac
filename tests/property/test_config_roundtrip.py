# SPDX-License-Identifier: EUPL-1.2
"""What is exported is imported again as the same rows; merging replaces what the file names and nothing else."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.config import ConfigError, export_yaml, merge, read_yaml
from routing.core.compile import compile_table
from routing.core.rows import Rows, key_of
from tests.property.rows import PHASES, SLOW, configurations

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
    for name in ("service_lines", "number_blocks", "dids"):
        assert {row for row in getattr(merged, name) if row.tenant in slugs} == {
            row for row in getattr(file, name) if row.tenant in slugs
        }
        keys = {key_of(row) for row in getattr(file, name)}
        assert {row for row in getattr(live, name) if row.tenant not in slugs and key_of(row) not in keys} <= set(
            getattr(merged, name)
        )
    keyed = [(type(row), key_of(row)) for row in merged.all()]
    assert len(keyed) == len(set(keyed))
    assert set(merge(merged, file).all()) == set(merged.all())


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200) | st.text("[]{}-:,&*!|>'\"#%@ \n\tab1~?<=", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, f"format: 1\ntenants: {text}", f"format: 1\n{text}"):
        with suppress(ConfigError):
            read_yaml(whole, file="attack.yaml")
