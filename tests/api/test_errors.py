"""Every refusal over a real socket: the status, the sentence, and the one shape, on every route."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.serving import BODY, EXPORTS, HERE, Client, Served, serving
from leadline.api.app import routed
from leadline.api.body import MAX_BYTES
from leadline.api.errors import CatchBugs
from leadline.exports import service
from leadline.home import Home

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUUX")


def in_shape(body: Any) -> bool:
    """Whether a body is the documented error: nothing missing, nothing more."""
    return (
        {"status", "error", "code"} <= set(body) <= {"status", "error", "code", "message", "details"}
        and body["status"] == "failed"
        and isinstance(body["error"], str)
        and isinstance(body["code"], str)
        and all(set(detail) == {"field", "message"} for detail in body.get("details", ()))
        and "Traceback" not in body["error"]
    )


def said(body: dict[str, Any]) -> str:
    """All that a refusal says: what was refused is in the message where the error is a sentence known to the letter."""
    return str(body.get("message", body["error"]))


def all_routes() -> list[tuple[str, set[str]]]:
    found: dict[str, set[str]] = {}
    for route in routed().router.routes:
        found.setdefault(route.path, set()).update(route.methods)  # type: ignore[attr-defined]
    return sorted(found.items())


@pytest.mark.parametrize(("path", "methods"), all_routes())
def test_every_route_refuses_in_one_shape(served: Served, path: str, methods: set[str]) -> None:
    concrete = path.replace("{exportId}", "exp_unknown")
    anonymous = Client(served.base)
    for method in METHODS:
        for client in (served.client, anonymous):
            answer = client.send(method, concrete, body=b"{" if method in ("POST", "PUT", "PATCH") else None)
            assert answer.status < 500
            if answer.status < 400:
                assert method in methods
                continue
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["cache-control"] == "no-store"
            assert method == "HEAD" or in_shape(answer.json), answer.body
            assert (answer.status == 405) is (method not in methods)
            if answer.status == 405:
                assert set(answer.headers["allow"].split(", ")) == methods


@pytest.mark.parametrize(
    ("address", "code", "would_do"),
    [
        ("facts?period=last-month", "no_insight", "with POST /v2/insights/facts/exports"),
        ("facts/cells", "no_insight", "insights are productivity, efficiency, ba, flow, ticket-data, sprint"),
        ("facts", "no_insight", "GET /v2/facts/{kind} has rows of facts page by page"),
        ("ticket-data/cells", "no_cells", "GET /v2/facts/{kind} has rows of facts page by page"),
        ("business-alignment/cells", "not_found", "ba is at /v2/insights/ba/cells"),
        ("ticket-data/metrics", "no_catalogue", "its columns follow from the data"),
        ("sprints", "not_found", "sprint is at /v2/insights/sprint"),
        ("business-alignment/metrics", "not_found", "ba is at /v2/insights/ba/metrics"),
        ("eficiency", "unknown_kind", "did you mean efficiency?"),
        ("shoes", "unknown_kind", "there are productivity, efficiency, ba, flow, ticket-data, sprint, facts"),
        ("shoes/exports", "unknown_kind", "there are productivity"),
        ("shoes/exports/exp_1/download", "unknown_kind", "there are productivity"),
    ],
)
def test_a_kind_that_cannot_be_asked_for_says_which_can(served: Served, address: str, code: str, would_do: str) -> None:
    for client in (served.client, Client(served.base)):
        answer = client.send("GET", f"/v2/insights/{address}")
        assert (answer.status, answer.json["code"]) == (404, code)
        assert in_shape(answer.json)
        assert would_do in answer.json["error"]


@pytest.mark.parametrize(
    "path", ["/", "/v2", "/v1/insights", "/docs", "/redoc", "/favicon.ico", EXPORTS + "/a/b", "/%00", "/%ff", "/..%2f"]
)
def test_unknown_addresses(served: Served, path: str) -> None:
    answer = served.client.get(path)
    assert answer.status == 404
    assert in_shape(answer.json)


def changed(**members: Any) -> dict[str, Any]:
    return {**BODY, **members}


REFUSED_BODIES: list[tuple[dict[str, Any], str, str]] = [
    (changed(scope={"teamId": "999"}), "Invalid teamId", "scope.teamId"),
    (changed(scope={"teamId": True}), "Invalid teamId", "scope.teamId"),
    (changed(scope={"orgTreeName": "Marketing"}), "Invalid orgTreeName", "scope.orgTreeName"),
    (changed(scope={"orgTreeName": "a\u0001b"}), "Invalid orgTreeName", "scope.orgTreeName"),
    (changed(options={"granularity": "hourly"}), "Unsupported granularity", "options.granularity"),
    (changed(options={"aggregation": "sum"}), "Unsupported aggregation", "options.aggregation"),
    (changed(options={"aggregationLevel": "org"}), "Unsupported aggregationLevel", "options.aggregationLevel"),
    (changed(options={"format": "xls"}), "Unsupported format", "options.format"),
    (changed(options={"compression": "zip"}), "Unsupported compression", "options.compression"),
    (changed(scope={}), "scope.orgTreeName or scope.teamId", "scope"),
    (changed(scope=None), "scope", "scope"),
    (changed(scope="Engineering"), "scope", "scope"),
    (changed(dateRange={"start": "2025-01-01"}), "dateRange.end", "dateRange.end"),
    (changed(dateRange={"start": "2025-02-30", "end": "2025-03-01"}), "Invalid date", "dateRange.start"),
    (changed(dateRange={"start": "01/02/2025", "end": "2025-03-01"}), "Invalid date", "dateRange.start"),
    (changed(dateRange={"start": "2025-03-02", "end": "2025-03-01"}), "must not be after", "dateRange"),
    (changed(dateRange={"start": "2015-01-01", "end": "2025-03-01"}), "at most 1830", "dateRange"),
    (changed(metrics=["PR_Mergd"]), "PR_Mergd", "metrics"),
    (changed(metrics="PR_Merged"), "metrics", "metrics"),
    (changed(metricGroups=["speed"]), "speed", "metricGroups"),
    ({}, "required", "scope"),
]


@pytest.mark.parametrize(("body", "sentence", "field"), REFUSED_BODIES)
def test_wrong_requests_are_found_at_creation(served: Served, body: dict[str, Any], sentence: str, field: str) -> None:
    before = served.client.get(EXPORTS).json["total"]
    answer = served.client.create(body)
    assert answer.status == 400, answer.body
    assert in_shape(answer.json)
    assert sentence in said(answer.json)
    assert any(detail["field"].startswith(field) for detail in answer.json["details"]), answer.json
    assert served.client.get(EXPORTS).json["total"] == before


def test_values_that_would_do_are_named(served: Served) -> None:
    refused = served.client.create(changed(options={"granularity": "hourly"})).json
    assert refused["message"] == 'Unsupported granularity: "hourly"; supported: daily, weekly, monthly, quarterly'


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scope": {"teamId": "999"}}, "Invalid teamId"),
        ({"scope": {"teamId": ["999"]}}, "Invalid teamId"),
        ({"scope": {"orgTreeName": "Marketing"}}, "Invalid orgTreeName"),
        ({"options": {"granularity": "hourly"}}, "Unsupported granularity"),
        ({"options": {"aggregationLevel": "org"}}, "Unsupported aggregationLevel"),
    ],
)
def test_sentences_that_clients_compare_with_stand_alone(served: Served, change: dict[str, Any], sentence: str) -> None:
    """What was refused is in the message beside, which opens with the same words."""
    refused = served.client.create(changed(**change)).json
    assert refused["error"] == sentence
    assert refused["message"].startswith(f"{sentence}: ")
    assert len(refused["message"]) > len(sentence) + 10


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", "{", 400),
        ("application/json", "", 400),
        ("application/json", "[]", 400),
        ("application/json", b"\xff\xfe", 400),
        ("application/json", "[" * 100_000, 400),
        ("application/x-www-form-urlencoded", "a=b", 415),
        ("text/plain", "{}", 415),
        ("application/json; charset=utf-16", "{}", 415),
    ],
)
def test_bodies_that_are_no_json(served: Served, content_type: str, body: str | bytes, status: int) -> None:
    answer = served.client.create(body, Content_Type=content_type)
    assert answer.status == status
    assert in_shape(answer.json)


def test_a_compressed_body_is_415(served: Served) -> None:
    assert served.client.create(BODY, Content_Encoding="gzip").status == 415


def test_a_body_without_a_type_is_read(served: Served) -> None:
    answer = served.client.send("POST", f"{EXPORTS}?{HERE}", body=json.dumps(BODY))
    assert answer.status in (200, 202), answer.body


def test_a_large_body_is_413(served: Served) -> None:
    text = json.dumps({**BODY, "padding": "x" * MAX_BYTES})
    answer = served.client.create(text)
    assert answer.status == 413
    assert in_shape(answer.json)
    largest = json.dumps({**BODY, "x": ""})[:-2] + "y" * (MAX_BYTES - len(json.dumps({**BODY, "x": ""}))) + '"}'
    assert len(largest) == MAX_BYTES
    assert served.client.create(largest).status in (200, 202)


def raw(served: Served, request: bytes) -> bytes:
    address = urlsplit(served.base)
    with socket.create_connection((address.hostname, address.port), timeout=120) as connection:
        connection.sendall(request)
        answer = b""
        while block := connection.recv(65536):
            answer += block
        return answer


def test_a_large_chunked_body_is_413(served: Served) -> None:
    head = (
        f"POST {EXPORTS}?{HERE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nSEI_API_KEY: {served.keys['viewer']}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = raw(served, head.encode() + chunk * 40 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert in_shape(json.loads(answer.partition(b"\r\n\r\n")[2]))


@pytest.mark.parametrize(
    "request_text", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n", b"\x16\x03\x01\r\n\r\n"]
)
def test_what_is_no_http_gets_the_shape_too(served: Served, request_text: bytes) -> None:
    answer = raw(served, request_text)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert in_shape(json.loads(answer.partition(b"\r\n\r\n")[2]))


@pytest.mark.parametrize("path", ["", "/download", "/cancel"])
@pytest.mark.parametrize("export", ["exp_unknown", "%00", "%F0%9F%98%80", "%ff", "'--", "x" * 4000])
def test_unknown_exports_are_404(served: Served, path: str, export: str) -> None:
    method = "POST" if path == "/cancel" else "GET"
    answer = served.client.send(method, f"{EXPORTS}/{export}{path}")
    assert answer.status == 404
    assert in_shape(answer.json)
    assert len(answer.json["error"]) < 300


def test_a_bug_is_a_500_that_tells_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(service, "listed", broken)
    with serving(home, workers=0) as running:
        answer = running.client.get(EXPORTS)
        assert answer.status == 500
        assert in_shape(answer.json)
        assert "secret" not in answer.body.decode()
        assert running.client.get("/healthz").status == 200


def test_what_the_end_of_the_server_cuts_short_is_a_503() -> None:
    """Not acknowledged, and no fault: the client is to ask again."""
    sent: list[dict[str, Any]] = []

    async def endless(*_: Any) -> None:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def told_to_stop() -> None:
        task = asyncio.ensure_future(CatchBugs(endless)({"type": "http", "method": "POST"}, receive, send))
        await asyncio.sleep(0)
        task.cancel()
        await task

    asyncio.run(told_to_stop())
    start, body = sent
    assert start["status"] == 503
    assert b"retry-after" in dict(start["headers"])
    assert json.loads(body["body"])["code"] == "store_error"
