"""An Azure DevOps on loopback: repositories, pull requests with their lists, builds, environments and classic releases, with its
ways to page, to filter, to limit and to refuse, over real sockets."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stubs.azure_data import Node, build, deployment, environment, opened, project, pull_request, record, repository
from stubs.server import PASSING as OF_ALL
from stubs.server import Fault, Reply, Request, Tool

TOKEN = "pat0stub0123456789abcdef"
ENTRA = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzdHViIn0.c2lnbmF0dXJl"
ORGANIZATION = "example"
SIGN_IN = Fault(203, (("Content-Type", "text/html; charset=utf-8"),), b"<html>Azure DevOps Services | Sign In</html>")
"""What a wrong token is answered with."""
PASSING = {**OF_ALL, "503 with a time": Fault(503, (("Retry-After", "7"),), b"busy")}


def problem(message: str, kind: str) -> Node:
    return {"$id": "1", "innerException": None, "message": message, "typeKey": kind, "errorCode": 0, "eventId": 3000}


@dataclass
class AzureDevOps(Tool):
    """An organization. ``scopes`` are those of the token; ``refused``: names of repositories that it may not read; ``pages``:
    things of a page of builds, deployments and records at most."""

    repositories: list[Node] = field(default_factory=list)
    pull_requests: list[Node] = field(default_factory=list)
    builds: list[Node] = field(default_factory=list)
    environments: list[Node] = field(default_factory=list)
    deployments: list[Node] = field(default_factory=list)
    scopes: frozenset[str] = frozenset({"code", "build", "environment", "release"})
    refused: frozenset[str] = frozenset()
    pages: int = 100
    tokens: frozenset[str] | None = None
    """Set: the only continuation tokens that are known."""

    def answer(self, request: Request) -> Reply:
        basic = base64.b64encode(f":{TOKEN}".encode()).decode()
        if request.headers.get("authorization") not in (f"Basic {basic}", f"Bearer {ENTRA}"):
            return SIGN_IN.status, dict(SIGN_IN.headers), SIGN_IN.body
        if not request.params.get("api-version"):
            return 400, {}, problem("No api-version was supplied", "VssVersionNotSpecifiedException")
        found = re.fullmatch(r"/([^/]+)(?:/([0-9a-f-]{36}))?/_apis/(.+)", request.path)
        if found is None or found[1].lower() != ORGANIZATION:
            return 404, {}, problem("TF400813: The resource cannot be found", "HttpException")
        for pattern, scope, read in _ROUTES:
            if matched := re.fullmatch(pattern, found[3]):
                if scope not in self.scopes:
                    return 401, {}, b""
                return read(self, found[2], request.params, *matched.groups())
        return 404, {}, problem(f"The controller for path {request.path!r} was not found", "HttpException")

    # -- code ------------------------------------------------------------------------------------------------------------

    def listed_repositories(self, _project: str | None, _asked: dict[str, str]) -> Reply:
        return self.whole(self.repositories)

    def listed_pull_requests(self, of: str | None, asked: dict[str, str], repository: str | None = None) -> Reply:
        if repository is not None and (refusal := self.refusal(repository)):
            return refusal
        found = [node for node in self.pull_requests if node["repository"]["project"]["id"] == of]
        found = [node for node in found if repository in (None, node["repository"]["id"])]
        status = asked.get("searchCriteria.status", "active")
        found = [node for node in found if status in ("all", node["status"])]
        if since := asked.get("searchCriteria.minTime"):
            name = "closedDate" if asked.get("searchCriteria.queryTimeRangeType") == "closed" else "creationDate"
            found = [node for node in found if (node[name] or "")[:19] >= since[:19]]
        found.sort(key=lambda node: -node["pullRequestId"])
        skip, top = int(asked.get("$skip", 0)), int(asked.get("$top", 100))
        return self.whole([brief(node) for node in found[skip : skip + top]])

    def details(self, _of: str | None, asked: dict[str, str], repository: str, number: str, name: str) -> Reply:
        if refusal := self.refusal(repository):
            return refusal
        node = next((node for node in self.pull_requests if node["pullRequestId"] == int(number)), None)
        if node is None:
            return 404, {}, problem(f"TF401180: The requested pull request was not found: {number}", "GitPullRequest")
        lists = {"/threads": node["_threads"], "/iterations": [{"id": 1}, {"id": 2}] if node["_files"] else []}
        if name in lists:
            return self.whole(lists[name])
        if name == "/commits":
            return self.by_token(node["_commits"], asked, int(asked.get("$top", 100)))
        return self.changes(node, asked) if name else (200, {}, shown(node))

    def changes(self, node: Node, asked: dict[str, str]) -> Reply:
        skip, top = int(asked.get("$skip", 0)), min(int(asked.get("$top", 100)), self.pages)
        files = node["_files"][skip : skip + top]
        entries = [{"changeType": "edit", "item": {"path": path}} for path in files]
        more = {"nextSkip": skip + top, "nextTop": top} if skip + top < len(node["_files"]) else {}
        return 200, {}, {"changeEntries": entries, **more}

    def refusal(self, identity: str) -> Reply | None:
        node = next((node for node in self.repositories if node["id"] == identity), None)
        if node is None or node["name"] in self.refused or node["isDisabled"]:
            said = f"TF401019: The Git repository with name or identifier {identity} does not exist or you do not have permissions"
            return 404 if node is None else 403, {}, problem(said, "GitRepositoryNotFoundException")
        return None

    # -- pipelines -------------------------------------------------------------------------------------------------------

    def listed_builds(self, of: str | None, asked: dict[str, str]) -> Reply:
        found = [node for node in self.builds if node["project"]["id"] == of]
        if identities := asked.get("buildIds"):
            return self.whole([node for node in found if str(node["id"]) in identities.split(",")])
        if asked.get("statusFilter") == "completed":
            found = [node for node in found if node["status"] == "completed"]
        if since := asked.get("minTime"):
            found = [node for node in found if node["finishTime"][:19] >= since[:19]]
        found.sort(key=lambda node: (str(node.get("finishTime")), node["id"]))
        return self.by_token(found, asked, int(asked.get("$top", 100)))

    def listed_deployments(self, of: str | None, asked: dict[str, str]) -> Reply:
        found = [node for node in self.deployments if node["_project"]["id"] == of]
        if since := asked.get("minModifiedTime"):
            found = [node for node in found if node["lastModifiedOn"][:19] >= since[:19]]
        return self.by_token([shown(node) for node in found], asked, int(asked.get("$top", 50)), "")

    def listed_environments(self, of: str | None, asked: dict[str, str]) -> Reply:
        found = [shown(node) for node in self.environments if node["project"]["id"] == of]
        return self.by_token(found, asked, int(asked.get("$top", 100)))

    def listed_records(self, _of: str | None, asked: dict[str, str], number: str) -> Reply:
        node = next(node for node in self.environments if node["id"] == int(number))
        newest = sorted(node["_records"], key=lambda one: (one["queueTime"], one["id"]), reverse=True)
        return self.by_token(newest, asked, int(asked.get("top", 100)))

    # -- pages -----------------------------------------------------------------------------------------------------------

    def whole(self, values: Sequence[Node]) -> Reply:
        return 200, {}, {"count": len(values), "value": list(values)}

    def by_token(self, values: Sequence[Node], asked: dict[str, str], top: int, begins: str = "at-") -> Reply:
        """A page; the header tells where the next begins."""
        token, size = asked.get("continuationToken"), min(top, self.pages)
        if token is not None and (self.tokens is not None and token not in self.tokens):
            return 400, {}, problem("The continuation token is not valid", "InvalidContinuationTokenException")
        start = int(token.rpartition("-")[2]) if token else 0
        page = list(values[start : start + size])
        more = {"x-ms-continuationtoken": f"{begins}{start + size}"} if start + size < len(values) else {}
        return 200, more, {"count": len(page), "value": page}


def shown(node: Node) -> Node:
    return {name: value for name, value in node.items() if not name.startswith("_")}


def brief(node: Node) -> Node:
    """As lists show a pull request: with the first 400 characters of its description."""
    return {**shown(node), "description": node["description"] and node["description"][:400]}


_PULL = r"git/repositories/([0-9a-f-]{36})/pullrequests"
_ROUTES: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("git/repositories", "code", AzureDevOps.listed_repositories),
    ("git/pullrequests", "code", AzureDevOps.listed_pull_requests),
    (_PULL, "code", AzureDevOps.listed_pull_requests),
    (_PULL + r"/(\d+)(|/threads|/commits|/iterations|/iterations/2/changes)", "code", AzureDevOps.details),
    ("build/builds", "build", AzureDevOps.listed_builds),
    ("release/deployments", "release", AzureDevOps.listed_deployments),
    ("pipelines/environments", "environment", AzureDevOps.listed_environments),
    (r"pipelines/environments/(\d+)/environmentdeploymentrecords", "environment", AzureDevOps.listed_records),
)

SHOP = project("Shop")
CART, WEB = repository(SHOP, "cart"), repository(SHOP, "web-shop")


def small() -> AzureDevOps:
    """A project of three repositories: ten pull requests, builds, deployments to an environment and of a classic release."""
    builds = [build(CART, number) for number in range(1, 6)]
    production = environment(SHOP, 1, "production")
    production["_records"] = [record(number, builds[number - 1]) for number in range(1, 4)]
    return AzureDevOps(
        repositories=[CART, WEB, repository(SHOP, "empty", defaultBranch=None)],
        pull_requests=[pull_request(CART, number) for number in range(1, 8)]
        + [pull_request(WEB, number) for number in range(8, 11)],
        builds=builds,
        environments=[production],
        deployments=[deployment(WEB, number) for number in range(1, 3)],
    )


__all__ = ["ORGANIZATION", "PASSING", "SIGN_IN", "TOKEN", "AzureDevOps", "opened", "small"]
