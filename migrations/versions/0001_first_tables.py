# SPDX-License-Identifier: EUPL-1.2
"""Calls, events in commit order, and the configuration in versions.

Complete in itself: a migration does not import the models, which go on changing after it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "amtsleitung"
_Columns = dict[str, Any]

_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB()


def upgrade() -> None:
    _make_configuration_versions()
    _make_row_tables()
    _make_calls()
    _make_events()


def _make_configuration_versions() -> None:
    op.create_table(
        "configuration_version",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("author", _TEXT, nullable=False),
        sa.Column("comment", _TEXT, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_configuration_version"),
        schema=SCHEMA,
    )
    op.create_table(
        "device_secret",
        sa.Column("device", _TEXT, nullable=False),
        sa.Column("secret", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_device_secret"),
        schema=SCHEMA,
    )


def _make_row_tables() -> None:
    """Each with its own columns; those whose names end in ``?`` may be null."""
    validity: _Columns = {"valid_from?": _INSTANT, "valid_to?": _INSTANT}
    line: _Columns = {"tenant": _TEXT, "service_line": _TEXT}
    _make_row_table("tenant", ["slug"], {"slug": _TEXT, "name": _TEXT} | validity)
    _make_row_table(
        "opening_hours",
        ["name"],
        {"name": _TEXT, "timezone": _TEXT, "weekly": _JSON, "holiday_calendar?": _TEXT, "holiday_dates": _JSON},
    )
    _make_row_table("agent_group", ["name"], {"name": _TEXT, "title": _TEXT})
    _make_row_table("agent", ["name"], {"name": _TEXT, "device": _TEXT, "agent_groups": sa.ARRAY(_TEXT)})
    _make_row_table(
        "trunk",
        ["name"],
        {
            "name": _TEXT,
            "address": _TEXT,
            "number_format": _TEXT,
            "has_other_route": sa.Boolean(),
            "demonstration": sa.Boolean(),
        },
    )
    _make_row_table(
        "service_line",
        ["tenant", "name"],
        {
            "tenant": _TEXT,
            "name": _TEXT,
            "title": _TEXT,
            "opening_hours": _TEXT,
            "agent_group": _TEXT,
            "greeting_text?": _TEXT,
            "closed_text?": _TEXT,
            "agent_phrase?": _TEXT,
            "closed_forward_number?": _TEXT,
            "closed_forward_trunk?": _TEXT,
        }
        | validity,
    )
    _make_row_table(
        "number_block",
        ["head_number"],
        {"head_number": _TEXT, "tenant": _TEXT, "desk_digits?": sa.Integer(), "desk_trunk?": _TEXT},
    )
    _make_row_table(
        "did",
        ["head_number", "extension", "valid_from"],
        {"head_number": _TEXT, "extension": _TEXT} | line | validity,
    )
    _make_row_table("authority_number", ["area_code"], {"area_code": _TEXT} | line)


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
    op.create_index(
        f"uq_{name}_live",
        name,
        key,
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("version_to IS NULL"),
        postgresql_nulls_not_distinct=True,
    )


def _make_calls() -> None:
    texts = "linked_id trunk received dialled_number caller_number tenant service_line kind level queue announcement"
    instants = "received_at routed_at queued_at rung_at answered_at ended_at"
    op.create_table(
        "call",
        sa.Column("node", _TEXT, nullable=False),
        sa.Column("unique_id", _TEXT, nullable=False),
        *(sa.Column(name, _TEXT) for name in (*texts.split(), "target", "agent", "outcome")),
        sa.Column("caller_withheld", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("table_version", sa.BigInteger()),
        sa.Column("cause", sa.BigInteger()),
        sa.Column("reasons", _JSON, nullable=False, server_default=sa.text("'[]'::jsonb")),
        sa.Column("ringing", _JSON, nullable=False, server_default=sa.text("'{}'::jsonb")),
        sa.Column("first_at", _INSTANT, nullable=False),
        *(sa.Column(name, _INSTANT) for name in instants.split()),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("node", "unique_id", name="pk_call"),
        sa.CheckConstraint(
            "NOT (caller_withheld AND caller_number IS NOT NULL)", name=op.f("ck_call_withheld_has_no_number")
        ),
        schema=SCHEMA,
    )
    personal = "received IS NOT NULL OR caller_number IS NOT NULL OR (dialled_number IS NOT NULL AND tenant IS NULL)"
    op.create_index("ix_call_first_at", "call", ["first_at"], schema=SCHEMA)
    op.create_index("ix_call_tenant_first_at", "call", ["tenant", "first_at"], schema=SCHEMA)
    op.create_index("ix_call_open", "call", ["node"], schema=SCHEMA, postgresql_where=sa.text("ended_at IS NULL"))
    op.create_index("ix_call_expiry", "call", ["expires_at"], schema=SCHEMA, postgresql_where=sa.text(personal))


def _make_events() -> None:
    op.create_table(
        "call_event",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("node", _TEXT, nullable=False),
        sa.Column("unique_id", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("agent_channel", _TEXT, nullable=False, server_default=sa.text("''")),
        sa.Column("payload", _JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["node", "unique_id"], [f"{SCHEMA}.call.node", f"{SCHEMA}.call.unique_id"], name="fk_call_event_call"
        ),
        sa.PrimaryKeyConstraint("seq", name="pk_call_event"),
        sa.UniqueConstraint("node", "unique_id", "kind", "at", "agent_channel", name="uq_call_event_once"),
        schema=SCHEMA,
    )
    counter = op.create_table(
        "event_counter",
        sa.Column("singleton", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("singleton", name=op.f("ck_event_counter_singleton")),
        sa.PrimaryKeyConstraint("singleton", name="pk_event_counter"),
        schema=SCHEMA,
    )
    op.bulk_insert(counter, [{"last_seq": 0}])
