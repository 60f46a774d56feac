# SPDX-License-Identifier: EUPL-1.2
"""``/health``: whether the process turns, and whether it can do its work."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from api.dependencies import Parts
from api.errors import ApiError
from api.schemas import Live, Ready
from routing.store import StoreError

router = APIRouter(prefix="/health", tags=["health"])
_DEADLINE_SECONDS = 3.0


@router.get("/live")
async def live() -> Live:
    """The process turns."""
    return Live()


@router.get("/ready")
async def ready(parts: Parts) -> Ready:
    """Calls can be read and events arrive; else 503 with what is ``missing``."""
    missing = []
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            await parts.store.ping()
    except (StoreError, TimeoutError):
        missing.append("database")
    if not parts.hub.live:
        missing.append("event feed")
    if missing:
        raise ApiError(503, "not-ready", f"Not ready, missing: {', '.join(missing)}.", missing=missing)
    return Ready(node=parts.node, table_version=parts.directory.version)
