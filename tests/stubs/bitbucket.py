"""A Bitbucket Cloud on loopback: pages that lead from one to the next, filters, orders, partial responses, scopes, and a limit that
tells neither what is left nor when it is renewed.

What it holds (``Hub``) comes in as plain objects in the documented shapes; what begins with ``_`` is the stub's own, and shown by
the routes that have it. A parameter that Bitbucket does not take is an error, as it is there.
"""

from __future__ import annotations

import base64
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from stubs.server import Reply, Request, Tool

USER, TOKEN = "ada@example.com", "ATATT3xStub0123456789"
ACCESS_TOKEN = "ATCTT3xStub0123456789"
SCOPES = {"pullrequests": "pullrequest", "pipelines": "pipeline", "deployments": "pipeline", "environments": "pipeline"}
"""What the lists need; the others need ``repository``."""
LARGEST = {"pullrequests": 50, "activity": 50, "diffstat": 5000}
"""Most things on a page, where it is not 100."""
STATES = ("OPEN", "MERGED", "DECLINED", "SUPERSEDED")
BOUND = re.compile(r"updated_on ([<>]=) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00)")
ANY_STATE = re.compile(r'\(state = "[A-Z]+"(?: OR state = "[A-Z]+")*\)')
"""What is understood of the query language: these, with AND between them."""
Node = dict[str, Any]


class BadRequest(Exception):
    pass


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass
class Hub(Tool):
    """What a Bitbucket holds. ``scopes``: those of the token; ``refused``: statuses by the end of a path; ``orders``: what becomes
    of ``sort`` of deployments: it is ``taken``, ``ignored`` or ``refused``."""

    repositories: list[Node] = field(default_factory=list)
    scopes: tuple[str, ...] = ("pipeline", "pullrequest", "repository")
    refused: dict[str, int] = field(default_factory=dict)
    orders: str = "taken"
    budget: int = 1_000_000
    """Requests of an hour; then it refuses twice, and the hour is over."""
    used: int = 0

    def limits(self, _left: int, _reset: int) -> dict[str, str]:
        near = str(self.used > self.budget * 0.8).lower()
        return {"X-RateLimit-Limit": str(self.budget), "X-RateLimit-Resource": "api", "X-RateLimit-NearLimit": near}

    def named(self, name: str) -> Node | None:
        return next((repository for repository in self.repositories if repository["full_name"] == name), None)

    def answer(self, request: Request) -> Reply:
        self.used += 1
        if self.used > self.budget:
            self.used = 0 if self.used >= self.budget + 2 else self.used
            return 429, {}, error("Rate limit for this resource has been exceeded")
        basic = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") not in (f"Basic {basic}", f"Bearer {ACCESS_TOKEN}"):
            return 401, {}, error("Token is invalid, expired, or not supported for this endpoint.")
        parts = request.path.removeprefix("/2.0/").split("/")
        if status := next((status for end, status in self.refused.items() if request.path.endswith(end)), 0):
            return status, {}, error("Resource not found" if status == 404 else "Access denied.")
        needed = next((SCOPES[part] for part in parts[3:4] if part in SCOPES), "repository")
        if needed not in self.scopes:
            return 403, {}, lacking(needed, self.scopes)
        try:
            return Asked(self, request, parts).reply()
        except BadRequest as problem:
            return 400, {}, error(str(problem))


def error(message: str, **detail: Any) -> Node:
    return {"type": "error", "error": {"message": message, **detail}}


def lacking(needed: str, granted: tuple[str, ...]) -> Node:
    message = "Your credentials lack one or more required privilege scopes."
    return error(message, detail={"required": [needed], "granted": sorted(granted)})


@dataclass
class Asked:
    """One request below the API."""

    hub: Hub
    request: Request
    parts: list[str]

    @property
    def base(self) -> str:
        return f"http://{self.request.headers['host']}/2.0"

    @property
    def params(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.request.url).query)

    def param(self, name: str, default: str = "") -> str:
        return self.params.get(name, [default])[0]

    def reply(self) -> Reply:
        if self.parts[0] != "repositories":
            return 404, {}, error("Resource not found")
        if len(self.parts) == 2:
            return self.workspace()
        repository = self.hub.named("/".join(self.parts[1:3]))
        if repository is None:
            return 404, {}, error("Repository not found")
        if len(self.parts) == 3:
            return 200, {}, self.shown(repository)
        return self.of(repository, self.parts[3], self.parts[4:])

    def workspace(self) -> Reply:
        owned = [one for one in self.hub.repositories if one["full_name"].startswith(f"{self.parts[1]}/")]
        if not owned:
            return 404, {}, error(f"No workspace with identifier '{self.parts[1]}'.")
        return self.listed(owned, "repositories", {"sort": ("created_on",)}, key=lambda one: at(one["created_on"]))

    def of(self, repository: Node, part: str, rest: list[str]) -> Reply:
        if part == "commit":
            fitting = [commit for commit in repository["_commits"] if commit["hash"].startswith(rest[0])]
            return (200, {}, fitting[0]) if len(fitting) == 1 else (404, {}, error("Commit not found"))
        if part == "diffstat":
            assert self.param("topic") == "true"
            number = int(self.param("from_pullrequest_id"))
            (pull,) = (one for one in repository["_pullrequests"] if one["id"] == number)
            return self.listed(pull["_files"], part, {"topic": ("true",), "from_pullrequest_id": (str(number),)})
        if part == "pullrequests" and rest:
            pull = next((one for one in repository["_pullrequests"] if str(one["id"]) == rest[0]), None)
            if pull is None or pull.get(f"_{rest[1]}") is None:
                return 404, {}, error("Resource not found")
            return self.listed(pull[f"_{rest[1]}"], rest[1], {})
        return getattr(self, part)(repository)  # type: ignore[no-any-return]

    def pullrequests(self, repository: Node) -> Reply:
        q = self.param("q")
        # Beside a query states as parameters count for nothing.
        states = (re.findall('"([A-Z]+)"', q) if q else self.params.get("state")) or ["OPEN"]
        found = [pull for pull in repository["_pullrequests"] if pull["state"] in states]
        for part in q.split(" AND ") if q else ():
            bound = BOUND.fullmatch(part)
            if bound is None and not ANY_STATE.fullmatch(part):
                raise BadRequest(f"Invalid query: {q}")
            if bound is not None:
                keeps = operator.ge if bound[1] == ">=" else operator.le
                found = [pull for pull in found if keeps(at(pull["updated_on"]), at(bound[2]))]
        takes = {"state": STATES, "q": (q,), "sort": ("-updated_on",), "fields": ("+values.participants",)}
        return self.listed(found, "pullrequests", takes, key=lambda pull: at(pull["updated_on"]), down=True)

    def pipelines(self, repository: Node) -> Reply:
        found = repository["_pipelines"]
        return self.listed(
            found, "pipelines", {"sort": ("-created_on",)}, key=lambda one: at(one["created_on"]), down=True
        )

    def environments(self, repository: Node) -> Reply:
        return self.listed(repository["_environments"], "environments", {})

    def deployments(self, repository: Node) -> Reply:
        found = sorted(repository["_deployments"], key=lambda one: one["uuid"])
        if self.hub.orders == "refused" and self.param("sort"):
            raise BadRequest("Bad Request")
        takes = {"sort": ("-state.started_on",)}
        if self.hub.orders != "taken":
            return self.listed(found, "deployments", takes)
        return self.listed(
            found,
            "deployments",
            takes,
            key=lambda one: at(one["state"].get("started_on") or "0001-01-01T00:00:00Z"),
            down=True,
        )

    def listed(
        self,
        values: list[Any],
        what: str,
        takes: dict[str, tuple[str, ...]],
        *,
        key: Callable[[Any], Any] | None = None,
        down: bool = False,
    ) -> Reply:
        for name, given in self.params.items():
            allowed = takes.get(name)
            if name not in ("page", "pagelen") and (allowed is None or not set(given) <= set(allowed)):
                raise BadRequest(f"Invalid {name}: {given}")
        size, page = int(self.param("pagelen", "10")), int(self.param("page", "1"))
        if not 1 <= size <= LARGEST.get(what, 100):
            raise BadRequest(f"Invalid pagelen {size}")
        if key is not None and self.param("sort"):
            values = sorted(values, key=key, reverse=down)
        chosen = [self.shown(one) for one in values[(page - 1) * size : page * size]]
        body: Node = {"pagelen": size, "values": chosen, "page": page, "size": len(values)}
        if page * size < len(values):
            query = urlencode({**self.params, "page": str(page + 1)}, doseq=True)
            path = urlsplit(self.request.url).path.removeprefix("/2.0")
            body["next"] = f"{self.base}{path}?{query}"
        return 200, {}, body

    def shown(self, node: Any) -> Any:
        """A thing without what is the stub's own, and with its links."""
        if not isinstance(node, dict):
            return node
        seen = {name: value for name, value in node.items() if not name.startswith("_")}
        if node.get("type") == "pullrequest" and "+values.participants" not in self.param("fields"):
            seen.pop("participants", None)
        if "_diffstat" in node:
            seen["links"] = {**seen["links"], "diffstat": {"href": f"{self.base}{node['_diffstat']}"}}
        return seen
