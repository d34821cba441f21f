"""GraphQL queries and answers held against a schema: whether a server would take the one and could give the other."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLType,
    InlineFragmentNode,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    is_nullable_type,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values
from graphql.validation import NoDeprecatedCustomRule

Gone = Callable[[str, str, GraphQLType], bool]
"""Whether a field is null: by its type's name, its own and the type of what it is."""
TEXTS = {
    "DateTime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    "Time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    "GitObjectID": re.compile(r"[0-9a-f]{40}"),
    "URI": re.compile(r"https?://\S+"),
    "GitTimestamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"),
}
"""How the values of scalar types that the tools define themselves are written."""


class Schema:
    """A schema by its text (SDL)."""

    def __init__(self, text: str) -> None:
        self.graphql: GraphQLSchema = build_schema(text, assume_valid=True)
        for name, pattern in TEXTS.items():
            if (scalar := self.graphql.type_map.get(name)) is not None:
                scalar.coerce_output_value = _written(name, pattern)  # type: ignore[attr-defined]

    def faults(self, query: str, variables: Mapping[str, Any] | None = None) -> list[str]:
        """What a server would refuse of a query, what is deprecated of it, and which of ``variables`` do not fit."""
        faults = list(self._refused(query))
        if variables is not None and not faults:
            declared = _operation(_parsed(query)).variable_definitions or ()
            values = get_variable_values(self.graphql, declared, dict(variables))
            faults += [error.message for error in values] if isinstance(values, list) else []
            unknown = set(variables) - {definition.variable.name.value for definition in declared}
            faults += [f"variable ${name} is not declared" for name in sorted(unknown)]
        return faults

    @functools.cache  # noqa: B019 - a schema lives as long as the tests
    def _refused(self, query: str) -> tuple[str, ...]:
        errors = validate(self.graphql, _parsed(query))
        errors += validate(self.graphql, _parsed(query), [NoDeprecatedCustomRule])
        return tuple(error.message for error in errors)

    def differences(self, query: str, variables: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
        """What is in ``data`` that a server could not have answered: wrong types, nulls, unknown values, other keys."""
        result = execute_sync(
            self.graphql,
            _parsed(query),
            root_value=data,
            variable_values=dict(variables),
            field_resolver=_answered,
            type_resolver=_type_of,
        )
        differences = [f"{'.'.join(map(str, error.path or ()))}: {error.message}" for error in result.errors or ()]
        return differences or _unequal(result.data, data, "")

    def without(
        self, query: str, variables: Mapping[str, Any], data: Mapping[str, Any], gone: Gone
    ) -> Mapping[str, Any]:
        """``data`` with null for every field that may be null and is ``gone``."""

        def resolved(source: Any, info: GraphQLResolveInfo, **_arguments: Any) -> Any:
            absent = is_nullable_type(info.return_type) and gone(
                info.parent_type.name, info.field_name, info.return_type
            )
            return None if absent else source[info.path.key]

        result = execute_sync(
            self.graphql,
            _parsed(query),
            root_value=data,
            variable_values=dict(variables),
            field_resolver=resolved,
            type_resolver=_type_of,
        )
        assert result.data is not None
        assert not result.errors, result.errors
        return result.data


@functools.cache
def _parsed(query: str) -> DocumentNode:
    return parse(query)


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


def _written(name: str, pattern: re.Pattern[str]) -> Any:
    def serialize(value: Any) -> Any:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(f"{value!r} is no {name}")
        return value

    return serialize


def _answered(source: Any, info: GraphQLResolveInfo, **_arguments: Any) -> Any:
    key = info.path.key
    if key not in source:
        raise KeyError(f"{key} is asked for and not answered")
    return source[key]


def _type_of(value: Any, info: GraphQLResolveInfo, abstract: Any) -> str | None:
    """The type of an object: what it names itself, or else the one that the query has a part for; any where it has none."""
    if "__typename" in value:
        return str(value["__typename"])
    parts = [part for node in info.field_nodes if node.selection_set for part in node.selection_set.selections]
    names = {part.type_condition.name.value for part in parts if isinstance(part, InlineFragmentNode)}
    any_of_them = info.schema.get_possible_types(abstract)[0].name
    return names.pop() if len(names) == 1 else None if names else any_of_them


def _unequal(computed: Any, answered: Any, path: str) -> list[str]:
    if isinstance(computed, dict) and isinstance(answered, dict):
        differences = [f"{path}.{key} is not asked for" for key in answered.keys() - computed.keys()]
        return differences + [
            text for key in computed for text in _unequal(computed[key], answered.get(key), f"{path}.{key}")
        ]
    if isinstance(computed, list) and isinstance(answered, list):
        return [
            text for one, other in zip(computed, answered, strict=True) for text in _unequal(one, other, f"{path}[]")
        ]
    same = computed == answered and type(computed) is type(answered)
    return [] if same else [f"{path} is {answered!r} instead of {computed!r}"]
