"""Whatever is sent wrong, to whichever route, the answer speaks of the request, and neither of the program behind it nor in the
words of the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from api.document import DOCUMENT
from api.serving import HERE, Served

OF_PYTHON = re.compile(
    r"\bb'|\bb\"|NoneType|<class|<function|object at 0x|Traceback|\bdict\b|\bstr\b|\bNone\b|\bTrue\b|\bFalse\b|instance of|"
    r"pydantic|[a-z](Error|Exception)\b|\bleadline\.[a-z]+\.|Input should|argument of type|unhashable|datetime\.|"
    r"(?<![\w-])--[a-z]"
)
WRONG = [None, True, 5, -1.5, "x", "", "\u0001", "a" * 300, [], [1], [None], {}, {"a": 1}, [[]], 1e300]
BODIES = [
    b"",
    b"[]",
    b"{}",
    b"null",
    b"5",
    b'"x"',
    b"\xff\xfe",
    b'{"a":',
    b"[1]",
    b'[{"a":1}]',
    b"true",
    b"NaN",
    b"\x00",
]


def operations() -> list[tuple[str, str]]:
    methods = ("get", "post", "put", "patch", "delete")
    return [
        (method.upper(), path)
        for path, item in sorted(DOCUMENT["paths"].items())
        for method in methods
        if method in item
    ]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def members(schema: dict[str, Any], depth: int = 0) -> Iterator[tuple[str, ...]]:
    """The paths of the members that an object may have."""
    schema = resolved(schema)
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from members(part, depth)
    for name, of_member in schema.get("properties", {}).items():
        yield (name,)
        if depth < 2:
            yield from ((name, *below) for below in members(of_member, depth + 1))


def with_member(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    return {path[0]: value if len(path) == 1 else with_member(path[1:], value)}


def bodies(operation: dict[str, Any]) -> Iterator[bytes]:
    yield from BODIES
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    for path in members(content["schema"]) if content else ():
        for value in WRONG:
            yield json.dumps(with_member(path, value)).encode()


@pytest.mark.parametrize(("method", "path"), operations())
def test_no_answer_shows_the_language_it_was_written_in(served: Served, method: str, path: str) -> None:
    operation = DOCUMENT["paths"][path][method.lower()]
    concrete = re.sub(r"\{[^}]*\}", "x", path)
    admin = served.as_("admin")
    joined = "&" if "?" in concrete else "?"
    for parameter in operation.get("parameters", ()):
        if parameter.get("in") == "query" and parameter["name"] not in ("projectIdentifier", "orgIdentifier"):
            for value in ("", "x", "-1", "\u0001", "[]", "a" * 300):
                address = f"{concrete}{joined}{HERE}&{parameter['name']}={quote(value)}"
                check(admin.send(method, address, body=None if method == "GET" else b""))
    if "requestBody" in operation:
        for body in bodies(operation):
            headers = {"Content-Type": "application/json"}
            check(admin.send(method, f"{concrete}{joined}{HERE}", headers=headers, body=body))


def check(answer: Any) -> None:
    assert answer.status < 500, answer.body
    if answer.status < 400:
        return
    said = {name: text for name, text in answer.json.items() if name != "code"}
    assert not OF_PYTHON.search(json.dumps(said, ensure_ascii=False)), said
