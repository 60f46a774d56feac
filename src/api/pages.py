# SPDX-License-Identifier: EUPL-1.2
"""The pages: an overview, and the agent's page with the pop."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from starlette.responses import HTMLResponse

from api.dependencies import Parts
from api.errors import ApiError
from api.texts import Texts, language_of, texts_in
from api.views import render

_SILENT_HEARTBEATS = 2.5  # a stream silent for longer is taken for dead by the page

router = APIRouter(include_in_schema=False)


def _texts(
    lang: Annotated[str | None, Query(max_length=16)] = None,
    accept_language: Annotated[str | None, Header()] = None,
) -> Texts:
    return texts_in(language_of(lang, accept_language))


PageTexts = Annotated[Texts, Depends(_texts)]


@router.get("/")
async def overview(parts: Parts, texts: PageTexts) -> HTMLResponse:
    """The agents' pages and the state of the service."""
    return render(
        "overview.html",
        texts,
        agents=sorted(parts.directory.agents),
        tenant_names=parts.directory.tenant_names,
        live=parts.hub.live,
        version=parts.directory.version,
    )


@router.get("/agent/{name}")
async def agent_page(
    parts: Parts,
    texts: PageTexts,
    name: Annotated[str, Path()],
) -> HTMLResponse:
    """The page on which an agent sees for whom a call is, before answering it."""
    if not parts.directory.is_known:
        raise ApiError(503, "no-configuration", "No configuration has been read yet; try again soon.")
    if name not in parts.directory.agents:
        raise ApiError(404, "agent-not-found", "There is no agent of this name.")
    return render(
        "agent.html",
        texts,
        agent=name,
        script_texts=asdict(texts.script),
        silence_seconds=_SILENT_HEARTBEATS * parts.heartbeat_seconds,
    )
