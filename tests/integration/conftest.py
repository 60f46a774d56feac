# SPDX-License-Identifier: EUPL-1.2
"""Fixtures for tests of the feeds."""

from __future__ import annotations

import pytest

from routing.store import RoleUrls
from routing.store.address import Address
from tests.support.database import Server
from tests.support.feeds import Killer


@pytest.fixture
def killer(database_server: Server, database: RoleUrls) -> Killer:
    return Killer(database_server, Address.parse(database.web).database)
