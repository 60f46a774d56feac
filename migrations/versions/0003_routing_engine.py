# SPDX-License-Identifier: EUPL-1.2
"""What the routing engine knows more: editions, ranges, chains, rotas, overrides, notices, ingress numbers, 115 by
the class of the caller, and trunks as they are connected."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "amtsleitung"
_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)
_INTEGER = sa.Integer()
_JSON = postgresql.JSONB()
_Columns = dict[str, Any]
_VALIDITY: _Columns = {"valid_from?": _INSTANT, "valid_to?": _INSTANT}
_PERIOD: _Columns = {"valid_from": _INSTANT, "valid_to": _INSTANT}
_SCOPE: _Columns = {"tenant?": _TEXT, "service_line?": _TEXT}
_ANSWER: _Columns = {"announcement_text?": _TEXT, "forward_number?": _TEXT, "forward_trunk?": _TEXT}
_STEP = {
    "after_seconds": None,
    "over_seconds": None,
    "agent_group": None,
    "text": None,
    "rota": None,
    "tries": 1,
    "ring_seconds": 30,
}


def upgrade() -> None:
    _make_row_tables()
    _change_tenants_and_hours()
    _change_lines()
    _change_trunks()
    _change_numbers()
    _change_authority_numbers()


def _make_row_tables() -> None:
    """Each with its own columns; those whose names end in ``?`` may be null."""
    line: _Columns = {
        "unknown_number_text?": _TEXT,
        "unknown_number_tenant?": _TEXT,
        "unknown_number_service_line?": _TEXT,
    }
    _make_row_table("centre", ["name"], {"name": _TEXT} | line)
    _make_row_table(
        "override",
        ["name"],
        {"name": _TEXT, "opens": sa.Boolean(), "reason": _TEXT, "author": _TEXT} | _PERIOD | _SCOPE | _ANSWER,
    )
    _make_row_table(
        "notice",
        ["name"],
        {"name": _TEXT, "title": _TEXT, "announcement_text": _TEXT} | _PERIOD | {"opening_hours?": _TEXT} | _SCOPE,
    )
    _make_row_table("on_call_rota", ["name"], {"name": _TEXT, "title": _TEXT})
    _make_row_table(
        "on_call_duty",
        ["rota", "valid_from", "rank"],
        {"rota": _TEXT, "number": _TEXT, "trunk": _TEXT} | _PERIOD | {"rank": _INTEGER},
    )
    _make_row_table("ingress_number", ["number", "valid_from"], {"number": _TEXT} | _SCOPE | _VALIDITY)


def _make_row_table(name: str, key: list[str], columns: _Columns) -> None:
    version = f"{SCHEMA}.configuration_version.version"
    op.create_table(
        name,
        sa.Column("row_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *(sa.Column(column.rstrip("?"), kind, nullable=column.endswith("?")) for column, kind in columns.items()),
        sa.Column("version_from", sa.Integer(), nullable=False),
        sa.Column("version_to", sa.Integer()),
        sa.CheckConstraint("version_to > version_from", name=op.f(f"ck_{name}_versions")),
        sa.ForeignKeyConstraint(["version_from"], [version], name=f"fk_{name}_version_from"),
        sa.ForeignKeyConstraint(["version_to"], [version], name=f"fk_{name}_version_to"),
        sa.PrimaryKeyConstraint("row_id", name=f"pk_{name}"),
        schema=SCHEMA,
    )
    _make_key(name, key)


def _make_key(table: str, key: list[str]) -> None:
    op.create_index(
        f"uq_{table}_live",
        table,
        key,
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("version_to IS NULL"),
        postgresql_nulls_not_distinct=True,
    )


def _change_key(table: str, key: list[str]) -> None:
    op.drop_index(f"uq_{table}_live", table, schema=SCHEMA)
    _make_key(table, key)


def _add(table: str, columns: _Columns, values: dict[str, str] | None = None) -> None:
    """New columns; ``values`` are SQL for those that the rows of all versions get."""
    for name, kind in columns.items():
        value = (values or {}).get(name)
        default = None if value is None else sa.text(value)
        column = sa.Column(name.rstrip("?"), kind, nullable=name.endswith("?"), server_default=default)
        op.add_column(table, column, schema=SCHEMA)
        if value is not None:
            op.alter_column(table, name, server_default=None, schema=SCHEMA)


def _change_tenants_and_hours() -> None:
    _add("tenant", {"greeting_text?": _TEXT, "closed_text?": _TEXT, "building_hours?": _TEXT})
    _add("opening_hours", _VALIDITY)
    _change_key("opening_hours", ["name", "valid_from"])
    _add("special_hours", {"agent_group?": _TEXT})
    _add("agent_group", {"maximum_waiting": _INTEGER}, {"maximum_waiting": "100"})


def _change_lines() -> None:
    _add(
        "service_line",
        {
            "priority": _INTEGER,
            "maximum_wait_seconds": _INTEGER,
            "after_closing_minutes?": _INTEGER,
            "closing_text?": _TEXT,
            "overflow": _JSON,
            "closed": _JSON,
        },
        {"priority": "0", "maximum_wait_seconds": "600", "overflow": "'[]'::jsonb", "closed": "'[]'::jsonb"},
    )
    step = sa.func.jsonb_build_array(
        sa.cast({"kind": "forward", "when": [], **_STEP}, _JSON)
        + sa.func.jsonb_build_object(
            "number", sa.column("closed_forward_number"), "trunk", sa.column("closed_forward_trunk")
        )
    )
    line = sa.table("service_line", sa.column("closed", _JSON), sa.column("closed_forward_number"), schema=SCHEMA)
    op.execute(sa.update(line).where(line.c.closed_forward_number.is_not(None)).values(closed=step))
    for column in ("closed_forward_number", "closed_forward_trunk"):
        op.drop_column("service_line", column, schema=SCHEMA)
    _change_key("service_line", ["tenant", "name", "valid_from"])


def _change_trunks() -> None:
    texts = sa.ARRAY(_TEXT)
    _add(
        "trunk",
        {
            "transport": _TEXT,
            "media_encryption": _TEXT,
            "codecs": texts,
            "registration_user?": _TEXT,
            "sends_format": _TEXT,
            "own_prefix": _TEXT,
            "area_code?": _TEXT,
            "trusts_diversion": sa.Boolean(),
            "recognise_by": texts,
        },
        {
            "transport": "'udp'",
            "media_encryption": "'none'",
            "codecs": "'{g722,alaw}'",
            "sends_format": "'e164'",
            "own_prefix": "''",
            "trusts_diversion": "false",
            "recognise_by": "'{dialled,diversion,history_info,to,ingress_number}'",
        },
    )


def _change_numbers() -> None:
    _add("number_block", {"other_service_line?": _TEXT})
    op.alter_column(
        "number_block",
        "desk_digits",
        type_=sa.ARRAY(_INTEGER),
        nullable=False,
        schema=SCHEMA,
        postgresql_using="CASE WHEN desk_digits IS NULL THEN '{}'::integer[] ELSE ARRAY[desk_digits] END",
    )
    _add("did", {"last_extension?": _TEXT})
    _change_key("did", ["head_number", "extension", "last_extension", "valid_from"])


def _change_authority_numbers() -> None:
    table = "authority_number"
    op.alter_column(table, "area_code", nullable=True, schema=SCHEMA)
    op.alter_column(table, "area_code", new_column_name="origin", schema=SCHEMA)
    op.alter_column(table, "origin", nullable=False, schema=SCHEMA)  # anew: PostgreSQL 18 names it after the column
    origin = sa.table(table, sa.column("origin"), schema=SCHEMA)
    op.execute(sa.update(origin).where(origin.c.origin == "").values(origin="neutral"))
    _add(table, {"standing": _TEXT} | _ANSWER | _VALIDITY, {"standing": "'member'"})
    for column in ("tenant", "service_line"):
        op.alter_column(table, column, nullable=True, schema=SCHEMA)
    _change_key(table, ["origin", "valid_from"])
