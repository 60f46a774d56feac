# SPDX-License-Identifier: EUPL-1.2
"""``/calls``: what became of calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, AwareDatetime

from api.dependencies import Parts
from api.errors import ApiError
from api.schemas import CallDetails, CallPage, details_of

router = APIRouter(prefix="/calls", tags=["calls"])


def _in_utc(at: datetime) -> datetime:
    # The database is asked in UTC, and an instant at either end of the calendar may have no date there.
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("Input should be an instant of the years 1 to 9999 in UTC") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


@router.get("")
async def calls(
    parts: Parts,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[Instant | None, Query(description="Only calls received before this instant")] = None,
    tenant: Annotated[str | None, Query(max_length=64, pattern="^[a-z0-9-]*$")] = None,
) -> CallPage:
    """Calls, newest first; ``next_before`` asks for the next page."""
    found = await parts.store.calls(limit=limit, before=before, tenant=tenant)
    page = [details_of(call, parts.directory) for call in found]
    return CallPage(calls=page, next_before=page[-1].received_at if len(page) == limit else None)


@router.get("/{node}/{unique_id}")
async def call(
    parts: Parts,
    node: Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")],
    unique_id: Annotated[str, Path(max_length=160, pattern=r"^[\x21-\x7e]+$")],
) -> CallDetails:
    """One call: where it went, who decided, why, and when."""
    found = await parts.store.call(node, unique_id)
    if found is None:
        raise ApiError(404, "call-not-found", "There is no such call; it may never have reached this node.")
    return details_of(found, parts.directory)
