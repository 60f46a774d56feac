# SPDX-License-Identifier: EUPL-1.2
"""Templates and how they are filled; every value is escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.texts import Texts

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, texts: Texts, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page in the language of ``texts``."""
    page = _environment.get_template(template).render(t=texts, **values)
    headers = {"content-language": texts.language, "vary": "accept, accept-language"}
    return HTMLResponse(page, status_code=status, headers=headers)
