# SPDX-License-Identifier: EUPL-1.2
"""The only room with SQL: configuration rows, the call log, events in commit order, and feeds of both."""

from routing.store.event_feed import EventFeed
from routing.store.feeds import Load, RefusedError, TableFeed, VersionedTable, load_here
from routing.store.migration import migrate
from routing.store.problems import RefusedValuesError, StoreError
from routing.store.records import (
    Board,
    DrawnPop,
    FallbackCount,
    PopFigures,
    RoleUrls,
    StoredCall,
    StoredDraft,
    StoredEvent,
    StoredVersion,
    UnknownNumber,
)
from routing.store.slices import in_slices
from routing.store.store import Store

__all__ = [
    "Board",
    "DrawnPop",
    "EventFeed",
    "FallbackCount",
    "Load",
    "PopFigures",
    "RefusedError",
    "RefusedValuesError",
    "RoleUrls",
    "Store",
    "StoreError",
    "StoredCall",
    "StoredDraft",
    "StoredEvent",
    "StoredVersion",
    "TableFeed",
    "UnknownNumber",
    "VersionedTable",
    "in_slices",
    "load_here",
    "migrate",
]
