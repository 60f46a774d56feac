# SPDX-License-Identifier: EUPL-1.2
"""What was live under an older program means the same under this one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from alembic import command
from sqlalchemy import Connection

from routing.core.rows import (
    AgentGroupRow,
    AuthorityNumberRow,
    DidRow,
    NumberBlockRow,
    OpeningHoursRow,
    Rows,
    ServiceLineRow,
    SpecialHoursRow,
    StepRow,
    TenantRow,
    TrunkRow,
)
from routing.store import RoleUrls, Store, StoreError, migrate
from routing.store.address import Address
from routing.store.migration import alembic_config
from tests.support.database import PASSWORDS, Server

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


async def database_of_revision(revision: str, admin_url: str, rows: str) -> RoleUrls:
    """A database as an older program left it: with its tables, one version, and these rows in it."""

    def only_so_far(connection: Connection, _address: Address) -> None:
        command.upgrade(alembic_config(connection=connection), revision)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("routing.store.migration._run_alembic", only_so_far)
        patch.setattr("routing.store.migration.grants", lambda _router, _web: iter(()))  # they name today's tables
        urls = await migrate(admin_url, passwords=PASSWORDS)
    connection = await asyncpg.connect(**Address.parse(urls.owner).arguments(), timeout=10, command_timeout=60)
    try:
        await connection.execute("SET search_path TO amtsleitung")
        await connection.execute(
            "INSERT INTO configuration_version (version, author, comment, at) VALUES (1, 'alt', '', $1)", T0
        )
        await connection.execute(rows)
    finally:
        await connection.close(timeout=10)
    with pytest.raises(StoreError, match=rf"old tables \({revision}.*run `amtsleitung migrate`"):
        await Store.connect(urls.owner)
    return urls


async def test_special_hours_come_to_a_database_that_has_opening_hours(database_server: Server) -> None:
    """What was live under migration 0001 is live under the newest, and can then be changed."""
    admin_url = database_server.url_of(database_server.new_name())
    hours = """
        INSERT INTO opening_hours (name, timezone, weekly, holiday_calendar, holiday_dates, version_from)
        VALUES ('service', 'Europe/Berlin', '[[0, 420, 1080]]', 'DE-NI', '[["2026-12-25", "Weihnachten"]]', 1)
    """
    urls = await database_of_revision("0001", admin_url, hours)
    await migrate(admin_url, passwords=PASSWORDS)
    kept = OpeningHoursRow(
        name="service",
        timezone="Europe/Berlin",
        weekly=((0, 420, 1080),),
        holiday_calendar="DE-NI",
        holiday_dates=((date(2026, 12, 25), "Weihnachten"),),
    )
    closure = SpecialHoursRow(
        name="zu", title="Zu", opens=False, valid_from=T0, valid_to=T0 + timedelta(days=1), opening_hours="service"
    )
    owner = await Store.connect(urls.owner)
    try:
        assert await owner.load_rows() == (Rows(opening_hours=(kept,)), 1)
        rows = Rows(opening_hours=(replace(kept, holiday_removals=("10-31",)),), special_hours=(closure,))
        assert await owner.save_rows(rows, author="neu", comment="", at=T0, base_version=1) == 2
    finally:
        await owner.close()
    for url in (urls.router, urls.web):
        store = await Store.connect(url)
        try:
            assert await store.live_version() == 2
        finally:
            await store.close()


ROWS_OF_0002 = """
    INSERT INTO tenant (slug, name, valid_from, version_from) VALUES ('stadt', 'Stadt', '2014-10-01Z', 1);
    INSERT INTO agent_group (name, title, version_from) VALUES ('allgemein', 'Allgemein', 1);
    INSERT INTO trunk (name, address, number_format, has_other_route, demonstration, version_from)
        VALUES ('carrier', '127.0.0.2', 'national', true, false, 1);
    INSERT INTO service_line (tenant, name, title, opening_hours, agent_group, greeting_text,
                              closed_forward_number, closed_forward_trunk, version_from)
        VALUES ('stadt', 'auskunft', 'Auskunft', 'service', 'allgemein', 'Guten Tag.', '+493023125100', 'carrier', 1),
               ('stadt', '115', '115', 'service', 'allgemein', NULL, NULL, NULL, 1);
    INSERT INTO number_block (head_number, tenant, desk_digits, desk_trunk, version_from)
        VALUES ('+49537289', 'stadt', 3, 'carrier', 1), ('+49537488', 'stadt', NULL, NULL, 1);
    INSERT INTO did (head_number, extension, tenant, service_line, version_from)
        VALUES ('+49537289', '0', 'stadt', 'auskunft', 1);
    INSERT INTO authority_number (area_code, tenant, service_line, version_from)
        VALUES ('', 'stadt', '115', 1), ('5372', 'stadt', '115', 1);
    INSERT INTO special_hours (name, title, opens, valid_from, valid_to, tenant, version_from)
        VALUES ('zu', 'Zu', false, '2026-11-23 09:00Z', '2026-11-24 09:00Z', 'stadt', 1);
"""


async def test_the_rows_of_one_meaning_come_to_the_tables_of_many(database_server: Server) -> None:
    """What was live under migration 0002 means the same under the newest, column by column."""
    admin_url = database_server.url_of(database_server.new_name())
    urls = await database_of_revision("0002", admin_url, ROWS_OF_0002)
    await migrate(admin_url, passwords=PASSWORDS)
    line: dict[str, Any] = {"tenant": "stadt", "opening_hours": "service", "agent_group": "allgemein"}
    forward = StepRow(kind="forward", number="+493023125100", trunk="carrier")
    expected = Rows(
        tenants=(TenantRow(slug="stadt", name="Stadt", valid_from=datetime(2014, 10, 1, tzinfo=UTC)),),
        agent_groups=(AgentGroupRow(name="allgemein", title="Allgemein"),),
        trunks=(TrunkRow(name="carrier", address="127.0.0.2", number_format="national", has_other_route=True),),
        service_lines=(
            ServiceLineRow(name="auskunft", title="Auskunft", greeting_text="Guten Tag.", closed=(forward,), **line),
            ServiceLineRow(name="115", title="115", **line),
        ),
        number_blocks=(
            NumberBlockRow(head_number="+49537289", tenant="stadt", desk_digits=(3,), desk_trunk="carrier"),
            NumberBlockRow(head_number="+49537488", tenant="stadt"),
        ),
        dids=(DidRow(head_number="+49537289", extension="0", tenant="stadt", service_line="auskunft"),),
        authority_numbers=tuple(
            AuthorityNumberRow(origin=origin, tenant="stadt", service_line="115") for origin in ("neutral", "5372")
        ),
        special_hours=(
            SpecialHoursRow(
                name="zu", title="Zu", opens=False, valid_from=T0, valid_to=T0 + timedelta(days=1), tenant="stadt"
            ),
        ),
    )
    owner = await Store.connect(urls.owner)
    try:
        loaded = await owner.load_rows()
        assert loaded is not None
        assert set(loaded[0].all()) == set(expected.all())
        assert await owner.save_rows(expected, author="neu", comment="", at=T0, base_version=1) == 1  # nothing differs
        later = replace(expected, dids=(replace(expected.dids[0], last_extension="9"), *expected.dids))
        assert await owner.save_rows(later, author="neu", comment="", at=T0, base_version=1) == 2
    finally:
        await owner.close()
