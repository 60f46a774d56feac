# SPDX-License-Identifier: EUPL-1.2
"""Drafts, which are lists of row changes, and the names of people, which stand outside every version.

A draft is open until it is published or discarded; then it stays as it was. A person's name can be erased at any
time: the configuration knows people by their login names only.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Identity, Integer, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from routing.store.configuration_tables import configuration_version
from routing.store.schema import metadata

draft = Table(
    "draft",
    metadata,
    Column("number", Integer, Identity(always=True), primary_key=True),
    Column("title", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("base_version", Integer, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column(
        "published_version", Integer, ForeignKey(configuration_version.c.version, name="fk_draft_published_version")
    ),
    CheckConstraint("published_version IS NULL OR closed_at IS NOT NULL", name="published"),
)

draft_change = Table(
    "draft_change",
    metadata,
    Column("draft", Integer, ForeignKey(draft.c.number), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("collection", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("before", JSONB(none_as_null=True)),
    Column("after", JSONB(none_as_null=True)),
    UniqueConstraint("draft", "collection", "key", name="uq_draft_change_row"),
    CheckConstraint("before IS NOT NULL OR after IS NOT NULL", name="row"),
)
"""``before`` and ``after`` are whole rows as JSON; ``key`` is the row's key as JSON, its instants in UTC."""

person = Table(
    "person",
    metadata,
    Column("login", Text, primary_key=True),
    Column("name", Text, nullable=False),
)
