"""A GitHub on loopback: GraphQL and REST over real sockets, with page sizes, rate limits, ETags and faults on demand.

What it holds (``Hub``) comes in as plain objects; answers have the documented shapes. A query is really parsed, and a field
that GitHub does not have is an error, as it is there. ``faults`` is asked before every answer and may spoil it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stubs.graphql import Parser, Selection
from stubs.server import JSON, Fault, Reply, Request, Tool
from stubs.server import PASSING as PASSING_FOR_ALL

TOKEN = "ghp_stub0123456789"

SHAPES: dict[str, set[str]] = {
    "Query": {"repositoryOwner", "repository", "organization", "node", "nodes"},
    "Owner": {"login", "__typename", "repositories"},
    "Organization": {"login", "membersWithRole", "teams", "team"},
    "User": {"login", "name", "email", "organizationVerifiedDomainEmails"},
    "Commit": {
        *("id", "oid", "message", "authoredDate", "committedDate", "author", "committer", "parents"),
        *("additions", "deletions", "history"),
    },
    "Repository": {
        *("databaseId", "nameWithOwner", "url", "pushedAt", "isEmpty", "defaultBranchRef"),
        *("pullRequests", "releases", "deployments", "object"),
    },
    "PullRequest": {
        *("id", "number", "title", "body", "state", "isDraft", "createdAt", "updatedAt", "mergedAt", "closedAt", "url"),
        *(
            "additions",
            "deletions",
            "changedFiles",
            "baseRefName",
            "headRefName",
            "headRefOid",
            "author",
            "mergedBy",
            "mergeCommit",
        ),
        *("timelineItems", "labels", "commits", "files", "comments", "reviews"),
    },
    "Review": {"id", "url", "state", "submittedAt", "updatedAt", "author", "comments"},
    "Release": {"databaseId", "tagName", "name", "isDraft", "createdAt", "publishedAt", "updatedAt", "tagCommit"},
    "Deployment": {
        *("id", "databaseId", "environment", "task", "createdAt", "updatedAt", "commitOid", "creator", "statuses"),
    },
}
"""What each type has, by the names of its public GraphQL schema; types not listed have what their objects have."""


class GraphQLError(Exception):
    def __init__(self, message: str, kind: str | None = None) -> None:
        super().__init__(message)
        self.error = {"message": message, **({"type": kind} if kind else {"extensions": {"code": "invalid"}})}


SECONDARY = Fault(
    403,
    JSON,
    b'{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}',
)
WENT_WRONG = Fault(
    200, JSON, b'{"data": null, "errors": [{"message": "Something went wrong while executing your query."}]}'
)
PASSING = {**PASSING_FOR_ALL, "secondary limit": SECONDARY, "went wrong": WENT_WRONG}


@dataclass
class App:
    """A GitHub App: its id, the public half of its key, its installations by owner, and how long its tokens are good for."""

    id: str
    public_key: Any
    installations: dict[str, dict[str, Any]]
    seconds: float = 3600
    tokens: dict[str, float] = field(default_factory=dict)
    refusal: tuple[int, str] | None = None

    def refused_claim(self, claim: str, now: float) -> tuple[int, str] | None:
        """Why a claim made at ``now`` (seconds since 1970) is refused, if it is: status and message."""
        import jwt

        anytime = {"verify_exp": False, "verify_iat": False}
        try:
            claims = jwt.decode(claim, self.public_key, algorithms=["RS256"], options=anytime)
        except jwt.InvalidTokenError:
            return 401, "A JSON web token could not be decoded"
        if claims["iss"] != self.id:
            return 404, "Integration not found"
        if claims["iat"] > now or not now < claims["exp"] <= now + 600:
            return 401, "'Expiration time' claim ('exp') is too far in the future, or 'Issued at' is"
        return None


@dataclass
class Hub(Tool):
    """What a GitHub holds: owners with repositories, each a plain object in the shape of its GraphQL type."""

    owners: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    forbidden: dict[str, str] = field(default_factory=dict)
    scopes: str = "repo, read:org, read:user"
    members: list[dict[str, Any]] | None = None
    """Of every owner, which are organizations then."""
    teams: list[dict[str, Any]] = field(default_factory=list)
    app: App | None = None
    commits: dict[str, dict[str, Any]] = field(default_factory=dict)
    ancestries: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=dict)

    def repository(self, name: str) -> dict[str, Any] | None:
        owner = name.partition("/")[0]
        return next((found for found in self.owners.get(owner, ()) if found["nameWithOwner"] == name), None)

    def commit(self, oid: str) -> dict[str, Any] | None:
        """A commit of any repository; they never change, so they are looked up once."""
        if oid not in self.commits:
            for repositories in self.owners.values():
                for repository in repositories:
                    listed = (entry["commit"] for pull in repository["pullRequests"] for entry in pull["commits"])
                    for commit in (*repository["history"], *listed):
                        if isinstance(commit, dict):
                            self.commits.setdefault(commit["oid"], commit)
        return self.commits.get(oid)

    def ancestry(self, repository: dict[str, Any], head: str) -> list[dict[str, Any]]:
        """The commits that ``head`` comes after and itself, by commit date, newest first."""
        key = (head, len(repository["history"]))
        if key not in self.ancestries:
            there = {commit["oid"]: (at, commit) for at, commit in enumerate(repository["history"])}
            found, waiting = set(), [head]
            while waiting:
                if (oid := waiting.pop()) in there and oid not in found:
                    found.add(oid)
                    waiting += [parent["oid"] for parent in there[oid][1]["parents"]]
            order = sorted((there[oid][1]["committedDate"], there[oid][0]) for oid in found)
            self.ancestries[key] = [repository["history"][at] for _, at in reversed(order)]
        return self.ancestries[key]

    def nodes(self) -> Iterator[dict[str, Any]]:
        for repositories in self.owners.values():
            for repository in repositories:
                yield from repository["deployments"]
                for pull in repository["pullRequests"]:
                    yield pull
                    yield from pull["reviews"]

    # -- answers -----------------------------------------------------------------------------------------------------

    def limits(self, left: int, reset: int) -> dict[str, str]:
        return {**super().limits(left, reset), "X-OAuth-Scopes": self.scopes}

    def answer(self, request: Request) -> Reply:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if (reply := self.of_the_app(request.path.removeprefix("/api/v3"), token)) is not None:
            return reply
        if not self.allowed(token):
            return 401, {}, {"message": "Bad credentials"}
        return self.graphql(request) if request.query else self.rest(request)

    def allowed(self, token: str) -> bool:
        if self.app is None:
            return token == TOKEN
        return self.app.tokens.get(token, 0) > self.now()

    def of_the_app(self, path: str, claim: str) -> Reply | None:
        """What only the app itself may ask, with a claim that its key signed."""
        app = self.app
        asked = re.fullmatch(r"/(?:(\w+/[^/]+)/installation|app/installations/([^/]+)/access_tokens)", path)
        if app is None or asked is None:
            return None
        if (refusal := app.refusal or app.refused_claim(claim, self.now())) is not None:
            return refusal[0], {}, {"message": refusal[1]}
        numbers = {str(installation["id"]) for installation in app.installations.values()}
        if (asked[1] and asked[1] not in app.installations) or (asked[2] and asked[2] not in numbers):
            return 404, {}, {"message": "Not Found"}
        if asked[1]:
            return 200, {}, app.installations[asked[1]]
        ends = self.now() + app.seconds
        token = f"ghs_{len(app.tokens)}"
        app.tokens[token] = ends
        expires = datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return 201, {}, {"token": token, "expires_at": expires}

    def graphql(self, request: Request) -> Reply:
        executor = Executor(self)
        try:
            data = executor.run(request.query, request.variables)
        except GraphQLError as error:
            return 200, {}, {"data": None, "errors": [error.error]}
        return 200, {}, {"data": data, **({"errors": executor.errors} if executor.errors else {})}

    def rest(self, request: Request) -> Reply:
        asked = re.fullmatch(r"/api/v3/repos/([^/]+/[^/]+)/actions/runs", request.path)
        repository = self.repository(asked[1]) if asked else None
        if repository is None:
            return 404, {}, {"message": "Not Found"}
        if "runs" in self.forbidden:
            return 403, {"X-Accepted-GitHub-Permissions": "actions=read"}, {"message": self.forbidden["runs"]}
        params = request.params
        runs = sorted(repository["runs"], key=lambda run: (run["created_at"], run["id"]), reverse=True)
        if until := params.get("created"):
            assert until.startswith("<=")
            runs = [run for run in runs if run["created_at"] <= until[2:]][:1000]
        size, page = int(params.get("per_page", 30)), int(params.get("page", 1))
        assert size <= 100
        return self.etagged(request, {"total_count": len(runs), "workflow_runs": runs[(page - 1) * size : page * size]})


# -- GraphQL -----------------------------------------------------------------------------------------------------------

_ORDERS = {"UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt", "NAME": "nameWithOwner"}


class Executor:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.errors: list[dict[str, Any]] = []

    def run(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        return {selection.alias: self.root(selection) for selection in Parser(query, variables).operation()}

    def root(self, selection: Selection) -> Any:
        if selection.name == "repositoryOwner":
            login = selection.arguments["login"]
            owned = next((found for name, found in self.hub.owners.items() if name.lower() == login.lower()), None)
            return (
                None
                if owned is None
                else self.object(
                    {
                        "login": login,
                        "__typename": "User" if self.hub.members is None else "Organization",
                        "repositories": owned,
                    },
                    selection.inner,
                    "Owner",
                    [],
                )
            )
        if selection.name == "organization":
            return self.organization(selection)
        if selection.name == "repository":
            name = f"{selection.arguments['owner']}/{selection.arguments['name']}"
            found = self.hub.repository(name)
            if found is None:
                raise GraphQLError(f"Could not resolve to a Repository with the name '{name}'.", "NOT_FOUND")
            return self.object(found, selection.inner, "Repository", [selection.alias])
        if selection.name == "node":
            found = next((node for node in self.hub.nodes() if node["id"] == selection.arguments["id"]), None)
            if found is None:
                raise GraphQLError("Could not resolve to a node", "NOT_FOUND")
            return self.object(found, selection.inner, "", [selection.alias])
        assert selection.name == "nodes"
        ids = selection.arguments["ids"]
        if all(key.startswith("C_") for key in ids):
            found = [self.hub.commit(key[2:]) for key in ids]
            return [
                commit and self.object(commit, selection.inner, "Commit", [selection.alias, at])
                for at, commit in enumerate(found)
            ]
        by_id = {node["id"]: node for node in self.hub.nodes()}
        return [by_id[key] and self.object(by_id[key], selection.inner, "Deployment", []) for key in ids]

    def organization(self, selection: Selection) -> Any:
        login = selection.arguments["login"]
        if self.hub.members is None or login.lower() not in {name.lower() for name in self.hub.owners}:
            raise GraphQLError(f"Could not resolve to an Organization with the login of '{login}'.", "NOT_FOUND")
        lists = selection.inner
        if "read:org" not in self.hub.scopes:
            raise GraphQLError(
                "Your token has not been granted the required scopes: ['read:org']", "INSUFFICIENT_SCOPES"
            )
        asked = {field.name for connection in lists for part in connection.inner for field in part.inner}
        if "email" in asked and "read:user" not in self.hub.scopes:
            said = "The 'email' field requires one of the following scopes: ['user:email', 'read:user']"
            raise GraphQLError(said, "INSUFFICIENT_SCOPES")
        found: dict[str, Any] = {"login": login, "membersWithRole": self.hub.members, "teams": self.hub.teams}
        for part in lists:
            if part.name == "team":
                found["team"] = next(team for team in self.hub.teams if team["slug"] == part.arguments["slug"])
        return self.object(found, lists, "Organization", [selection.alias])

    def object(self, value: dict[str, Any], inner: list[Selection], kind: str, path: list[Any]) -> dict[str, Any]:
        found = {}
        for selection in inner:
            if selection.name == "object" and kind == "Repository":
                commit = next((one for one in value["history"] if one["oid"] == selection.arguments["oid"]), None)
                shown = None if commit is None else {**commit, "history": self.hub.ancestry(value, commit["oid"])}
                found[selection.alias] = shown and self.object(
                    shown, selection.inner, "Commit", [*path, selection.alias]
                )
                continue
            if selection.name not in SHAPES.get(kind, {selection.name}) or (selection.name not in value and kind):
                raise GraphQLError(f"Field '{selection.name}' doesn't exist on type '{kind}'")
            where = [*path, selection.alias]
            if selection.name in self.hub.forbidden:
                message = self.hub.forbidden[selection.name]
                self.errors.append({"type": "FORBIDDEN", "path": where, "message": message})
                found[selection.alias] = None
                continue
            found[selection.alias] = self.field(value.get(selection.name), selection, where)
        return found

    def field(self, value: Any, selection: Selection, path: list[Any]) -> Any:
        if isinstance(value, list) and selection.inner:
            return self.connection(value, selection, path)
        return self.object(value, selection.inner, "", path) if isinstance(value, dict) else value

    def connection(self, values: list[Any], selection: Selection, path: list[Any]) -> dict[str, Any]:
        size = selection.arguments.get("first")
        if size is None or not 1 <= size <= 100:
            raise GraphQLError(f"You must provide a `first` of at most 100 on `{selection.name}`")
        numbered = list(enumerate(values))
        if order := selection.arguments.get("orderBy"):
            key = _ORDERS[order["field"]]
            numbered.sort(key=lambda pair: (pair[1][key], pair[0]), reverse=order["direction"] == "DESC")
            places = [[value[key], at] for at, value in numbered]
        else:
            places = [[at] for at, _ in numbered]
        start = 0
        if after := selection.arguments.get("after"):
            try:
                place = json.loads(base64.b64decode(after))
            except ValueError:
                raise GraphQLError(f"`{after}` does not appear to be a valid cursor.", "INVALID_CURSOR") from None
            down = bool(order) and order["direction"] == "DESC"
            start = next(
                (at for at, position in enumerate(places) if (position < place if down else position > place)),
                len(places),
            )
        chosen = numbered[start : start + size]
        end = base64.b64encode(json.dumps(places[start + len(chosen) - 1]).encode()).decode() if chosen else None
        kind = {
            "pullRequests": "PullRequest",
            "reviews": "Review",
            "releases": "Release",
            "deployments": "Deployment",
            "repositories": "Repository",
            "membersWithRole": "User",
            "history": "Commit",
        }.get(selection.name, "")
        whole = {
            "totalCount": len(values),
            "pageInfo": {"hasNextPage": start + len(chosen) < len(values), "endCursor": end},
        }
        found: dict[str, Any] = {}
        for part in selection.inner:
            if part.name in ("nodes", "edges"):
                found[part.name] = [
                    self.object(value, part.inner, kind, [*path, part.name, at]) if isinstance(value, dict) else value
                    for at, (_, value) in enumerate(chosen)
                ]
            else:
                found[part.alias] = whole[part.name]
        return found
