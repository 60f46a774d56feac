# SPDX-License-Identifier: EUPL-1.2
"""Calls as they stand, and what happened to them.

Telephone numbers stand in ``call`` alone, next to the instant at which they go: ``call_event`` has none.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    or_,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from routing.store.schema import metadata

call = Table(
    "call",
    metadata,
    Column("node", Text),
    Column("unique_id", Text),
    Column("linked_id", Text),
    Column("trunk", Text),
    Column("received", Text),
    Column("dialled_number", Text),
    Column("caller_number", Text),
    Column("caller_withheld", Boolean, nullable=False, server_default=text("false")),
    Column("tenant", Text),
    Column("service_line", Text),
    Column("kind", Text),
    Column("level", Text),
    Column("fallback_cause", Text),
    Column("queue", Text),
    Column("announcement", Text),
    Column("target", Text),
    Column("table_version", BigInteger),
    Column("reasons", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("agent", Text),
    # {"PJSIP/agent07-0000002a": "agent07"}: by channel, since one agent can be rung again before the first ring's end.
    Column("ringing", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True)),
    Column("routed_at", DateTime(timezone=True)),
    Column("queued_at", DateTime(timezone=True)),
    Column("rung_at", DateTime(timezone=True)),
    Column("answered_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("cause", BigInteger),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("node", "unique_id"),
    CheckConstraint("NOT (caller_withheld AND caller_number IS NOT NULL)", name="withheld_has_no_number"),
)

holds_personal_data = or_(
    call.c.received.is_not(None),
    call.c.caller_number.is_not(None),
    # A tenant's own number is nobody's secret; what else was dialled may be anything that a caller sent.
    and_(call.c.dialled_number.is_not(None), call.c.tenant.is_(None)),
)

Index("ix_call_first_at", call.c.first_at)
Index("ix_call_tenant_first_at", call.c.tenant, call.c.first_at)
Index("ix_call_open", call.c.node, postgresql_where=call.c.ended_at.is_(None))
Index("ix_call_expiry", call.c.expires_at, postgresql_where=holds_personal_data)

call_event = Table(
    "call_event",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("node", Text, nullable=False),
    Column("unique_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("agent_channel", Text, nullable=False, server_default=text("''")),
    Column("payload", JSONB, nullable=False),
    ForeignKeyConstraint(["node", "unique_id"], [call.c.node, call.c.unique_id]),
    UniqueConstraint("node", "unique_id", "kind", "at", "agent_channel", name="uq_call_event_once"),
)

pop_drawn = Table(
    "pop_drawn",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("how", Text, nullable=False),
    ForeignKeyConstraint(["seq"], [call_event.c.seq]),
    CheckConstraint("how IN ('live', 'caught_up', 'hidden')", name="how"),
)

Index("ix_call_event_rung", call_event.c.at, postgresql_where=text("kind = 'rung'"))

# Not a sequence: a sequence gives 1 to one transaction and 2 to another, and a reader who has seen 2 would never look
# for 1, which commits later; and a rolled back transaction leaves a gap. A row is locked until its transaction
# commits, so the next number is given only after the last one can be seen, and is given back by a rollback.
event_counter = Table(
    "event_counter",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=true()),
    Column("last_seq", BigInteger, nullable=False),
    CheckConstraint("singleton", name="singleton"),
)
