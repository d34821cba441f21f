"""GitHub's GraphQL as the stub answers it: queries are executed by its schema (``github.graphql``), over plain objects. So what is
asked for must be there, and a refusal of what may not be null takes away what it is part of."""

from __future__ import annotations

import base64
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute_sync,
    get_named_type,
    parse,
    validate,
)

if TYPE_CHECKING:
    from stubs.github import Hub

_LISTED_AS = {"PullRequestReview": "reviews"}
SDL = Path(__file__).with_name("github.graphql")
_ORDERS = {"UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt", "NAME": "nameWithOwner"}


class Refusal(Exception):
    """An error with GitHub's type of it; without one it is none of GitHub's own. ``further``: what else it has."""

    def __init__(self, message: str, kind: str, **further: Any) -> None:
        super().__init__(message)
        self.error = {"type": kind, "message": message, **further}


@functools.cache
def schema() -> GraphQLSchema:
    return build_schema(SDL.read_text())


@functools.cache
def _read(query: str) -> tuple[DocumentNode, tuple[str, ...]]:
    document = parse(query)
    return document, tuple(error.message for error in validate(schema(), document))


def answer(hub: Hub, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The body of an answer."""
    document, faults = _read(query)
    if faults:
        return {"errors": [{"message": fault, "extensions": {"code": "invalid"}} for fault in faults]}
    result = execute_sync(
        schema(), document, context_value=hub, variable_values=variables, field_resolver=_resolved, type_resolver=_type
    )
    errors = [_shown(error) for error in result.errors or ()]
    return {"data": result.data, **({"errors": errors} if errors else {})}


def _shown(error: GraphQLError) -> dict[str, Any]:
    refusal = error.original_error
    if isinstance(refusal, Refusal):
        return {**refusal.error, "path": error.path, "locations": []}
    return {"message": f"{'.'.join(map(str, error.path or ()))}: {error.message}", "extensions": {"code": "stub"}}


def _resolved(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """The value of a field: what GitHub refuses, what is looked up, or what the object has."""
    hub: Hub = info.context
    if info.parent_type.name == "Query":
        return _ROOTS[info.field_name](hub, arguments)
    owner = source.get("nameWithOwner") or source.get("login") or _LISTED_AS.get(info.parent_type.name)
    if (refusal := hub.refusal(info.field_name, f"{owner}.{info.field_name}")) is not None:
        raise refusal
    if info.field_name == "object":
        return _commit_of(hub, source, arguments["oid"])
    if info.field_name == "id" and "oid" in source:
        return f"C_{source['oid']}"
    if info.field_name == "team":
        return next(team for team in source["teams"] if team["slug"] == arguments["slug"])
    value = source[info.field_name]
    if value is None or not get_named_type(info.return_type).name.endswith("Connection"):
        return value
    page = _connection(value, info.field_name, arguments)
    if info.field_name == "repositories":
        page["nodes"] = [hub.refusal(repository["nameWithOwner"]) or repository for repository in page["nodes"]]
    return page


def _commit_of(hub: Hub, repository: dict[str, Any], oid: str) -> dict[str, Any] | None:
    commit = next((one for one in repository["history"] if one["oid"] == oid), None)
    return None if commit is None else {**commit, "history": hub.ancestry(repository, oid)}


def _type(value: dict[str, Any], _info: object, abstract: Any) -> str:
    """Objects say of what type they are, or are told by what they have."""
    if "__typename" in value:
        return str(value["__typename"])
    if abstract.name == "PullRequestTimelineItems":
        return "ReadyForReviewEvent"
    kinds = {"oid": "Commit", "nameWithOwner": "Repository", "commitOid": "Deployment", "isDraft": "PullRequest"}
    return next((kind for name, kind in kinds.items() if name in value), "PullRequestReview")


def _connection(values: list[Any], name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A page of a list, in the order that was asked for."""
    size = arguments.get("first")
    if size is None or not 1 <= size <= 100:
        raise Refusal(f"You must provide a `first` of at most 100 on `{name}`", "EXCESSIVE_PAGINATION")
    numbered = list(enumerate(values))
    order = arguments.get("orderBy")
    down = bool(order) and order["direction"] == "DESC"
    if order:
        key = _ORDERS[order["field"]]
        numbered.sort(key=lambda pair: (pair[1][key], pair[0]), reverse=down)
        places = [[value[key], at] for at, value in numbered]
    else:
        places = [[at] for at, _ in numbered]
    start = _start(places, arguments.get("after"), down=down)
    chosen = [value for _, value in numbered[start : start + size]]
    end = base64.b64encode(json.dumps(places[start + len(chosen) - 1]).encode()).decode() if chosen else None
    return {
        "totalCount": len(values),
        "pageInfo": {"hasNextPage": start + len(chosen) < len(values), "endCursor": end},
        "nodes": chosen,
        "edges": chosen,
    }


def _start(places: list[list[Any]], after: str | None, *, down: bool) -> int:
    if not after:
        return 0
    try:
        place = json.loads(base64.b64decode(after))
    except ValueError:
        raise Refusal(f"`{after}` does not appear to be a valid cursor.", "INVALID_CURSOR_ARGUMENTS") from None
    behind = (at for at, position in enumerate(places) if (position < place if down else position > place))
    return next(behind, len(places))


# -- what a query begins with ------------------------------------------------------------------------------------------


def _owner(hub: Hub, arguments: dict[str, Any]) -> dict[str, Any] | None:
    login = arguments["login"]
    owned = next((owned for name, owned in hub.owners.items() if name.lower() == login.lower()), None)
    kind = "User" if hub.members is None else "Organization"
    return None if owned is None else {"login": login, "__typename": kind, "repositories": owned}


def _organization(hub: Hub, arguments: dict[str, Any]) -> dict[str, Any]:
    login = arguments["login"]
    if hub.members is None or login.lower() not in {name.lower() for name in hub.owners}:
        raise Refusal(f"Could not resolve to an Organization with the login of '{login}'.", "NOT_FOUND")
    return {"login": login, "membersWithRole": hub.members, "teams": hub.teams}


def _repository(hub: Hub, arguments: dict[str, Any]) -> dict[str, Any]:
    name = f"{arguments['owner']}/{arguments['name']}"
    if (refusal := hub.refusal(name)) is not None:
        raise refusal
    if (repository := hub.repository(name)) is None:
        raise Refusal(f"Could not resolve to a Repository with the name '{name}'.", "NOT_FOUND")
    return repository


def _node(hub: Hub, arguments: dict[str, Any]) -> dict[str, Any]:
    identity = arguments["id"]
    commit = hub.commit(identity[2:]) if identity.startswith("C_") else None
    node = commit or next((node for node in hub.nodes() if node["id"] == identity), None)
    if node is None:
        raise Refusal(f"Could not resolve to a node with the global id of '{identity}'", "NOT_FOUND")
    return node


def _nodes(hub: Hub, arguments: dict[str, Any]) -> list[dict[str, Any] | None]:
    by_id = {node["id"]: node for node in hub.nodes()}
    return [hub.commit(key[2:]) if key.startswith("C_") else by_id.get(key) for key in arguments["ids"]]


_ROOTS = {
    "node": _node,
    "nodes": _nodes,
    "organization": _organization,
    "repository": _repository,
    "repositoryOwner": _owner,
}
