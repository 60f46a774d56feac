# SPDX-License-Identifier: EUPL-1.2
"""Closures and special openings on dates; holidays with additions and removals of one's own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "amtsleitung"
_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)
_NONE_YET = sa.text("'[]'::jsonb")


def upgrade() -> None:
    _make_special_hours()
    for column in ("holiday_additions", "holiday_removals"):
        kind = postgresql.JSONB() if column == "holiday_additions" else sa.ARRAY(_TEXT)
        none_yet = _NONE_YET if column == "holiday_additions" else sa.text("'{}'::text[]")
        op.add_column("opening_hours", sa.Column(column, kind, nullable=False, server_default=none_yet), schema=SCHEMA)
        op.alter_column("opening_hours", column, server_default=None, schema=SCHEMA)


def _make_special_hours() -> None:
    version = f"{SCHEMA}.configuration_version.version"
    op.create_table(
        "special_hours",
        sa.Column("row_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("title", _TEXT, nullable=False),
        sa.Column("opens", sa.Boolean(), nullable=False),
        sa.Column("valid_from", _INSTANT, nullable=False),
        sa.Column("valid_to", _INSTANT, nullable=False),
        sa.Column("opening_hours", _TEXT),
        sa.Column("tenant", _TEXT),
        sa.Column("service_line", _TEXT),
        sa.Column("announcement_text", _TEXT),
        sa.Column("forward_number", _TEXT),
        sa.Column("forward_trunk", _TEXT),
        sa.Column("version_from", sa.Integer(), nullable=False),
        sa.Column("version_to", sa.Integer()),
        sa.CheckConstraint("version_to > version_from", name=op.f("ck_special_hours_versions")),
        sa.ForeignKeyConstraint(["version_from"], [version], name="fk_special_hours_version_from"),
        sa.ForeignKeyConstraint(["version_to"], [version], name="fk_special_hours_version_to"),
        sa.PrimaryKeyConstraint("row_id", name="pk_special_hours"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_special_hours_live",
        "special_hours",
        ["name"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("version_to IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
