"""REST requests and answers held against an OpenAPI description: whether the path, its parameters and the fields are there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from published.traffic import ELEMENT, Exchange, KeyPath

Node = Mapping[str, Any]

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class Description:
    """An OpenAPI 3 description of an API, which answers below ``base`` (a path)."""

    def __init__(self, document: Node, base: str = "") -> None:
        self.document, self.base = document, base
        self.templates = {
            template: re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(template)))
            for template in document["paths"]
        }

    @staticmethod
    def read(file: Path, base: str = "") -> Description:
        return Description(json.loads(file.read_bytes()), base)

    # -- what is asked -----------------------------------------------------------------------------------------------

    def operation(self, exchange: Exchange) -> tuple[str, Node] | None:
        """The path's template and what is described of the request; of several that fit the most literal one."""
        path = exchange.path.removeprefix(self.base)
        fitting = [template for template, pattern in self.templates.items() if pattern.fullmatch(path)]
        for template in sorted(fitting, key=lambda template: template.count("{")):
            item = self.document["paths"][template]
            if (operation := item.get(exchange.method.lower())) is not None:
                return template, {**operation, "shared": item.get("parameters", [])}
        return None

    def faults(self, exchange: Exchange) -> list[str]:
        """What is wrong with a request, with what was read of its answer, and with that answer as such."""
        asked = self.operation(exchange)
        if asked is None:
            return [f"{exchange.method} {exchange.path.removeprefix(self.base)} is not described"]
        template, operation = asked
        faults = list(self._parameters(exchange, operation))
        faults += self._body(exchange.body, operation)
        if exchange.answer is not None and 200 <= exchange.status < 300:
            schema = self.answer(operation, exchange.status)
            if schema is None:
                faults.append(f"answers {exchange.status}, which is not described")
            else:
                faults += [f"reads {'.'.join(path)}" for path in sorted(exchange.reads) if not self.has(schema, path)]
                faults += [f"answers {text}" for text in self.mismatches(exchange.answer, schema, "")]
        return [f"{exchange.method} {template}: {text}" for text in dict.fromkeys(faults)]

    def _parameters(self, exchange: Exchange, operation: Node) -> Iterator[str]:
        parameters = [
            self.resolved(parameter) for parameter in (*operation.get("parameters", ()), *operation["shared"])
        ]
        declared = {parameter["name"]: parameter for parameter in parameters if parameter["in"] == "query"}
        for name, value in exchange.params:
            if name not in declared:
                yield f"asks with the parameter {name}"
            elif error := _unfit(value, self.resolved(declared[name].get("schema", {}))):
                yield f"asks with {name}={value}, {error}"
        for name, parameter in declared.items():
            if parameter.get("required") and name not in dict(exchange.params):
                yield f"asks without the parameter {name}"

    def _body(self, body: Any, operation: Node) -> Iterator[str]:
        if body is None:
            return
        content = self.resolved(operation.get("requestBody", {})).get("content", {})
        if "application/json" not in content:
            yield "sends a body"
            return
        schema = content["application/json"]["schema"]
        yield from (f"sends {text}" for text in self.mismatches(body, schema, ""))
        yield from (f"does not send {name}" for name in self.resolved(schema).get("required", ()) if name not in body)

    # -- what is answered --------------------------------------------------------------------------------------------

    def answer(self, operation: Node, status: int) -> Node | None:
        """The schema of an answer."""
        answers = operation["responses"]
        answer = self.resolved(answers.get(str(status)) or answers.get("default") or {})
        for kind, content in answer.get("content", {}).items():
            if "json" in kind and "schema" in content:
                schema: Node = content["schema"]
                return schema
        return None

    def resolved(self, schema: Node) -> Node:
        while "$ref" in schema:
            target: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                name = unquote(part).replace("~1", "/").replace("~0", "~")
                target = target[int(name) if isinstance(target, list) else name]
            schema = target
        return schema

    def variants(self, schema: Node) -> Iterator[Node]:
        """The schemas one of which a value of ``schema`` fits; parts that all hold are put together."""
        schema = self.resolved(schema)
        if "allOf" in schema:
            parts = [part for inner in schema["allOf"] for part in self.variants(inner)]
            merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
            merged["properties"] = {**merged.get("properties", {})}
            for part in parts:
                merged["properties"].update(part.get("properties", {}))
                merged.update({key: value for key, value in part.items() if key not in ("properties", "nullable")})
            yield merged
            return
        options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        if not options:
            yield schema
            return
        own = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
        for option in options:
            for variant in self.variants(option):
                # Some describe properties beside the variants, which only say which of them are required together.
                properties = {**own.get("properties", {}), **variant.get("properties", {})}
                nullable = own.get("nullable", False) or variant.get("nullable", False)
                yield {**own, **variant, **({"properties": properties} if properties else {}), "nullable": nullable}

    def has(self, schema: Node, path: KeyPath) -> bool:
        """Whether values of ``schema`` may have something at ``path``."""
        if not path:
            return True
        return any(
            inner is not None and self.has(inner, path[1:])
            for variant in self.variants(schema)
            for inner in [self._inner(variant, path[0])]
        )

    def _inner(self, schema: Node, key: str) -> Node | None:
        if key == ELEMENT:
            return schema.get("items", {}) if "array" in _types(schema) or not _types(schema) else None
        properties = schema.get("properties", {})
        if key in properties:
            inner: Node = properties[key]
            return inner
        more = schema.get("additionalProperties", False)
        described = bool(properties) or "array" in _types(schema)
        return (
            more if isinstance(more, dict) else {} if more is True or (not described and not _types(schema)) else None
        )

    def mismatches(self, value: Any, schema: Node, path: str) -> list[str]:
        """Where ``value`` is not as described: another type, null, a field that is not there. What is lacking is no fault."""
        fewest: list[str] = []
        for variant in self.variants(schema):
            errors = self._mismatches(value, variant, path)
            if not errors:
                return []
            fewest = errors if not fewest or len(errors) < len(fewest) else fewest
        return fewest

    def _mismatches(self, value: Any, schema: Node, path: str) -> list[str]:
        types = _types(schema)
        if types and not _is(value, types):
            return [f"{path or 'it'} as {type(value).__name__} instead of {' or '.join(sorted(types))}"]
        if value is not None and schema.get("enum") and value not in schema["enum"]:
            return [f"{path} as {value!r}, which is none of its values"]
        errors: list[str] = []
        if isinstance(value, dict):
            for key, inner in value.items():
                described = self._inner(schema, key)
                if described is None:
                    errors.append(f"{path}.{key}, which is not described")
                else:
                    errors += self.mismatches(inner, described, f"{path}.{key}")
        elif isinstance(value, list):
            for inner in value:
                errors += self.mismatches(inner, schema.get("items", {}), f"{path}[]")
        return errors


def _types(schema: Node) -> set[str]:
    declared = schema.get("type", ())
    types = {declared} if isinstance(declared, str) else set(declared)
    if not types and "properties" in schema:
        types = {"object"}
    return types | {"null"} if types and schema.get("nullable") else types


def _is(value: Any, types: Iterable[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in types
    return any(isinstance(value, TYPES[name]) for name in types)


def _unfit(text: str, schema: Node) -> str | None:
    """Why a parameter's text is no value of ``schema``."""
    if schema.get("type") == "integer":
        if not text.isdigit():
            return "which is no number"
        if int(text) > schema.get("maximum", int(text)) or int(text) < schema.get("minimum", 0):
            return "which is out of its bounds"
    if schema.get("type") == "boolean" and text not in ("true", "false"):
        return "which is neither true nor false"
    if schema.get("enum") and text not in schema["enum"]:
        return "which is none of its values"
    return None
