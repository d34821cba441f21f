"""The checks against descriptions find what is wrong: shown on small descriptions with one fault at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from published.graphs import Schema
from published.openapi import Description
from published.traffic import Exchange, recorded
from stubs.server import Reply, Request, Tool, serving

SCHEMA = Schema("""
    scalar DateTime
    enum State { OPEN MERGED }
    interface Actor { login: String! }
    type User implements Actor { login: String! email: String @deprecated(reason: "ask for emails") }
    type Pull { id: ID! number: Int! state: State! createdAt: DateTime! author: Actor labels(first: Int): [String!]! }
    type Query { pull(number: Int!): Pull }
""")
QUERY = "query($number: Int!) { pull(number: $number) { id number state createdAt author { login } labels(first: 2) } }"
PULL: dict[str, Any] = {
    "id": "P1",
    "number": 1,
    "state": "OPEN",
    "createdAt": "2026-01-05T09:00:00Z",
    "author": {"login": "ada", "__typename": "User"},
    "labels": ["a"],
}


def answered(**changes: Any) -> list[str]:
    pull = {**PULL, "author": {"login": "ada"}, **changes}
    query = QUERY.replace("author { login }", "author { ... on User { login } }")
    return SCHEMA.differences(query, {"number": 1}, {"pull": {k: v for k, v in pull.items() if v != "absent"}})


def test_a_good_query_and_its_answer() -> None:
    assert SCHEMA.faults(QUERY, {"number": 1}) == []
    assert answered() == []
    assert answered(author=None) == []


@pytest.mark.parametrize(
    ("change", "variables", "fault"),
    [
        (("labels(first: 2)", "tags"), {"number": 1}, "Cannot query field 'tags' on type 'Pull'"),
        (("first: 2", "last: 2"), {"number": 1}, "Unknown argument 'last'"),
        (("author { login }", "author"), {"number": 1}, "must have a selection of subfields"),
        (("author { login }", "author { ... on User { email } }"), {"number": 1}, "is deprecated. ask for emails"),
        (("", ""), {"number": "one"}, "Variable '$number' has invalid value"),
        (("", ""), {}, "Variable '$number' has invalid value: Expected a value of non-null type"),
        (("", ""), {"number": 1, "size": 3}, "variable $size is not declared"),
    ],
)
def test_a_query_with_a_fault(change: tuple[str, str], variables: dict[str, Any], fault: str) -> None:
    (text,) = SCHEMA.faults(QUERY.replace(*change) if change[0] else QUERY, variables)
    assert fault in text


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"number": 3_000_000_000}, "Int cannot represent non 32-bit signed integer value"),
        ({"number": "1"}, ".pull.number is '1' instead of 1"),
        ({"state": "open"}, "cannot represent value"),
        ({"createdAt": "yesterday"}, "'yesterday' is no DateTime"),
        ({"id": None}, "Cannot return null for non-nullable field Pull.id"),
        ({"labels": ["a", None]}, "Cannot return null"),
        ({"number": "absent"}, "number is asked for and not answered"),
        ({"title": "more"}, ".pull.title is not asked for"),
    ],
)
def test_an_answer_with_a_fault(changes: dict[str, Any], fault: str) -> None:
    (text,) = answered(**changes)
    assert fault in text


# -- REST --------------------------------------------------------------------------------------------------------------

RUN = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string", "nullable": True},
        "status": {"type": "string", "enum": ["done", "open"]},
        "actor": {"anyOf": [{"type": "object", "properties": {"login": {"type": "string"}}}, {"type": "null"}]},
    },
}
PARAMETERS = [
    {"name": "per_page", "in": "query", "schema": {"type": "integer", "maximum": 100}},
    {"name": "order", "in": "query", "schema": {"type": "string", "enum": ["asc", "desc"]}},
]
DESCRIBED = Description(
    {
        "paths": {
            "/runs/{id}": {
                "get": {
                    "parameters": PARAMETERS,
                    "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/schemas/run"}}}}},
                }
            },
            "/runs": {
                "post": {
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/schemas/run"}}}},
                    "responses": {"201": {"description": "nothing"}},
                }
            },
        },
        "schemas": {"run": RUN},
    },
    "/api",
)
ANSWER = {"id": 7, "name": None, "status": "done", "actor": {"login": "ada"}}


def faults(path: str = "/api/runs/7", answer: Any = ANSWER, body: Any = None, *reads: tuple[str, ...]) -> list[str]:
    method, status = ("GET", 200) if body is None else ("POST", 201)
    exchange = Exchange(method, f"https://tool.example{path}", body, status, answer, set(reads))
    return [fault.partition(": ")[2] or fault for fault in DESCRIBED.faults(exchange)]


def test_a_good_request_and_its_answer() -> None:
    assert faults("/api/runs/7?per_page=100&order=asc", ANSWER, None, ("actor", "login"), ("name",)) == []
    assert faults("/api/runs", None, {"id": 7, "name": "x"}) == []


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (lambda: faults("/api/jobs/7"), "GET /jobs/7 is not described"),
        (lambda: faults("/api/runs/7?page=2"), "asks with the parameter page"),
        (lambda: faults("/api/runs/7?per_page=101"), "asks with per_page=101, which is out of its bounds"),
        (lambda: faults("/api/runs/7?order=up"), "asks with order=up, which is none of its values"),
        (lambda: faults("/api/runs", None, {"id": 7}), "does not send name"),
        (lambda: faults("/api/runs", None, {"id": 7, "name": 3}), "sends .name as int instead of null or string"),
        (lambda: faults("/api/runs/7", ANSWER, None, ("actor", "email")), "reads actor.email"),
        (lambda: faults(answer={**ANSWER, "id": None}), "answers .id as NoneType instead of integer"),
        (lambda: faults(answer={**ANSWER, "color": "red"}), "answers .color, which is not described"),
        (lambda: faults(answer={**ANSWER, "status": "gone"}), "answers .status as 'gone', which is none of its values"),
    ],
)
def test_a_request_or_an_answer_with_a_fault(asked: Callable[[], list[str]], fault: str) -> None:
    assert asked() == [fault]


# -- what is recorded --------------------------------------------------------------------------------------------------


class Runs(Tool):
    def answer(self, request: Request) -> Reply:
        return 200, {}, {"runs": [ANSWER], "asked": request.body}


def test_what_is_asked_and_what_is_read_is_recorded() -> None:
    with serving(Runs()) as url, recorded() as exchanges, httpx.Client() as client:
        response = client.post(f"{url}/runs?page=1", json={"name": "x"})
        read = json.loads(response.content)
        assert read["runs"][0].get("actor")["login"] == "ada"
        assert "color" not in read["runs"][0]
    (exchange,) = exchanges
    assert (exchange.method, exchange.path, exchange.params) == ("POST", "/runs", [("page", "1")])
    assert (exchange.body, exchange.answer) == ({"name": "x"}, {"runs": [ANSWER], "asked": {"name": "x"}})
    run = ("runs", "[]")
    assert exchange.reads == {("runs",), (*run, "actor"), (*run, "actor", "login"), (*run, "color")}
