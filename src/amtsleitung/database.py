# SPDX-License-Identifier: EUPL-1.2
"""Making a database ready: roles with secrets of their own, migrations, the example in an empty one."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path

from amtsleitung.errors import Problem
from amtsleitung.privileges import private_directory
from amtsleitung.run_file import write_private
from amtsleitung.settings import CHECKOUT
from amtsleitung.tables import compiled, rows_of_file
from routing.core.table import Table
from routing.store import RoleUrls, Store, StoreError, migrate

ROLES = ("owner", "router", "web")
EXAMPLE = CHECKOUT / "examples" / "service-centre-wolfsburg.yaml"
SECRET_BYTES = 24


async def migrate_database(admin_url: str, state_directory: Path) -> RoleUrls:
    """Migrates, and leaves each role's URL in ``secrets/database-<role>.url``. Raises ``Problem``."""
    directory = private_directory(state_directory / "secrets", None)
    try:
        urls = await migrate(admin_url, passwords=_passwords(directory / "database-roles.json"))
    except StoreError as error:
        raise Problem(str(error)) from error
    for role in ROLES:
        write_private(directory / f"database-{role}.url", getattr(urls, role) + "\n")
    return urls


async def import_example_if_empty(owner_url: str) -> int:
    """Imports the example service centre into a database without a configuration; the live version either way."""
    try:
        store = await Store.connect(owner_url)
        try:
            live = await store.load_rows()
            if live is not None:
                return live[1]
            rows = rows_of_file(EXAMPLE)
            compiled(rows, version=0, place=str(EXAMPLE))
            comment = "example service centre"
            try:
                return await store.save_rows(
                    rows, author="amtsleitung run", comment=comment, at=datetime.now(UTC), base_version=0
                )
            except StoreError:
                if (meanwhile := await store.live_version()) is not None:
                    return meanwhile  # another start was faster, and what it imported may already be changed
                raise
        finally:
            await store.close()
    except StoreError as error:
        raise Problem(str(error)) from error


async def configuration(database_url: str) -> tuple[Table, dict[str, str]]:
    """The live table and the devices' secrets. Raises ``Problem``."""
    try:
        store = await Store.connect(database_url)
        try:
            live, device_secrets = await store.load_rows(), dict(await store.device_secrets())
        finally:
            await store.close()
    except StoreError as error:
        raise Problem(str(error)) from error
    if live is None:
        raise Problem("The database holds no configuration: import one with ./amtsleitung import FILE.yaml.")
    return compiled(live[0], version=live[1], place="the database"), device_secrets


def _passwords(path: Path) -> dict[str, str]:
    """The roles' passwords: made once, then kept."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and set(found) == set(ROLES) and all(isinstance(v, str) for v in found.values()):
            return found
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise Problem(f"{path} cannot be read: remove it, and new secrets are made at the next start.") from error
    made = {role: secrets.token_urlsafe(SECRET_BYTES) for role in ROLES}
    write_private(path, json.dumps(made))
    return made
