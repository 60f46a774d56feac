# SPDX-License-Identifier: EUPL-1.2
"""Why the service did not decide a call, and how often."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "amtsleitung"


def upgrade() -> None:
    op.add_column("call", sa.Column("fallback_cause", sa.Text()), schema=SCHEMA)
    op.create_table(
        "fallback_count",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("node", "level", "cause", name="pk_fallback_count"),
        schema=SCHEMA,
    )
