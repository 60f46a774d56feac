# SPDX-License-Identifier: EUPL-1.2
"""Calls to numbers that are none of ours are counted, by number and trunk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from routing.core.events import CallReceived, CallRouted
from routing.store import Store

T0 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KNOWN, UNKNOWN = ("number", "open"), ("not_valid", "unknown_number")


async def dial(store: Store, number: str, minutes: int, reasons: tuple[str, ...], *, trunk: str = "carrier") -> None:
    at = T0 + timedelta(minutes=minutes)
    unique_id = f"{minutes}.{number[-2:]}"
    await store.record(
        [
            CallReceived(
                node="n", unique_id=unique_id, at=at, linked_id=unique_id, trunk=trunk, received=number,
                caller_number=None,
            ),
            CallRouted(
                node="n", unique_id=unique_id, at=at, level="service", destination_kind="play_announcement",
                dialled_number=number, tenant=None, service_line=None, queue=None, announcement="unknown-number",
                target=None, table_version=1, reasons=reasons,
            ),
        ]
    )  # fmt: skip


async def test_unknown_numbers_are_counted_since_an_instant(store: Store) -> None:
    await dial(store, "+493023125101", 0, UNKNOWN)
    await dial(store, "+493023125101", 5, UNKNOWN)
    await dial(store, "+493023125101", 6, UNKNOWN, trunk="carrier-b")
    await dial(store, "+493023125102", 7, UNKNOWN)
    await dial(store, "+493023125103", 8, KNOWN)
    found = await store.unknown_numbers(T0 + timedelta(minutes=1))
    assert [(item.trunk, item.dialled_number, item.calls, item.last_at) for item in found] == [
        ("carrier", "+493023125102", 1, T0 + timedelta(minutes=7)),
        ("carrier-b", "+493023125101", 1, T0 + timedelta(minutes=6)),
        ("carrier", "+493023125101", 1, T0 + timedelta(minutes=5)),
    ]
    (most, *_) = await store.unknown_numbers(T0)
    assert (most.dialled_number, most.calls) == ("+493023125101", 2)


async def test_a_number_that_has_expired_is_counted_without_it(store: Store) -> None:
    await dial(store, "+493023125101", 0, UNKNOWN)
    await store.expire_personal_data(T0 + timedelta(days=400))
    (item,) = await store.unknown_numbers(T0)
    assert (item.dialled_number, item.calls) == (None, 1)
