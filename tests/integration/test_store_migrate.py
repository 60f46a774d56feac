# SPDX-License-Identifier: EUPL-1.2
"""Making a database ready, by every kind of admin, twice, at once, and after a newer program."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from routing.core.rows import Rows, TenantRow
from routing.store import RoleUrls, Store, StoreError, migrate
from routing.store.address import Address
from routing.store.migration import alembic_config
from routing.store.roles import PRIVILEGES, ROLES, quoted, role_name
from routing.store.schema import REVISION, VERSION_TABLE, metadata
from tests.support.database import PASSWORDS, Server, Template

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

CATALOGUE = """
    SELECT 'column', format('%s.%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                            a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid))
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE c.relnamespace = 'amtsleitung'::regnamespace AND c.relname <> 'alembic_version'
       AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT 'constraint', format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace = 'amtsleitung'::regnamespace AND conrelid::regclass::text !~ 'alembic'
    UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'amtsleitung' AND tablename !~ 'alembic'
    ORDER BY 1, 2
"""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(**Address.parse(url).arguments(), timeout=10, command_timeout=60)
    try:
        yield connection
    finally:
        await connection.close(timeout=10)


async def with_sqlalchemy(url: str, work: Callable[[Connection], None]) -> None:
    engine = create_async_engine(Address.parse(url).url(), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(work)
    finally:
        await engine.dispose()


async def test_the_models_are_what_the_migrations_make(database_server: Server, database: RoleUrls) -> None:
    """Alembic's own comparison, and PostgreSQL's catalogue, which also knows checks, defaults and predicates."""

    def check(connection: Connection) -> None:
        command.check(alembic_config(connection=connection))

    await with_sqlalchemy(database.owner, check)
    by_models = database_server.url_of(database_server.new_name())
    await database_server.admin.execute(f"CREATE DATABASE {quoted(Address.parse(by_models).database)}")
    async with connected(by_models) as connection:
        await connection.execute("CREATE SCHEMA amtsleitung")
        await with_sqlalchemy(by_models, metadata.create_all)
        expected = sorted(map(tuple, await connection.fetch(CATALOGUE)))
    async with connected(database.owner) as connection:
        found = sorted(map(tuple, await connection.fetch(CATALOGUE)))
    assert found == expected
    assert len(found) > 100


def test_this_code_knows_the_newest_migration_and_every_tables_privileges() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [REVISION]
    assert set(PRIVILEGES) == {table.name for table in metadata.tables.values()} | {VERSION_TABLE}


async def test_migrating_again_keeps_the_data_and_sets_the_new_passwords(database_server: Server) -> None:
    admin_url = database_server.url_of(database_server.new_name())
    before = await migrate(admin_url, passwords=PASSWORDS)
    await save_something(before)
    after = await migrate(admin_url, passwords=dict.fromkeys(ROLES, "another"))
    assert await live_version(after.web) == 1
    with pytest.raises(StoreError, match="does not let the role") as caught:
        await Store.connect(before.web)
    assert PASSWORDS["web"] not in str(caught.value)


async def test_several_may_migrate_at_once(database_server: Server) -> None:
    admin_url = database_server.url_of(database_server.new_name())
    all_urls = await asyncio.gather(*(migrate(admin_url, passwords=PASSWORDS) for _ in range(4)))
    assert len(set(all_urls)) == 1
    await save_something(all_urls[0])


@pytest.mark.parametrize("made_by_hand", [False, True], ids=["database made by migrate", "database made by hand"])
async def test_an_admin_need_not_be_a_superuser(database_server: Server, made_by_hand: bool) -> None:
    admin, password = await database_server.new_admin("CREATEROLE" if made_by_hand else "CREATEROLE CREATEDB")
    database = database_server.new_name()
    if made_by_hand:
        await database_server.admin.execute(f"CREATE DATABASE {quoted(database)} OWNER {quoted(admin)}")
    admin_url = replace(Address.parse(database_server.url_of(database)), user=admin, password=password).url()
    for _ in range(2):
        urls = await migrate(admin_url, passwords=PASSWORDS)
    await save_something(urls)
    assert await rights_of_roles(database_server, database) == {(True, False, False, False, False, False)}


async def rights_of_roles(server: Server, database: str) -> set[tuple[bool, ...]]:
    found = await server.admin.fetch(
        "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication "
        "FROM pg_roles WHERE rolname = ANY($1)",
        [role_name(database, role) for role in ROLES],
    )
    assert len(found) == len(ROLES)
    return set(map(tuple, found))


@pytest.mark.parametrize(
    ("rights", "owns", "sentence"),
    [
        ("CREATEDB", True, r"may not make roles .* ALTER ROLE .* CREATEROLE"),
        ("CREATEROLE", False, r"does not own the database .* ALTER DATABASE .* OWNER TO"),
    ],
)
async def test_an_admin_who_may_too_little_is_told_what_is_missing(
    database_server: Server, rights: str, owns: bool, sentence: str
) -> None:
    admin, password = await database_server.new_admin(rights)
    database = database_server.new_name()
    owner = f" OWNER {quoted(admin)}" if owns else ""
    await database_server.admin.execute(f"CREATE DATABASE {quoted(database)}{owner}")
    admin_url = replace(Address.parse(database_server.url_of(database)), user=admin, password=password).url()
    with pytest.raises(StoreError, match=sentence):
        await migrate(admin_url, passwords=PASSWORDS)
    roles = [role_name(database, role) for role in ROLES]
    assert await database_server.admin.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = ANY($1)", roles) == 0


async def test_a_role_that_is_too_mighty_is_not_taken_over(database_server: Server) -> None:
    database = database_server.new_name()
    await database_server.admin.execute(f"CREATE ROLE {quoted(role_name(database, 'web'))} CREATEDB")
    with pytest.raises(StoreError, match="more rights than it must have"):
        await migrate(database_server.url_of(database), passwords=PASSWORDS)


async def test_the_roles_may_do_no_more_than_they_need(database_server: Server, database_template: Template) -> None:
    urls = database_template.urls
    refused: Mapping[str, tuple[str, ...]] = {
        urls.web: ("SELECT secret FROM amtsleitung.device_secret", "DELETE FROM amtsleitung.call"),
        urls.router: ("DELETE FROM amtsleitung.call", "UPDATE amtsleitung.call_event SET payload = '{}'"),
        urls.owner: ("CREATE SCHEMA another", "CREATE ROLE another"),
    }
    for url, statements in refused.items():
        async with connected(url) as connection:
            for statement in (*statements, "CREATE TABLE public.x ()", "CREATE TEMP TABLE x ()"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
    for url in (urls.web, urls.router):
        async with connected(url) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("CREATE TABLE amtsleitung.x ()")


async def test_one_databases_roles_may_not_enter_another(database_server: Server) -> None:
    here, there = [database_server.new_name() for _ in range(2)]
    urls = await migrate(database_server.url_of(here), passwords=PASSWORDS)
    await migrate(database_server.url_of(there), passwords=PASSWORDS)
    with pytest.raises(StoreError, match="does not allow"):
        await Store.connect(replace(Address.parse(urls.router), database=there).url())


@pytest.mark.parametrize("suffix", ["", " Ämter \"A\" & 'B' 100%", "_" + "x" * 33], ids=["plain", "awkward", "longest"])
async def test_any_name_of_a_database_will_do(database_server: Server, suffix: str) -> None:
    database = database_server.new_name(suffix)
    await save_something(await migrate(database_server.url_of(database), passwords=PASSWORDS))


def test_roles_of_different_databases_never_share_a_name() -> None:
    names = ["a", "ä" * 31, "ä" * 31 + "b", "x" * 63, "x" * 62 + "y"]
    roles = [role_name(name, role) for name in names for role in ROLES]
    assert len(set(roles)) == len(roles)
    assert all(len(role.encode()) <= 63 for role in roles)


async def test_a_newer_database_is_left_alone(database_server: Server) -> None:
    admin_url = database_server.url_of(database_server.new_name())
    urls = await migrate(admin_url, passwords=PASSWORDS)
    async with connected(urls.owner) as connection:
        await connection.execute("UPDATE amtsleitung.alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer Amtsleitung .*9999.*update this program"):
        await migrate(admin_url, passwords=PASSWORDS)
    with pytest.raises(StoreError, match="newer Amtsleitung"):
        await Store.connect(urls.web)


async def test_an_old_or_foreign_database_asks_for_migrating(
    database_server: Server, database_template: Template
) -> None:
    clone = await database_server.clone(database_template.name)
    web = database_template.urls_of(clone).web
    async with connected(database_server.url_of(clone)) as connection:
        await connection.execute("UPDATE amtsleitung.alembic_version SET version_num = '0000'")
        with pytest.raises(StoreError, match=r"old tables \(0000.*run `amtsleitung migrate`"):
            await Store.connect(web)
        await connection.execute("DROP SCHEMA amtsleitung CASCADE")
    with pytest.raises(StoreError, match="no tables of Amtsleitung yet: run `amtsleitung migrate`"):
        await Store.connect(web)


async def test_a_failed_migration_leaves_the_database_as_it_was(
    database_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_after(connection: Connection, _address: Address) -> None:
        command.upgrade(alembic_config(connection=connection), "head")
        connection.exec_driver_sql("SELECT 1 / 0")

    admin_url = database_server.url_of(database_server.new_name())
    monkeypatch.setattr("routing.store.migration._run_alembic", fail_after)
    with pytest.raises(StoreError, match="division by zero"):
        await migrate(admin_url, passwords=PASSWORDS)
    async with connected(admin_url) as connection:
        assert await connection.fetchval("SELECT to_regnamespace('amtsleitung')") is None
    monkeypatch.undo()
    await save_something(await migrate(admin_url, passwords=PASSWORDS))


async def test_missing_things_are_named(
    database_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    admin_url = database_server.url_of(database_server.new_name())
    with pytest.raises(StoreError, match="role router"):
        await migrate(admin_url, passwords={"owner": "a", "web": "b"})
    with pytest.raises(StoreError, match="printable ASCII"):
        await migrate(admin_url, passwords={**PASSWORDS, "web": "Schlüssel"})
    monkeypatch.setattr("routing.store.migration.MIGRATIONS", tmp_path / "migrations")
    with pytest.raises(StoreError, match="migrations is missing"):
        await migrate(admin_url, passwords=PASSWORDS)


async def save_something(urls: RoleUrls) -> None:
    owner = await Store.connect(urls.owner)
    try:
        rows = Rows(tenants=(TenantRow(slug="a", name="Gemeinde Ä"),))
        assert await owner.save_rows(rows, author="test", comment="", at=T0, base_version=0) == 1
    finally:
        await owner.close()
    for url in (urls.router, urls.web):
        assert await live_version(url) == 1


async def live_version(url: str) -> int | None:
    store = await Store.connect(url)
    try:
        return await store.live_version()
    finally:
        await store.close()
