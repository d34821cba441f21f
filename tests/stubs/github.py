"""A GitHub on loopback: GraphQL and REST over real sockets, with page sizes, rate limits, ETags and faults on demand.

What it holds (``Hub``) comes in as plain objects; queries are executed by GitHub's schema (``github_graphql``). ``faults`` is asked
before every answer and may spoil it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stubs import github_graphql
from stubs.server import JSON, Fault, Reply, Request, Tool
from stubs.server import PASSING as PASSING_FOR_ALL

TOKEN = "ghp_stub0123456789"

NEEDED_SCOPES = {"organization": "read:org", "organizationVerifiedDomainEmails": "read:user"}
"""Scopes that a query needs which asks for these fields; without them it is refused as a whole."""
SINGLE_SIGN_ON = (
    "Resource protected by organization SAML enforcement. "
    "You must grant your Personal Access token access to this organization."
)

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
    """What is refused, and what is said of it: fields (``acme/shop.releases``, ``ada.email``: of one object), repositories, and
    ``runs``."""
    single_sign_on: set[str] = field(default_factory=set)
    """What single sign-on hides: repositories, or fields of them."""
    misshape: Callable[[dict[str, Any]], object] = lambda _body: None
    """Changes the answer to a query into what no GitHub would answer."""
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
                yield repository
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
        words = set(re.findall(r"\w+", request.query))
        for name, scope in NEEDED_SCOPES.items():
            if name in words and scope not in self.scopes:
                message = f"Your token has not been granted the required scopes: ['{scope}']"
                return 200, {}, {"errors": [{"type": "INSUFFICIENT_SCOPES", "locations": [], "message": message}]}
        body = github_graphql.answer(self, request.query, request.variables)
        self.misshape(body)
        return 200, {}, body

    def refusal(self, *names: str) -> github_graphql.Refusal | None:
        """Why what is called so is refused, if it is."""
        for name in names:
            if name in self.forbidden:
                return github_graphql.Refusal(self.forbidden[name], "FORBIDDEN")
            if name in self.single_sign_on:
                return github_graphql.Refusal(SINGLE_SIGN_ON, "FORBIDDEN", extensions={"saml_failure": True})
        return None

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
