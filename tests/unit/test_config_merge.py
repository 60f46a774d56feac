# SPDX-License-Identifier: EUPL-1.2
"""A file comes to rows that are live: what stands under one name in it is replaced together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from routing.config import merge, read_yaml, whole
from routing.core.rows import DidRow, NumberBlockRow, OnCallRotaRow, OverrideRow, Rows, TenantRow

IN_2027 = "valid_from: 2027-01-01, valid_to: 2028-01-01"
PERIOD: dict[str, Any] = {"valid_from": datetime(2027, 1, 1, tzinfo=UTC), "valid_to": datetime(2028, 1, 1, tzinfo=UTC)}


def test_a_tenants_extensions_stay_in_the_block_they_are_written_in() -> None:
    """A file with the municipal company alone says nothing about the town's block, which leads to its line."""
    town, company = TenantRow(slug="stadt", name="Stadt"), TenantRow(slug="betrieb", name="Betrieb")
    block = NumberBlockRow(head_number="+491", tenant="stadt")
    shared = DidRow(head_number="+491", extension="7", tenant="betrieb", service_line="l")
    live = Rows(tenants=(town, company), number_blocks=(block,), dids=(shared,))
    renamed = Rows(tenants=(TenantRow(slug="betrieb", name="Betrieb (neu)"),))
    assert merge(live, renamed).dids == (shared,)
    assert merge(live, Rows(tenants=(town,), number_blocks=(block,))).dids == ()
    assert merge(live, Rows(tenants=(town,))).dids == ()


def test_editions_and_duties_are_replaced_together() -> None:
    live = read_yaml(
        f"format: 1\non_call_rotas: [{{name: r, title: R, duties: [{{number: a, trunk: t, {IN_2027}}}]}}]", file="f"
    )
    file = Rows(on_call_rotas=(OnCallRotaRow(name="r", title="Neu"),))
    assert merge(live, file) == file
    hours = read_yaml(
        f"format: 1\nopening_hours: [{{name: x, weekly: {{}}}}, {{name: x, weekly: {{}}, {IN_2027}}}]", file="f"
    )
    once = Rows(opening_hours=hours.opening_hours[:1])
    assert merge(hours, once) == once


def test_no_file_ends_an_override_that_it_does_not_name() -> None:
    def override(name: str, reason: str) -> OverrideRow:
        return OverrideRow(name=name, opens=False, reason=reason, author="Leitung", **PERIOD)

    live = Rows(overrides=(override("a", "Brand"), override("b", "Sturm")), tenants=(TenantRow(slug="x", name="X"),))
    file = Rows(overrides=(override("b", "Hagel"),))
    assert whole(live, file) == Rows(overrides=(override("a", "Brand"), override("b", "Hagel")))
    assert merge(live, file).overrides == whole(live, file).overrides
