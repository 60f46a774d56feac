# SPDX-License-Identifier: EUPL-1.2
"""What the API answers, with a real database behind it, by real HTTP."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from fastapi.openapi.models import OpenAPI
from structlog.testing import capture_logs

from api import ServeError, create_app, run_api
from routing.store import Store
from tests.support.api_server import ApiServer, serving
from tests.support.stories import Story
from tests.support.tables import example_rows

PROBLEM = "application/problem+json"


@pytest.fixture
async def api(owner_store: Store, web_store: Store) -> AsyncIterator[ApiServer]:
    await owner_store.save_rows(example_rows(), author="test", comment="test", at=datetime.now(UTC), base_version=None)
    async with serving(web_store) as server:
        yield server


@pytest.fixture
async def client(api: ApiServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=api.url, trust_env=False, timeout=15) as opened:
        yield opened


async def test_health(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/health/live")).json() == {"status": "live"}
    assert (await client.get("/health/ready")).json() == {"status": "ready", "node": None, "table_version": 1}


async def test_calls_newest_first_page_by_page(client: httpx2.AsyncClient, store: Store) -> None:
    start = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    for number in range(5):
        story = Story(unique_id=f"1.{number}", start=start + timedelta(minutes=number))
        await store.record([*story.queued(), story.rung(), story.answered(), story.ended()])
    first = (await client.get("/calls", params={"limit": 3})).json()
    assert [call["unique_id"] for call in first["calls"]] == ["1.4", "1.3", "1.2"]
    rest = (await client.get("/calls", params={"limit": 3, "before": first["next_before"]})).json()
    assert [call["unique_id"] for call in rest["calls"]] == ["1.1", "1.0"]
    assert rest["next_before"] is None
    other = (await client.get("/calls", params={"tenant": "stadt-wolfsburg"})).json()
    assert other["calls"] == []


async def test_a_call_says_where_it_went_and_why(client: httpx2.AsyncClient, store: Store) -> None:
    story = Story(unique_id="1.1", caller_number=None)
    await store.record([*story.queued(), story.rung(), story.answered(), story.ended()])
    call = (await client.get("/calls/node1/1.1")).json()
    assert call["tenant_name"] == "Samtgemeinde Meinersen"
    assert call["line_title"] == "Vermittlung"
    assert "Samtgemeinde Meinersen" in call["agent_phrase"]
    assert (call["level"], call["kind"], call["outcome"]) == ("service", "enter_queue", "answered")
    assert call["reasons"] == ["number_known", "open"]
    assert (call["caller_number"], call["caller_withheld"]) == (None, True)
    assert [step["what"] for step in call["timeline"]] == [
        "received", "routed", "queued", "rung", "answered", "ended",
    ]  # fmt: skip


async def test_an_expired_number_is_not_a_withheld_one(client: httpx2.AsyncClient, store: Store) -> None:
    story = Story(unique_id="1.1")
    await store.record([*story.queued(), story.ended("abandoned")], expires_after=timedelta(seconds=1))
    assert (await client.get("/calls/node1/1.1")).json()["caller_number"] == "+493023125123"
    await store.expire_personal_data(datetime.now(UTC) + timedelta(days=400))
    call = (await client.get("/calls/node1/1.1")).json()
    assert (call["caller_number"], call["caller_withheld"]) == (None, False)


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/static/nothing.js", 404, "not-found"),
        ("GET", "/static/../app.py", 404, "not-found"),
        ("GET", "/calls/node1/no-such-call", 404, "call-not-found"),
        ("GET", "/calls/node1/no%00such", 422, "invalid-request"),
        ("GET", "/calls/no%20de/1.1", 422, "invalid-request"),
        ("POST", "/calls", 405, "method-not-allowed"),
        ("GET", "/calls?limit=0", 422, "invalid-request"),
        ("GET", "/calls?limit=many", 422, "invalid-request"),
        ("GET", "/calls?before=2026-11-23T09:00:00", 422, "invalid-request"),
        ("GET", "/calls?before=0001-01-01T00:00:00%2B14:00", 422, "invalid-request"),
        ("GET", "/calls?before=9999-12-31T23:59:59-14:00", 422, "invalid-request"),
        ("GET", "/calls?tenant=%00", 422, "invalid-request"),
        ("GET", "/events?agent=nobody", 404, "agent-not-found"),
        ("GET", "/events?after=-1", 400, "bad-last-event-id"),
        ("GET", "/events?after=9999999999999999999999", 400, "bad-last-event-id"),
        ("GET", "/events?after=%C2%B2", 400, "bad-last-event-id"),
        ("GET", "/agent/nobody", 404, "agent-not-found"),
        ("GET", "/docs", 404, "not-found"),
        ("GET", "/redoc", 404, "not-found"),
    ],
)
async def test_errors_are_problem_details(
    client: httpx2.AsyncClient, method: str, path: str, status: int, kind: str
) -> None:
    answer = await client.request(method, path, headers={"accept": "*/*"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert body["type"] == f"urn:amtsleitung:problem:{kind}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]


async def test_a_bad_last_event_id_header_is_a_problem(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/events", headers={"Last-Event-ID": "seven"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)


async def test_a_person_gets_a_page_in_plain_words(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/agent/%3Cscript%3Ex", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "Diesen Platz gibt es nicht" in answer.text
    assert "<script>x" not in answer.text
    english = await client.get("/agent/nobody?lang=en", headers={"accept": "text/html"})
    assert "There is no such desk" in english.text


@pytest.mark.parametrize("path", ["/", "/agent/agent01", "/calls", "/nothing", "/static/agent.js", "/openapi.json"])
async def test_every_answer_is_protected(client: httpx2.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


@pytest.mark.parametrize("host", ["amtsleitung.example", "127.0.0.1.example.org", "", "[::1", "localhost.example"])
async def test_foreign_host_names_are_refused(client: httpx2.AsyncClient, host: str) -> None:
    answer = await client.get("/calls", headers={"host": host})
    expected = 200 if host == "[::1" else 400  # uvicorn and we read the name, whatever the bracket
    assert answer.status_code == expected


async def test_pages_load_nothing_foreign(client: httpx2.AsyncClient) -> None:
    for path in ("/", "/agent/agent01", "/static/style.css", "/static/agent.js", "/static/stream.js"):
        text = (await client.get(path)).text
        assert "http://" not in text
        assert "https://" not in text


async def test_a_crash_tells_nothing(web_store: Store) -> None:
    app = create_app(store=web_store, node=None, allowed_hosts={"test"}, clock=lambda: datetime.now(UTC))

    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("geheim")

    transport = httpx2.ASGITransport(app=app)
    with capture_logs() as logs:
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.get("/crash")
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert answer.json()["type"] == "urn:amtsleitung:problem:internal"
    assert "geheim" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [entry["event"] for entry in logs] == ["unexpected error"]


async def test_not_ready_before_the_feed_lives(web_store: Store) -> None:
    app = create_app(store=web_store, node=None, allowed_hosts={"test"}, clock=lambda: datetime.now(UTC))
    transport = httpx2.ASGITransport(app=app)  # runs no lifespan: so no feed
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/health/ready")
        page = await client.get("/agent/agent01", headers={"accept": "text/html"})
    assert answer.status_code == 503
    assert answer.json()["missing"] == ["event feed"]
    assert page.status_code == 503
    assert "Noch keine Einstellungen" in page.text


async def test_the_interface_describes_itself(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    document = answer.json()
    assert OpenAPI.model_validate(document).openapi.startswith("3.1.")
    paths = {"/health/live", "/health/ready", "/calls", "/calls/{node}/{unique_id}", "/events", "/pops/{rung}/drawn"}
    assert set(document["paths"]) == paths
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert set(operation["responses"]) in ({"200", "default"}, {"202", "default"})
        assert set(operation["responses"]["default"]["content"]) == {PROBLEM}
    stream = document["paths"]["/events"]["get"]["responses"]["200"]
    assert set(stream["content"]) == {"text/event-stream"}
    named = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(re.findall(r'"\$ref": ?"([^"]+)"', answer.text)) <= named


ODD_VALUES = (
    "", "0", "-1", "1e400", "inf", "NaN", "9" * 400, "%00", "%ff", "%ED%A0%80", "%F0%9F%93%9E", "%0d%0aX:%201",
    "a" * 3000, "'%20or%201=1", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "-9223372036854775808",
    "[]", "{}", "%", "2026-11-23T09:00:00Z&before=0",
)  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "/?lang=", "/agent/agent01?lang=", "/agent/", "/calls?limit=", "/calls?before=", "/calls?tenant=", "/calls?",
        "/calls/", "/calls/node1/", "/events?agent=", "/events?after=", "/health/live?", "/health/ready?",
        "/openapi.json?", "/static/", "/favicon.ico?", "/",
    ],
)  # fmt: skip
async def test_nothing_a_caller_asks_is_our_fault(client: httpx2.AsyncClient, address: str) -> None:
    for value in ODD_VALUES:
        async with client.stream("GET", address + value) as answer:  # an event stream would have no end
            assert answer.status_code < 500, (value, await answer.aread())


async def test_a_taken_port_is_one_sentence(web_store: Store) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=rf"127\.0\.0\.1:{port}.*AMTSLEITUNG_API_BIND"):
            await run_api(
                store=web_store, host="127.0.0.1", port=port, stop=asyncio.Event(), ready=lambda _host, _port: None
            )
