# SPDX-License-Identifier: EUPL-1.2
"""The three login roles of a database: their names, what they may do, and passwords that no log ever sees.

========  =====================================================================================
owner     owns the schema and its tables: migrations, import, drafts, changes of the configuration
router    the call path and the observer: reads configuration and secrets, writes calls and events
web       pages and API: reads calls, events, configuration, drafts and people's names; no secrets. Writes when a
          pop was drawn, and nothing else
========  =====================================================================================
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator

from routing.store.call_tables import call, call_event, event_counter, pop_drawn
from routing.store.configuration_tables import ROW_TABLES, configuration_version, device_secret
from routing.store.draft_tables import draft, draft_change, person
from routing.store.fallback_counts import fallback_count
from routing.store.problems import StoreError
from routing.store.schema import SCHEMA, VERSION_TABLE

ROLES = ("owner", "router", "web")

_NAME_BYTES = 63  # PostgreSQL cuts longer names silently, and two databases would share one role
_HASH_DIGITS = 8
_SCRAM_ITERATIONS = 4096  # PostgreSQL's own number
_PLAIN = re.compile("[ -~]+")


def role_name(database: str, role: str) -> str:
    """``amtsleitung_router``; a long database name is shortened, with a hash of the whole so that none collide."""
    name = f"{database}_{role}"
    if len(name.encode()) <= _NAME_BYTES:
        return name
    tail = f"_{hashlib.sha256(database.encode()).hexdigest()[:_HASH_DIGITS]}_{role}"
    return database.encode()[: _NAME_BYTES - len(tail)].decode(errors="ignore") + tail


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def verifier(password: str) -> str:
    """What PostgreSQL stores for a password (RFC 5803): sent instead of it, so that no server log can hold it.

    Raises StoreError unless the password is printable ASCII, for which SASLprep changes nothing.
    """
    if not _PLAIN.fullmatch(password):
        raise StoreError("A database role's password has characters beyond printable ASCII: choose another.")
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _SCRAM_ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    salt_text, stored_text, server_text = (base64.b64encode(part).decode() for part in (salt, stored_key, server_key))
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{salt_text}${stored_text}:{server_text}"


CONFIGURATION = tuple(sorted([rows.table.name for rows in ROW_TABLES] + [configuration_version.name]))

PRIVILEGES: dict[str, dict[str, str]] = {
    **{name: {"router": "SELECT", "web": "SELECT"} for name in (*CONFIGURATION, VERSION_TABLE)},
    **{table.name: {"web": "SELECT"} for table in (draft, draft_change, person)},
    device_secret.name: {"router": "SELECT"},
    call.name: {"router": "SELECT, INSERT, UPDATE", "web": "SELECT"},
    call_event.name: {"router": "SELECT, INSERT", "web": "SELECT"},
    pop_drawn.name: {"web": "SELECT, INSERT, UPDATE"},
    event_counter.name: {"router": "SELECT, UPDATE", "web": "SELECT"},
    fallback_count.name: {"router": "SELECT, INSERT, UPDATE", "web": "SELECT"},
}
"""For each table, what the roles beside the owner may do with it. Every table must be named."""


def grants(router: str, web: str) -> Iterator[str]:
    """Statements that make the owner's grants exactly `PRIVILEGES`, whatever was granted before."""
    names = {"router": quoted(router), "web": quoted(web)}
    for name in names.values():
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM {name}"
        yield f"GRANT USAGE ON SCHEMA {SCHEMA} TO {name}"
    for table, privileges in PRIVILEGES.items():
        for role, allowed in privileges.items():
            yield f"GRANT {allowed} ON {SCHEMA}.{quoted(table)} TO {names[role]}"
