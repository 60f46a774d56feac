# SPDX-License-Identifier: EUPL-1.2
"""Drafts, people's names outside the versions, and the way to what changed between two versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "amtsleitung"
_TEXT = sa.Text()
_INSTANT = sa.DateTime(timezone=True)
_ROW_TABLES = (
    "centre",
    "tenant",
    "opening_hours",
    "special_hours",
    "override",
    "notice",
    "agent_group",
    "agent",
    "on_call_rota",
    "on_call_duty",
    "trunk",
    "service_line",
    "number_block",
    "did",
    "ingress_number",
    "authority_number",
)


def upgrade() -> None:
    for table in _ROW_TABLES:
        op.create_index(f"ix_{table}_version_from", table, ["version_from"], schema=SCHEMA)
        op.create_index(
            f"ix_{table}_version_to",
            table,
            ["version_to"],
            schema=SCHEMA,
            postgresql_where=sa.text("version_to IS NOT NULL"),
        )
    _make_drafts()
    op.create_table(
        "person",
        sa.Column("login", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("login", name="pk_person"),
        schema=SCHEMA,
    )


def _make_drafts() -> None:
    version = f"{SCHEMA}.configuration_version.version"
    op.create_table(
        "draft",
        sa.Column("number", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("title", _TEXT, nullable=False),
        sa.Column("author", _TEXT, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("changed_by", _TEXT, nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("closed_at", _INSTANT),
        sa.Column("published_version", sa.Integer()),
        sa.CheckConstraint("published_version IS NULL OR closed_at IS NOT NULL", name=op.f("ck_draft_published")),
        sa.ForeignKeyConstraint(["published_version"], [version], name="fk_draft_published_version"),
        sa.PrimaryKeyConstraint("number", name="pk_draft"),
        schema=SCHEMA,
    )
    op.create_table(
        "draft_change",
        sa.Column("draft", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("collection", _TEXT, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("before", postgresql.JSONB()),
        sa.Column("after", postgresql.JSONB()),
        sa.CheckConstraint("before IS NOT NULL OR after IS NOT NULL", name=op.f("ck_draft_change_row")),
        sa.ForeignKeyConstraint(["draft"], [f"{SCHEMA}.draft.number"], name="fk_draft_change_draft"),
        sa.PrimaryKeyConstraint("draft", "position", name="pk_draft_change"),
        sa.UniqueConstraint("draft", "collection", "key", name="uq_draft_change_row"),
        schema=SCHEMA,
    )
