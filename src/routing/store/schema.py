# SPDX-License-Identifier: EUPL-1.2
"""Where every table lives, and which migration this code was written for."""

from __future__ import annotations

from sqlalchemy import MetaData

SCHEMA = "amtsleitung"
"""A schema of our own: the database may hold other things, and ``public`` is left alone."""

REVISION = "0006"
"""The newest migration. Revisions are numbers of four digits, so that a database can be told to be newer."""

VERSION_TABLE = "alembic_version"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    },
)

TABLE_CHANNEL = "amtsleitung_table"
"""NOTIFY's channel for a new version of the configuration; the payload is the version."""

EVENT_CHANNEL = "amtsleitung_event"
"""NOTIFY's channel for new events; the payload is the last one's number."""
