"""`POST /mcp` among the other routes: keys, pages of other sites, methods, sizes, and what every answer has."""

from __future__ import annotations

import importlib.util
import json
import re
from typing import Any

import pytest

from agents import talking
from agents.conftest import Agent
from api.serving import Answer, Client, Served
from api.test_errors import in_shape
from leadline.api.rate_limit import RateLimit

ACCEPT = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


def message(method: str = "tools/list", **parameters: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": parameters})


def post(served: Served, key: str | None, body: str | bytes = "", path: str = "/mcp", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client(served.base, key).send("POST", path, headers={**ACCEPT, **named}, body=body or message())


def test_a_key_is_needed_in_any_spelling(served: Served) -> None:
    key = served.keys["viewer"]
    assert post(served, key).status == 200
    for name, value in (("authorization", f"Bearer {key}"), ("authorization", f"ApiKey {key}"), ("x-api-key", key)):
        assert post(served, None, **{name: value}).status == 200
    for wrong in ({}, {"authorization": "Bearer nothing"}, {"authorization": key}):
        answer = post(served, None, **wrong)
        assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "ApiKey"
    answer = post(served, served.keys["ingestion"])
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    other = post(served, key, path="/mcp?orgIdentifier=other&projectIdentifier=secret")
    assert other.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:6274"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Origin": "http://rebound.example", "Sec_Fetch_Site": "same-site"},
    ],
)
def test_pages_of_other_sites_are_refused_even_with_a_key(served: Served, headers: dict[str, str]) -> None:
    answer = post(served, served.keys["viewer"], **headers)
    assert (answer.status, answer.json["code"]) == (403, "foreign_origin")
    assert in_shape(answer.json)


def test_a_page_of_this_server_may_ask(served: Served) -> None:
    assert post(served, served.keys["viewer"], Origin=served.base).status == 200


def test_each_request_stands_for_itself(served: Served) -> None:
    for method in ("GET", "DELETE", "PUT"):
        answer = Client(served.base, served.keys["viewer"]).send(method, "/mcp", headers=ACCEPT)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    answers = [post(served, served.keys["viewer"], Mcp_Session_Id="anything") for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert all("mcp-session-id" not in answer.headers for answer in answers)
    assert answers[0].json == answers[1].json


def test_what_every_answer_has(served: Served) -> None:
    answer = post(served, served.keys["viewer"], X_Request_ID="agent-1")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"] == "agent-1"
    assert answer.json["result"]["tools"][0]["name"] == "find_team"
    below = post(served, served.keys["viewer"], path="/gateway/sei/api//mcp/")
    assert below.json == answer.json


NO_MESSAGES: dict[str | bytes, tuple[int, str]] = {
    "{": (-32700, "the body is not JSON in UTF-8 (line 1, column 2)"),
    b"\xff": (-32700, "the body is not JSON in UTF-8"),
    "[" * 100_000: (-32700, "the body is nested too deeply"),
    "[]": (-32600, "several messages in a list are not taken"),
    '"text"': (-32600, 'a message is a JSON object, not "text"'),
    "{}": (-32600, 'jsonrpc must be "2.0"'),
    '{"jsonrpc": "1.0", "id": 1, "method": "tools/list"}': (-32600, 'jsonrpc must be "2.0", not "1.0"'),
    '{"jsonrpc": "2.0", "id": 1}': (-32600, "method is required"),
    '{"jsonrpc": "2.0", "id": {}, "method": "tools/list"}': (
        -32600,
        "id must be a text or a whole number, not an object",
    ),
    '{"jsonrpc": "2.0", "id": 1, "method": 7}': (-32600, "method must be a text, not 7"),
    '{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": []}': (
        -32600,
        "params must be an object, not a list",
    ),
    '{"jsonrpc": "2.0", "id": 1, "result": 5}': (-32600, "it is neither a request nor an answer of JSON-RPC 2.0"),
}
WORDS_OF_PROGRAMS = re.compile(
    "pydantic|validation error|Input should|Traceback|jsonrpc(request|message|response)|python", re.IGNORECASE
)


@pytest.mark.parametrize("body", NO_MESSAGES, ids=range(len(NO_MESSAGES)))
def test_what_is_no_message_is_refused(served: Served, body: str | bytes) -> None:
    code, why = NO_MESSAGES[body]
    answer = post(served, served.keys["viewer"], body)
    assert answer.status == 400
    assert (answer.json["jsonrpc"], answer.json["error"]["code"]) == ("2.0", code)
    assert answer.json["id"] == (1 if isinstance(body, str) and '"id": 1' in body else None)
    assert why in answer.json["error"]["message"]
    assert '"method": "tools/list"' in answer.json["error"]["message"]
    assert not WORDS_OF_PROGRAMS.search(answer.body.decode())
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [
        message("tools/call", name=5),
        message("tools/call"),
        message("tools/call", name="find_team", arguments=[]),
        message("initialize"),
        message("nosuch"),
    ],
)
def test_messages_that_ask_for_nothing_that_there_is_are_answered_in_plain_words(served: Served, body: str) -> None:
    answer = post(served, served.keys["viewer"], body)
    assert answer.json["error"]["message"]
    assert not WORDS_OF_PROGRAMS.search(answer.body.decode())


def test_a_message_is_bounded(served: Served) -> None:
    answer = post(
        served, served.keys["viewer"], message("tools/call", name="find_team", arguments={"name": "x" * (1 << 20)})
    )
    assert answer.status == 413
    text = "x" * 100_000
    refused = post(
        served, served.keys["viewer"], message("tools/call", name="find_team", arguments={"name": text})
    ).json
    assert refused["result"]["isError"] is True
    assert len(json.dumps(refused)) < 2000


def test_calls_are_counted_with_all_others_of_the_key(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    limit, take = RateLimit(2, clock=lambda: 100.0), RateLimit.take
    monkeypatch.setattr(RateLimit, "take", lambda _self, key: take(limit, key))
    statuses = [post(served, served.keys["viewer"]).status for _ in range(8)]
    assert (statuses[0], statuses[-1]) == (200, 429)


def test_without_the_library_it_says_what_to_install(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("leadline.agents.protocol.find_spec", lambda name: None if name == "mcp" else found(name))
    answer = post(served, served.keys["viewer"])
    assert (answer.status, answer.json["code"]) == (501, "mcp_not_installed")
    assert "leadline[mcp]" in answer.json["error"]


def test_titles_are_data_and_nothing_else(served: Served, agent: Agent) -> None:
    """What people wrote stands in members of rows; no sentence of a tool has it."""
    titles = {row["title"] for row in agent.get("/v2/facts/pull-requests", limit=50).json["rows"] if row["title"]}
    assert titles
    answers = talking.over_http(
        served.base,
        served.keys["viewer"],
        talking.calls(
            ("list_facts", {"kind": "pull-requests", "limit": 20}),
            (
                "explain_cell",
                {"metric": "PR_Merged", "orgTreeName": tree(agent), "period": "last-12-months", "limit": 20},
            ),
        ),
    )
    for answer in answers:
        rows = answer.pop("rows")
        assert rows
        told = json.dumps(answer)
        texts = [row.get("title") or row.get("row", {}).get("title") for row in rows]
        assert any(texts)
        assert not any(text and text in told for text in texts)
    listed = post(served, served.keys["viewer"]).body.decode()
    assert not any(re.search(re.escape(title), listed) for title in titles if len(title) > 12)


def tree(agent: Agent) -> str:
    name: str = agent.get("/v2/org-trees").json["orgTrees"][0]["name"]
    return name
