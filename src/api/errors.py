# SPDX-License-Identifier: EUPL-1.2
"""Every error as RFC 9457 problem details, or in plain words where a person's browser asks for a page.

The text of an unexpected error never leaves the process: it may hold numbers, paths or secrets.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api.texts import language_of, texts_in
from api.views import render
from routing.store import StoreError

_URN = "urn:amtsleitung:problem:"
_MEDIA_TYPE = "application/problem+json"
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": f"{_URN}<kind>"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for the caller"},
    },
}

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {"description": "Problem details (RFC 9457)", "content": {_MEDIA_TYPE: {"schema": _PROBLEM_SCHEMA}}}
}
"""For OpenAPI: what every route answers with whenever it is not as its caller wished."""


class ApiError(Exception):
    """An answer that is an error: ``kind`` ends its type URN, ``detail`` is one sentence for the caller."""

    def __init__(self, status: int, kind: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.more = more


def problem_response(status: int, kind: str, detail: str, **more: Any) -> JSONResponse:
    """The problem as ``application/problem+json``."""
    title = HTTPStatus(status).phrase
    body = {"type": _URN + kind, "title": title, "status": status, "detail": detail} | more
    return JSONResponse(body, status_code=status, media_type=_MEDIA_TYPE)


def install_handlers(app: FastAPI) -> None:
    """Answer all expected errors; ``api.protection`` answers the others."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(StoreError, _no_database)


def _wants_page(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "")


def _answer(request: Request, status: int, kind: str, detail: str, **more: Any) -> Response:
    if not _wants_page(request.headers):
        return problem_response(status, kind, detail, **more)
    texts = texts_in(language_of(request.query_params.get("lang"), request.headers.get("accept-language")))
    heading, words = {
        "agent-not-found": (texts.agent_unknown_heading, texts.agent_unknown_words),
        "not-found": (texts.not_found_heading, texts.not_found_words),
        "database-unreachable": (texts.unavailable_heading, texts.unavailable_words),
        "no-configuration": (texts.no_configuration_heading, texts.no_configuration_words),
    }.get(kind, (texts.error_heading, texts.error_words))
    return render("error.html", texts, status=status, heading=heading, words=words)


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return _answer(request, error.status, error.kind, error.detail, **error.more)


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            return _answer(request, 404, "not-found", "There is nothing under this address.")
        case 405:
            response = problem_response(405, "method-not-allowed", "This address does not take this method.")
            response.headers.update(error.headers or {})
            return response
        case status:
            return problem_response(status, f"http-{status}", HTTPStatus(status).description or "The request failed.")


async def _invalid_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Only place and message: the input itself may be personal and is the caller's anyway.
    problems = [
        {"place": ".".join(str(part) for part in item["loc"]), "sentence": str(item["msg"])} for item in error.errors()
    ]
    return problem_response(422, "invalid-request", "The request has values that cannot be used.", problems=problems)


async def _no_database(request: Request, _error: Exception) -> Response:
    return _answer(request, 503, "database-unreachable", "The database cannot be asked at present; try again soon.")
