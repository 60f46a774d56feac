# SPDX-License-Identifier: EUPL-1.2
"""When a page drew the pop of a ring."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "amtsleitung"


def upgrade() -> None:
    op.create_table(
        "pop_drawn",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.CheckConstraint("how IN ('live', 'caught_up', 'hidden')", name=op.f("ck_pop_drawn_how")),
        sa.ForeignKeyConstraint(["seq"], [f"{SCHEMA}.call_event.seq"], name="fk_pop_drawn_call_event"),
        sa.PrimaryKeyConstraint("seq", name="pk_pop_drawn"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_call_event_rung", "call_event", ["at"], schema=SCHEMA, postgresql_where=sa.text("kind = 'rung'")
    )
