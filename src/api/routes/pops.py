# SPDX-License-Identifier: EUPL-1.2
"""``/pops``: what pages say of the pops they were sent."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from api.dependencies import Parts
from api.errors import ApiError

router = APIRouter(prefix="/pops", tags=["pops"])
_LARGEST_SEQ = 2**63 - 1


@router.post("/{rung}/drawn", status_code=202, response_description="Noted, if it is a ring of this agent's")
async def drawn(
    parts: Parts,
    rung: Annotated[int, Path(ge=1, le=_LARGEST_SEQ, description="Number of the event `rung`")],
    agent: Annotated[str, Query(max_length=64)],
    how: Annotated[Literal["live", "caught_up", "hidden"], Query(description="As it came; after a break; not seen")],
) -> None:
    """An agent's page has drawn the pop of this ring. Saying it again changes nothing."""
    if not parts.directory.is_known:  # just started: a page that hears 404 would not tell it again
        raise ApiError(503, "not-ready", "There is no table yet; tell it again soon.")
    if agent not in parts.directory.agents:
        raise ApiError(404, "agent-not-found", "There is no agent of this name.")
    if not parts.pops.take(rung, agent=agent, how=how):
        raise ApiError(503, "too-many-pops", "Too many pops wait to be written; tell it again soon.")
