# SPDX-License-Identifier: EUPL-1.2
"""What the routing engine knows, in a YAML file: every entry is read as its row, and written again."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from routing.config import export_yaml, read_yaml
from routing.core.rows import (
    AgentGroupRow,
    AuthorityNumberRow,
    CentreRow,
    DidRow,
    IngressNumberRow,
    NoticeRow,
    NumberBlockRow,
    OnCallDutyRow,
    OnCallRotaRow,
    OverrideRow,
    Row,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    StepRow,
    TenantRow,
    TrunkRow,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
NEW_YEAR = datetime(2026, 12, 31, 23, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 12, 31, 23, tzinfo=UTC)
PERIOD: dict[str, Any] = {"valid_from": NEW_YEAR, "valid_to": NEXT_YEAR}
IN_2027 = "valid_from: 2027-01-01, valid_to: 2028-01-01"

CLOSED_BY_HAND = f"""{{name: x, kind: closure, reason: Brand, author: Leitung, {IN_2027}, announcement_text: Zu.,
  forward_number: "+493023125100", forward_trunk: carrier, tenant: t, service_line: l}}"""
TRUNK = """{name: x, address: a, number_format: e164, transport: tls, media_encryption: sdes, codecs: [alaw, opus],
  registration_user: '0815', sends_format: national, own_prefix: 0, area_code: 5361, trusts_diversion: true,
  recognise_by: [diversion, dialled]}"""


def read(section: str, value: str) -> Rows:
    """The rows of a section; what is exported of them is read as the same."""
    rows = read_yaml(f"format: 1\n{section}: {value}\n", file="f.yaml")
    text = export_yaml(rows)
    again = read_yaml(text, file="again")
    assert set(again.all()) == set(rows.all())
    assert export_yaml(again) == text
    return rows


@pytest.mark.parametrize(
    ("value", "row"),
    [
        ("{}", CentreRow()),
        ("{unknown_number: {}}", CentreRow()),
        ("{unknown_number: {announcement_text: Falsch.}}", CentreRow(unknown_number_text="Falsch.")),
        (
            "{unknown_number: {tenant: stadt, service_line: auskunft}}",
            CentreRow(unknown_number_tenant="stadt", unknown_number_service_line="auskunft"),
        ),
    ],
)
def test_the_centre(value: str, row: Row) -> None:
    assert read("centre", value).all() == (row,)


def test_no_centre_is_none() -> None:
    assert read("centre", "").centre == ()


def test_hours_have_editions() -> None:
    rows = read(
        "opening_hours",
        f"[{{name: x, weekly: {{}}, valid_to: 2027-01-01}}, {{name: x, weekly: {{}}, timezone: UTC, {IN_2027}}}]",
    )
    assert [(row.timezone, row.valid_from, row.valid_to) for row in rows.opening_hours] == [
        ("Europe/Berlin", None, NEW_YEAR),
        ("UTC", NEW_YEAR, NEXT_YEAR),
    ]


@pytest.mark.parametrize(
    ("section", "value", "row"),
    [
        (
            "special_hours",
            f"{{name: x, title: X, kind: opening, tenant: t, agent_group: g, announcement_text: Hallo., {IN_2027}}}",
            SpecialHoursRow(
                name="x", title="X", opens=True, tenant="t", agent_group="g", announcement_text="Hallo.", **PERIOD
            ),
        ),
        (
            "overrides",
            CLOSED_BY_HAND,
            OverrideRow(
                name="x",
                opens=False,
                reason="Brand",
                author="Leitung",
                tenant="t",
                service_line="l",
                announcement_text="Zu.",
                forward_number="+493023125100",
                forward_trunk="carrier",
                **PERIOD,
            ),
        ),
        (
            "overrides",
            f"{{name: x, kind: opening, reason: Sturm, author: Leitung, {IN_2027}}}",
            OverrideRow(name="x", opens=True, reason="Sturm", author="Leitung", **PERIOD),
        ),
        (
            "notices",
            f"{{name: x, title: X, announcement_text: Bitte online., {IN_2027}, opening_hours: h}}",
            NoticeRow(name="x", title="X", announcement_text="Bitte online.", opening_hours="h", **PERIOD),
        ),
        (
            "agent_groups",
            "{name: x, title: X, maximum_waiting: 20}",
            AgentGroupRow(name="x", title="X", maximum_waiting=20),
        ),
        (
            "ingress_numbers",
            f'{{number: "+4953611", tenant: t, service_line: l, {IN_2027}}}',
            IngressNumberRow(number="+4953611", tenant="t", service_line="l", **PERIOD),
        ),
        ("ingress_numbers", '{number: "+4953611"}', IngressNumberRow(number="+4953611")),
        (
            "trunks",
            TRUNK,
            TrunkRow(
                name="x",
                address="a",
                number_format="e164",
                transport="tls",
                media_encryption="sdes",
                codecs=("alaw", "opus"),
                registration_user="0815",
                sends_format="national",
                own_prefix="0",
                area_code="5361",
                trusts_diversion=True,
                recognise_by=("diversion", "dialled"),
            ),
        ),
        (
            "trunks",
            "{name: x, address: a, number_format: e164, codecs: alaw, recognise_by: []}",
            TrunkRow(name="x", address="a", number_format="e164", codecs=("alaw",), recognise_by=()),
        ),
        (
            "tenants",
            "{slug: x, name: X, greeting_text: Tag., closed_text: Zu., building_hours: h}",
            TenantRow(slug="x", name="X", greeting_text="Tag.", closed_text="Zu.", building_hours="h"),
        ),
    ],
    ids=lambda value: str(value)[:20].encode("ascii", "replace").decode(),
)
def test_every_entry_is_read_and_written_again(section: str, value: str, row: Row) -> None:
    assert read(section, f"[{value}]").all() == (row,)


def test_a_rota_and_its_duties() -> None:
    rows = read(
        "on_call_rotas",
        f'[{{name: r, title: R, duties: [{{number: "+493023125101", trunk: t, {IN_2027}}},'
        f' {{rank: 2, number: "+493023125102", trunk: t, {IN_2027}}}]}}, {{name: leer, title: Leer}}]',
    )
    assert rows.on_call_rotas == (OnCallRotaRow(name="r", title="R"), OnCallRotaRow(name="leer", title="Leer"))
    assert rows.on_call_duties == (
        OnCallDutyRow(rota="r", number="+493023125101", trunk="t", **PERIOD),
        OnCallDutyRow(rota="r", number="+493023125102", trunk="t", rank=2, **PERIOD),
    )


LINE = """[{slug: t, name: T, service_lines: [
  {name: l, title: L, opening_hours: h, agent_group: g, valid_to: 2027-01-01},
  {name: l, title: L, opening_hours: h, agent_group: g, valid_from: 2027-01-01,
   priority: 3, maximum_wait_seconds: 900, after_closing_minutes: 15, closing_text: Feierabend.,
   overflow: [
     {when: timeout, after_seconds: 60, kind: agent_group, agent_group: g2},
     {when: [no_agent, full], kind: announcement, text: Leider voll.},
     {when: expected_wait, over_seconds: 300, kind: forward, number: "+493023125101", trunk: c, ring_seconds: 20},
     {kind: message, text: Sprechen Sie.}],
   closed: [
     {kind: on_call, rota: r, tries: 2, ring_seconds: 25},
     {when: failed, kind: desk, number: "+4953611", trunk: rathaus}]}]}]"""


def test_a_line_with_editions_and_chains() -> None:
    """A kind that does not exist, such as ``message``, is read too: the compiler says so in a sentence of its own."""
    first, second = read("tenants", LINE).service_lines
    line: dict[str, Any] = {"tenant": "t", "name": "l", "title": "L", "opening_hours": "h", "agent_group": "g"}
    assert first == ServiceLineRow(**line, valid_to=NEW_YEAR)
    assert second == ServiceLineRow(
        **line,
        valid_from=NEW_YEAR,
        priority=3,
        maximum_wait_seconds=900,
        after_closing_minutes=15,
        closing_text="Feierabend.",
        overflow=(
            StepRow(kind="agent_group", when=("timeout",), after_seconds=60, agent_group="g2"),
            StepRow(kind="announcement", when=("no_agent", "full"), text="Leider voll."),
            StepRow(
                kind="forward",
                when=("expected_wait",),
                over_seconds=300,
                number="+493023125101",
                trunk="c",
                ring_seconds=20,
            ),
            StepRow(kind="message", text="Sprechen Sie."),
        ),
        closed=(
            StepRow(kind="on_call", rota="r", tries=2, ring_seconds=25),
            StepRow(kind="desk", when=("failed",), number="+4953611", trunk="rathaus"),
        ),
    )


BLOCK = """[{slug: t, name: T, number_blocks: [{head_number: "+49537289", other: rest,
  desks: {digits: DIGITS, trunk: rathaus},
  extensions: {"": a, "0": a, "500-599": b, 700: {tenant: o, service_line: c, valid_from: 2027-01-01},
    "800-899": [{service_line: a, valid_to: 2027-01-01}, {tenant: o, service_line: c, valid_from: 2027-01-01}]}}]}]"""


@pytest.mark.parametrize(("digits", "expected"), [("3", (3,)), ("[3]", (3,)), ("[2, 3]", (2, 3)), ("", ())])
def test_a_block_with_ranges_desks_and_a_line_for_the_rest(digits: str, expected: tuple[int, ...]) -> None:
    rows = read("tenants", BLOCK.replace("DIGITS", digits))
    assert rows.number_blocks == (
        NumberBlockRow(
            head_number="+49537289",
            tenant="t",
            desk_digits=expected,
            desk_trunk="rathaus",
            other_service_line="rest",
        ),
    )

    def did(extension: str, last: str | None, line: str, tenant: str = "t", **validity: datetime) -> DidRow:
        return DidRow(
            head_number="+49537289",
            extension=extension,
            last_extension=last,
            tenant=tenant,
            service_line=line,
            valid_from=validity.get("valid_from"),
            valid_to=validity.get("valid_to"),
        )

    assert rows.dids == (
        did("", None, "a"),
        did("0", None, "a"),
        did("500", "599", "b"),
        did("700", None, "c", "o", valid_from=NEW_YEAR),
        did("800", "899", "a", valid_to=NEW_YEAR),
        did("800", "899", "c", "o", valid_from=NEW_YEAR),
    )


AUTHORITY = """{neutral: {tenant: n, service_line: "115"},
  callers: {mobile: {tenant: t, service_line: "115"}, withheld: {announcement_text: Ihre Nummer fehlt.},
    foreign: [{forward_number: "+493023125101", forward_trunk: c, valid_to: 2027-01-01},
              {tenant: t, service_line: "115", valid_from: 2027-01-01}]},
  area_codes: [
    {area_codes: ["5361", "5362"], tenant: t, service_line: "115"},
    {area_codes: 5364, standing: non_member, announcement_text: Nicht dabei.},
    {area_codes: ["5366"], standing: shared, forward_number: "+493023125101", forward_trunk: c,
     valid_to: 2027-01-01}]}"""


def test_115_by_area_and_by_class_of_caller() -> None:
    rows = read("authority_number", AUTHORITY)
    assert rows.authority_numbers == (
        AuthorityNumberRow(origin="neutral", tenant="n", service_line="115"),
        AuthorityNumberRow(origin="mobile", tenant="t", service_line="115"),
        AuthorityNumberRow(origin="withheld", announcement_text="Ihre Nummer fehlt."),
        AuthorityNumberRow(origin="foreign", forward_number="+493023125101", forward_trunk="c", valid_to=NEW_YEAR),
        AuthorityNumberRow(origin="foreign", tenant="t", service_line="115", valid_from=NEW_YEAR),
        AuthorityNumberRow(origin="5361", tenant="t", service_line="115"),
        AuthorityNumberRow(origin="5362", tenant="t", service_line="115"),
        AuthorityNumberRow(origin="5364", standing="non_member", announcement_text="Nicht dabei."),
        AuthorityNumberRow(
            origin="5366", standing="shared", forward_number="+493023125101", forward_trunk="c", valid_to=NEW_YEAR
        ),
    )
    assert "area_codes:\n  - area_codes:\n    - '5361'\n    - '5362'\n    tenant: t" in export_yaml(rows)


def test_every_example_of_the_document_is_read() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 8
    for example in examples:
        rows = read_yaml("format: 1\n" + example.replace("# …", "name: Stadt Wolfsburg"), file="configuration.md")
        assert rows.all()
        assert set(read_yaml(export_yaml(rows), file="again").all()) == set(rows.all())
