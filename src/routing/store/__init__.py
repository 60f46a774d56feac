# SPDX-License-Identifier: EUPL-1.2
"""The only room with SQL: configuration rows, the call log, events in commit order, and feeds of both."""

from routing.store.feeds import EventFeed, TableFeed
from routing.store.migration import migrate
from routing.store.problems import StoreError
from routing.store.records import RoleUrls, StoredCall, StoredEvent
from routing.store.store import Store

__all__ = [
    "EventFeed",
    "RoleUrls",
    "Store",
    "StoreError",
    "StoredCall",
    "StoredEvent",
    "TableFeed",
    "migrate",
]
