# SPDX-License-Identifier: EUPL-1.2
"""What is entered today and happens later is listed until it has happened."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from click.testing import CliRunner

from amtsleitung.cli import program
from routing.config import read_file
from routing.core.pending import Pending, pending
from routing.core.rows import SpecialHoursRow, TenantRow
from tests.support.tables import OPEN_AT, example_rows

EXAMPLE = Path(__file__).parents[2] / "examples" / "service-centre-wolfsburg.yaml"
LATER = OPEN_AT + timedelta(days=30)


def test_what_begins_and_ends_later_is_listed_in_order() -> None:
    rows = example_rows(
        tenants=(*example_rows().tenants, TenantRow(slug="new", name="New", valid_from=LATER)),
        special_hours=(
            SpecialHoursRow(
                name="outing",
                title="Betriebsausflug",
                opens=False,
                valid_from=LATER - timedelta(days=1),
                valid_to=LATER + timedelta(days=1),
                opening_hours="service",
            ),
        ),
    )
    assert pending(rows, OPEN_AT) == (
        Pending(at=LATER - timedelta(days=1), place="special_hours[outing]", change="begins"),
        Pending(at=LATER, place="tenants[new]", change="begins"),
        Pending(at=LATER + timedelta(days=1), place="special_hours[outing]", change="ends"),
    )


def test_what_has_happened_is_not_pending() -> None:
    rows = example_rows(tenants=(TenantRow(slug="new", name="New", valid_from=LATER),))
    assert [item.place for item in pending(rows, LATER - timedelta(microseconds=1))] == ["tenants[new]"]
    assert pending(rows, LATER) == ()


def test_the_command_lists_a_file(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    tenant = "format: 1\ntenants: [{slug: x, name: X, valid_from: %s}]"
    file.write_text(tenant % "9000-01-01", encoding="utf-8")
    done = CliRunner().invoke(program, ["pending", "--config", str(file)])
    assert (done.exit_code, done.output) == (0, "9000-01-01T00:00:00+01:00  begins  tenants[x]\n")
    file.write_text(tenant % "2000-01-01", encoding="utf-8")
    done = CliRunner().invoke(program, ["pending", "--config", str(file)])
    assert (done.exit_code, done.output) == (0, "Nothing is pending.\n")


def test_the_example_enters_in_advance_what_happens_by_itself() -> None:
    found = [(item.change, item.place) for item in pending(read_file(EXAMPLE), OPEN_AT)]
    assert found == [
        ("begins", "special_hours[betriebsausflug-2027]"),
        ("ends", "special_hours[betriebsausflug-2027]"),
        ("begins", "notices[wahlscheine-2027]"),
        ("ends", "notices[wahlscheine-2027]"),
        ("ends", "on_call_duties[entwaesserung/2026-01-01T00:00:00+01:00/1]"),
    ]
