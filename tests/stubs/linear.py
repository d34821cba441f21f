"""A Linear on loopback: its GraphQL executed by its schema (``linear.graphql``) over plain objects, with pages, filters, the limit
of a query's complexity, the limit of requests, archived issues and the trash, over real sockets."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    execute_sync,
    get_named_type,
    parse,
    validate,
)

from stubs.linear_data import ADA, BEN, Node, cycle, issue, team
from stubs.server import JSON, Fault, Reply, Request, Tool
from stubs.server import PASSING as OF_ALL

TOKEN = "lin_api_stub0123456789"
OAUTH = "lin_oauth_stub0123456789"
MOST_COMPLEX = 10_000
RENEWED = 5
"""Requests that are allowed again after one was refused."""
SDL = Path(__file__).with_name("linear.graphql")
ENG, WEB = team(1, "ENG"), team(2, "WEB")


def error(message: str, code: str, **further: Any) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code, "userPresentableMessage": message, **further}}


PASSING = {
    **OF_ALL,
    "internal error": Fault(
        200, JSON, b'{"data": null, "errors": [{"message": "oops", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}'
    ),
    "RATELIMITED": Fault(
        400,
        (*JSON, ("Retry-After", "3")),
        b'{"errors": [{"message": "Rate limit exceeded", "extensions": {"code": "RATELIMITED"}}]}',
    ),
}


@functools.cache
def schema() -> GraphQLSchema:
    return build_schema(SDL.read_text())


@functools.cache
def _read(query: str) -> tuple[DocumentNode, tuple[str, ...]]:
    document = parse(query)
    return document, tuple(fault.message for fault in validate(schema(), document))


@dataclass
class Linear(Tool):
    """A workspace. ``refused``: whether a list of an issue (its name, the issue) is refused; ``reset``: seconds until the limit
    of requests is renewed."""

    teams: list[Node] = field(default_factory=list)
    users: list[Node] = field(default_factory=lambda: [ADA, BEN])
    issues: list[Node] = field(default_factory=list)
    cycles: list[Node] = field(default_factory=list)
    refused: Callable[[str, Node], bool] = lambda _name, _issue: False
    costs: list[float] = field(default_factory=list)
    """How complex the queries were."""

    def limits(self, left: int, reset: int) -> dict[str, str]:
        return {
            "X-RateLimit-Requests-Limit": str(self.limit),
            "X-RateLimit-Requests-Remaining": str(left),
            "X-RateLimit-Requests-Reset": str(reset * 1000),
        }

    def answer(self, request: Request) -> Reply:
        if request.path != "/graphql" or request.method != "POST":
            return 404, {}, {"error": "Not found"}
        if request.headers.get("authorization") not in (TOKEN, f"Bearer {OAUTH}"):
            shown = "You need to authenticate to access this operation."
            return 401, {}, {"errors": [error(shown, "AUTHENTICATION_ERROR", type="authentication error")]}
        if len(self.requests) > self.limit:
            self.limit += RENEWED
            return 400, self.limits(0, int(self.now()) + 60), {"errors": [error("Rate limit exceeded", "RATELIMITED")]}
        return self.graphql(request)

    def graphql(self, request: Request) -> Reply:
        document, faults = _read(request.query)
        if faults:
            return 400, {}, {"errors": [error(fault, "GRAPHQL_VALIDATION_FAILED") for fault in faults]}
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        self.costs.append(cost := complexity(operation.selection_set, request.variables))
        if cost > MOST_COMPLEX:
            return 400, {}, {"errors": [error(f"Query too complex: {cost:.0f}", "INPUT_ERROR")]}
        result = execute_sync(
            schema(), document, context_value=self, variable_values=request.variables, field_resolver=_resolved
        )
        errors = [{**_shown(fault), "path": fault.path} for fault in result.errors or ()]
        body = {"data": result.data, **({"errors": errors} if errors else {})}
        return 200 if result.data is not None else 400, {}, body

    def found(self, key: str) -> Node:
        return next(node for node in self.issues if node["identifier"] == key)


def small() -> Linear:
    """Two teams with ten issues, an archived one among them, and a cycle each."""
    issues = [issue(ENG, number) for number in range(1, 8)] + [issue(WEB, number) for number in range(1, 4)]
    issues[1].update(parent=issues[0], archivedAt=issues[1]["completedAt"])
    cycles = [cycle(1, ENG, 0, completed=True), cycle(2, WEB, 7)]
    issues[2]["cycle"] = cycles[0]
    return Linear(teams=[ENG, WEB], issues=issues, cycles=cycles)


def complexity(selected: SelectionSetNode, variables: dict[str, Any]) -> float:
    """As documented: 0.1 for a value, 1 for an object, and what a list has, as often as it is asked for (50 times, if not said)."""
    cost = 0.0
    for part in selected.selections:
        assert isinstance(part, FieldNode)
        if part.selection_set is None:
            cost += 0.1
            continue
        given = {argument.name.value: argument.value for argument in part.arguments or ()}
        inner = complexity(part.selection_set, variables)
        is_list = any(isinstance(sub, FieldNode) and sub.name.value == "nodes" for sub in part.selection_set.selections)
        cost += 1 + inner * (_number(given.get("first"), variables) if is_list else 1)
    return cost


def _number(value: Any, variables: dict[str, Any]) -> int:
    if value is None:
        return 50
    return int(value.value) if hasattr(value, "value") else int(variables[value.name.value])


class Refusal(Exception):
    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.error = error(message, code)


def _shown(fault: GraphQLError) -> dict[str, Any]:
    refusal = fault.original_error
    return refusal.error if isinstance(refusal, Refusal) else error(fault.message, "INTERNAL_SERVER_ERROR")


def _resolved(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """The value of a field: a list that is looked up, or what the object has."""
    tool: Linear = info.context
    name = info.field_name
    if info.parent_type.name == "Query":
        return _root(tool, name, arguments)
    if info.parent_type.name == "Issue" and tool.refused(name, source):
        raise Refusal(f"{name} cannot be shown", "FORBIDDEN")
    if not get_named_type(info.return_type).name.endswith("Connection"):
        return source[name]
    return _connection(source[name], arguments)


def _root(tool: Linear, name: str, arguments: dict[str, Any]) -> Any:
    if name == "organization":
        return {"id": "workspace-1", "name": "Acme", "urlKey": "acme"}
    if name == "issue":
        found = next((node for node in tool.issues if node["id"] == arguments["id"]), None)
        if found is None:
            raise Refusal("Entity not found: Issue", "INPUT_ERROR")
        return found
    values: list[Node] = getattr(tool, name)
    bound = arguments.get("filter") or {}
    if (teams := bound.get("team")) is not None:
        values = [node for node in values if node["team"]["id"] in teams["id"]["in"]]
    if (changed := bound.get("updatedAt")) is not None:
        values = [node for node in values if node["updatedAt"][:19] >= changed["gte"][:19]]
    if not arguments.get("includeArchived"):
        values = [node for node in values if node.get("archivedAt") is None]
    if name == "issues":
        by = arguments.get("orderBy") or "createdAt"
        values = sorted(values, key=lambda node: (node[by], node["id"]), reverse=True)
    return _connection(values, arguments)


def _connection(values: Sequence[Node], arguments: dict[str, Any]) -> Node:
    """A page of a list: the cursor is the id of its last element, which may have moved since."""
    size = arguments.get("first") or 50
    if not 1 <= size <= 250:
        raise Refusal("first must be at most 250", "INPUT_ERROR")
    start, after = 0, arguments.get("after")
    keys = [str(node.get("id") or node.get("name")) for node in values]
    if after is not None:
        if after not in keys:
            raise Refusal(f"Invalid cursor: {after}", "INPUT_ERROR")
        start = keys.index(after) + 1
    chosen = list(values[start : start + size])
    more = start + len(chosen) < len(values)
    return {
        "nodes": chosen,
        "pageInfo": {"hasNextPage": more, "endCursor": keys[start + len(chosen) - 1] if chosen else None},
    }
