"""A GitLab on loopback: GraphQL with its complexity limit and page sizes, REST, rate limits, scopes and faults on demand.

What it holds (``Hub``) comes in as plain objects; answers have the documented shapes. A query is really parsed: a field that
GitLab does not have is an error, as it is there, and so is a query of more than 250 points.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stubs.graphql import Parser, Selection
from stubs.server import JSON, Fault, Reply, Request, Tool
from stubs.server import PASSING as PASSING_FOR_ALL

TOKEN = "glpat-stub0123456789"
COMPLEXITY = 250

TIMED_OUT = Fault(
    200,
    JSON,
    b'{"errors": [{"message": "Request timed out. Please try a less complex query or a smaller set of records."}]}',
)
PLAIN_429 = Fault(429, (("Content-Type", "text/plain"), ("Retry-After", "4")), b"Retry later\n")
PASSING = {**PASSING_FOR_ALL, "timed out": TIMED_OUT, "429 in plain text": PLAIN_429}

_USER = {"username", "name", "publicEmail"}
SHAPES: dict[str, set[str]] = {
    "Query": {"group", "namespace", "project"},
    "owner": {"fullPath", "projects"},
    "project": {
        *("id", "fullPath", "webUrl", "repository", "mergeRequests", "mergeRequest", "issues", "releases", "pipelines"),
        "maxAccessLevel",
    },
    "maxAccessLevel": {"integerValue"},
    "repository": {"rootRef"},
    "mergeRequests": {
        *("iid", "title", "description", "state", "draft", "createdAt", "updatedAt", "mergedAt", "closedAt", "webUrl"),
        *("targetBranch", "sourceBranch", "mergeCommitSha", "diffHeadSha", "author", "mergeUser", "labels"),
        *("assignees", "approvedBy", "commits", "diffStats", "notes"),
    },
    "issues": {
        *("iid", "title", "type", "state", "createdAt", "updatedAt", "closedAt", "webUrl", "weight", "moved"),
        *("author", "assignees", "labels", "totalTimeSpent", "iteration"),
    },
    "releases": {"tagName", "name", "createdAt", "releasedAt", "commit", "links"},
    "links": {"selfUrl"},
    "pipelines": {
        *("id", "name", "sha", "ref", "source", "status", "createdAt", "updatedAt", "startedAt", "finishedAt"),
        *("path", "user"),
    },
    "commits": {"sha", "authoredDate", "committedDate", "author"},
    "commit": {"sha"},
    "iteration": {"id"},
    "notes": {"id", "body", "system", "createdAt", "updatedAt", "author"},
    "diffStats": {"path", "additions", "deletions"},
    "labels": {"title"},
    **dict.fromkeys(("author", "mergeUser", "user", "approvedBy", "assignees"), _USER),
}
"""What each type has, by the names of its public GraphQL schema, under the name of the field that leads to it."""
KINDS = {"mergeRequest": "mergeRequests", "projects": "project", "group": "owner", "namespace": "owner"}
RESOLVED = {"projects", "mergeRequests", "mergeRequest", "issues", "releases", "pipelines", "notes", "labels", "group"}
"""Fields whose cost grows with the elements that are asked for."""
COSTS = {"mergedAt": 5, "closedAt": 5, "diffHeadSha": 2, "rootRef": 2, "diffStats": 2, "commits": 2, "commit": 11}


class GraphQLError(Exception):
    pass


def complexity(selections: list[Selection]) -> float:
    """As GitLab counts it: a field costs one, one more if git is asked; 1 % more for each element asked for."""
    total = 0.0
    for selection in selections:
        below = complexity(selection.inner)
        if selection.name in RESOLVED:
            below += 1 + bool(selection.arguments.get("sort"))
            size = selection.arguments.get("first", 0)
            total += below * (1 + 0.01 * (size or 0))
        else:
            total += below + COSTS.get(selection.name, 1)
    return total


@dataclass
class Hub(Tool):
    """What a GitLab holds. ``users``: paths that are users' and no groups'. ``hidden``: lists that may not be seen;
    ``unknown``: fields that this server is too old for."""

    projects: list[dict[str, Any]] = field(default_factory=list)
    users: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    role: int = 20
    """The token's, everywhere: Reporter."""
    unknown: set[str] = field(default_factory=set)
    scopes: tuple[str, ...] = ("read_api",)
    broken: Callable[[dict[str, Any], str], bool] = lambda _thing, _field: False
    """Fields that cannot be told for a thing, as when git is in trouble: null, with an error."""
    costs: list[float] = field(default_factory=list)
    iterations: list[dict[str, Any]] = field(default_factory=list)
    """Those of all groups, as REST tells them; ``no_iterations`` is the status that tells that the tier has none."""
    no_iterations: int = 0
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By `project#issue iterations` (or `weights`): what became of it."""

    def limits(self, left: int, reset: int) -> dict[str, str]:
        return {"RateLimit-Limit": str(self.limit), "RateLimit-Remaining": str(left), "RateLimit-Reset": str(reset)}

    def project(self, path: str) -> dict[str, Any] | None:
        return next((project for project in self.projects if project["fullPath"].lower() == path.lower()), None)

    def below(self, path: str) -> list[dict[str, Any]] | None:
        found = [project for project in self.projects if project["fullPath"].lower().startswith(f"{path.lower()}/")]
        return found or None

    def answer(self, request: Request) -> Reply:
        graphql = request.path == "/api/graphql"
        tokens = (request.headers.get("authorization"), request.headers.get("private-token"))
        if tokens[0] != f"Bearer {TOKEN}" and tokens[1] != TOKEN:
            said = {"errors": [{"message": "Invalid token"}]} if graphql else {"message": "401 Unauthorized"}
            return 401, {}, said
        if request.path == "/api/v4/personal_access_tokens/self":
            return 200, {}, {"id": 1, "active": True, "scopes": list(self.scopes)}
        if not {"api", "read_api"} & set(self.scopes):
            if graphql:
                return 401, {}, {"errors": [{"message": "Invalid token"}]}
            return (
                403,
                {},
                {"error": "insufficient_scope", "error_description": "higher privileges", "scope": "api read_api"},
            )
        if graphql:
            return self.graphql(request)
        return self.rest(request)

    def graphql(self, request: Request) -> Reply:
        assert request.method == "POST"
        try:
            selections = Parser(request.query, request.variables).operation()
            cost = complexity(selections)
            self.costs.append(cost)
            if cost > COMPLEXITY:
                raise GraphQLError(f"Query has complexity of {cost:.0f}, which exceeds max complexity of {COMPLEXITY}")
            executor = Executor(self)
            data = {selection.alias: executor.root(selection) for selection in selections}
            return 200, {}, {"data": data, **({"errors": executor.errors} if executor.errors else {})}
        except GraphQLError as error:
            return 200, {}, {"errors": [{"message": str(error)}]}

    def sprints(self, request: Request) -> Reply | None:
        """Iterations, and the events of issues."""
        if found := re.fullmatch(r"/api/v4/(groups|projects)/(.+)/iterations", request.path):
            path = found[2]
            known = self.below(path) if found[1] == "groups" and path not in self.users else self.project(path)
            status = 404 if known is None else self.no_iterations
            return (status, {}, {"message": f"{status} refused"}) if status else self.paged(request, self.iterations)
        if found := re.fullmatch(
            r"/api/v4/projects/(\d+)/issues/(\d+)/resource_(iteration|weight)_events", request.path
        ):
            project = next(one for one in self.projects if one["id"].endswith(f"/{found[1]}"))
            if found[3] == "iteration" and self.no_iterations:
                return self.no_iterations, {}, {"message": f"{self.no_iterations} refused"}
            return self.paged(request, self.events.get(f"{project['fullPath']}#{found[2]} {found[3]}s", []))
        return None

    def paged(self, request: Request, things: list[dict[str, Any]]) -> Reply:
        size, page = int(request.params.get("per_page", 20)), int(request.params.get("page", 1))
        assert 1 <= size <= 100
        further = str(page + 1) if page * size < len(things) else ""
        shown = things[(page - 1) * size : page * size]
        return self.etagged(request, shown, {"X-Page": str(page), "X-Next-Page": further, "X-Per-Page": str(size)})

    def rest(self, request: Request) -> Reply:
        if (told := self.sprints(request)) is not None:
            return told
        found = re.fullmatch(r"/api/v4/projects/(\d+)/(\w+)", request.path)
        project = next(
            (candidate for candidate in self.projects if found and candidate["id"].endswith(f"/{found[1]}")), None
        )
        if project is None or found is None:
            return 404, {}, {"message": "404 Project Not Found"}
        if found[2] in self.hidden or {"merge_requests": "mergeRequests"}.get(found[2]) in self.hidden:
            return 403, {}, {"message": "403 Forbidden"}
        return self.paged(request, self.things(project, found[2], request))

    def things(self, project: dict[str, Any], name: str, request: Request) -> list[dict[str, Any]]:
        if name == "deployments":
            params = request.params
            found = project["deployments"]
            if after := params.get("updated_after"):
                assert params.get("order_by") == "updated_at", "400: updated_at filter requires updated_at sort"
                found = [one for one in found if _at(one["updated_at"]) >= _at(after)]
            return (
                sorted(found, key=lambda thing: (_at(thing["updated_at"]), thing["id"]))
                if "order_by" in params
                else found
            )
        if name == "merge_requests":
            iids = re.findall(r"iids%5B%5D=(\d+)", request.url)
            found = [
                merge_request for merge_request in project["mergeRequests"] if not iids or merge_request["iid"] in iids
            ]
            return [
                {"iid": int(one["iid"]), "squash_commit_sha": one["squashCommitSha"], "merge_commit_sha": None}
                for one in found
            ]
        return []


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Executor:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.errors: list[dict[str, Any]] = []

    def root(self, selection: Selection) -> Any:
        path = selection.arguments["fullPath"]
        if selection.name == "project":
            found = self.hub.project(path)
            return None if found is None else self.object(found, selection.inner, "project")
        assert selection.name in SHAPES["Query"]
        if (path in self.hub.users) != (selection.name == "namespace"):
            return None
        owned = self.hub.below(path)
        return None if owned is None else self.object({"fullPath": path, "projects": owned}, selection.inner, "owner")

    def object(self, value: dict[str, Any], inner: list[Selection], kind: str) -> dict[str, Any]:
        found = {}
        for selection in inner:
            if selection.name not in SHAPES[kind] or selection.name in self.hub.unknown:
                raise GraphQLError(f"Field '{selection.name}' doesn't exist on type '{kind.capitalize()}'")
            if selection.name in self.hub.hidden:
                found[selection.alias] = None
            elif self.hub.broken(value, selection.name):
                self.errors.append({"message": "14:connections to all backends failing", "path": [selection.alias]})
                found[selection.alias] = None
            elif selection.name == "mergeRequest":
                iid = selection.arguments["iid"]
                one = next((at for at in value["mergeRequests"] if at["iid"] == iid), None)
                found[selection.alias] = None if one is None else self.object(one, selection.inner, "mergeRequests")
            elif selection.name == "maxAccessLevel":
                found[selection.alias] = {"integerValue": self.hub.role}
            else:
                found[selection.alias] = self.field(value.get(selection.name), selection)
        return found

    def field(self, value: Any, selection: Selection) -> Any:
        kind = KINDS.get(selection.name, selection.name)
        if selection.name == "diffStats" and isinstance(value, list):
            return [self.object(one, selection.inner, kind) for one in value]
        if isinstance(value, list):
            return self.connection(value, selection, kind)
        return self.object(value, selection.inner, kind) if isinstance(value, dict) else value

    def connection(self, values: list[Any], selection: Selection, kind: str) -> dict[str, Any]:
        size = selection.arguments.get("first", 100)
        assert 1 <= size <= 100
        if since := selection.arguments.get("updatedAfter"):
            values = [one for one in values if _at(one["updatedAt"]) >= _at(since)]
        keyed = [(_key(one, selection, at), one) for at, one in enumerate(values)]
        down = bool(selection.arguments.get("sort")) or selection.name in ("projects", "pipelines")
        keyed.sort(key=lambda pair: pair[0], reverse=down)
        start = 0
        if after := selection.arguments.get("after"):
            try:
                place = json.loads(base64.b64decode(after))
            except ValueError:
                raise GraphQLError("Please provide a valid cursor") from None
            start = next(
                (at for at, (key, _) in enumerate(keyed) if (key < place if down else key > place)), len(keyed)
            )
        chosen = keyed[start : start + size]
        end = base64.b64encode(json.dumps(chosen[-1][0]).encode()).decode() if chosen else None
        found: dict[str, Any] = {}
        for part in selection.inner:
            if part.name == "nodes":
                found["nodes"] = [
                    self.object(one, part.inner, kind) if isinstance(one, dict) else one for _, one in chosen
                ]
            elif part.name == "count":
                found["count"] = len(values)
            else:
                assert part.name == "pageInfo"
                found["pageInfo"] = {"hasNextPage": start + len(chosen) < len(keyed), "endCursor": end}
        return found


def _key(one: Any, selection: Selection, at: int) -> list[Any]:
    sort = selection.arguments.get("sort")
    if sort in ("CREATED_DESC", "UPDATED_DESC"):
        instant = one["createdAt" if sort == "CREATED_DESC" else "updatedAt"]
        return [instant, int(one["iid"]) if "iid" in one else at]
    if selection.name in ("projects", "pipelines"):
        return [int(one["id"].rpartition("/")[2])]
    assert sort is None
    return [at]
