"""Every array in the document says of what, every instant that it is one, and every answer is an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from api.document import DOCUMENT


def schemas(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if isinstance(node.get("type"), str) or "properties" in node:
            yield place, node
        for name, below in node.items():
            yield from schemas(below, f"{place}/{name}")
    elif isinstance(node, list):
        for at, below in enumerate(node):
            yield from schemas(below, f"{place}/{at}")


def variants(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from variants(part)


def test_arrays_say_of_what() -> None:
    found = list(schemas(DOCUMENT))
    assert len(found) > 500
    assert [place for place, schema in found if schema.get("type") == "array" and "items" not in schema] == []


def test_instants_are_instants() -> None:
    bare = []
    instants = 0
    for place, schema in schemas(DOCUMENT):
        for name, of_member in schema.get("properties", {}).items():
            if not name.endswith(("At", "AsOf", "_at", "_as_of")) or not isinstance(of_member, dict):
                continue
            texts = [one for one in variants(of_member) if one.get("type") == "string"]
            instants += len(texts)
            bare += [f"{place}/{name}" for one in texts if one.get("format") not in ("date", "date-time")]
    assert instants > 20
    assert bare == []


def test_answers_are_objects() -> None:
    lists = set()
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            for status, answer in operation.get("responses", {}).items() if isinstance(operation, dict) else ():
                schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
                if "$ref" in schema:
                    schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
                if schema.get("type") == "array":
                    lists.add((method, path))
                assert status
    assert not lists
