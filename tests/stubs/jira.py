"""A Jira on loopback, cloud or data center: search, histories, fields, boards, with their real page sizes and limits.

What it holds comes in as plain objects (``jira_data``); answers have the documented shapes. JQL is really parsed, as far as it
is needed; cloud has no old search, data center no new one.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stubs import jira_data
from stubs.server import Reply, Request, Tool

TOKEN = "ATATT3xStub0123456789"
USER = "bot@example.com"
CLOUD_MOST, CLOUD_KEYS, CENTER_MOST, BULK_MOST, BOARD_MOST = 100, 5000, 1000, 10_000, 50

Issue = dict[str, Any]


@dataclass
class Jira(Tool):
    """``projects``: key → id; ``issues`` in any order; ``names``: projects as a listing has them."""

    cloud: bool = True
    projects: dict[str, str] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    boards: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, list[Any]] = field(default_factory=dict)
    """Of each project, by its key."""
    fields: list[dict[str, Any]] = field(default_factory=lambda: list(jira_data.FIELDS))
    statuses: list[Any] = field(default_factory=lambda: list(jira_data.STATUSES))
    users: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[str, Reply] = field(default_factory=dict)
    """Path → what is answered instead."""
    tokens: dict[str, list[str]] = field(default_factory=dict)
    frozen: bool = False
    """Nothing changes any more: searches are remembered."""
    before: Callable[[Request], object] | None = None
    """Called before an answer is made, so that something may change meanwhile."""
    _found: dict[tuple[str, ...], list[Issue]] = field(default_factory=dict)

    def limits(self, left: int, reset: int) -> dict[str, str]:
        if self.cloud:
            at = datetime.fromtimestamp(reset, UTC).strftime("%Y-%m-%dT%H:%MZ")
            return {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": at}
        fill = {"X-RateLimit-FillRate": "10", "X-RateLimit-Interval-Seconds": "1", "Retry-After": "0"}
        return {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(left), **fill}

    # -- what it holds -----------------------------------------------------------------------------------------------

    def add(self, project: str, count: int, **sizes: Any) -> None:
        self.projects.setdefault(project, str(10_000 + len(self.projects)))
        self.issues += jira_data.issues(project, count, cloud=self.cloud, **sizes)

    def issue(self, key: str) -> Issue:
        return next(issue for issue in self.issues if issue["key"] == key)

    def touch(self, key: str, minutes: float, *items: dict[str, Any], **fields: Any) -> Issue:
        """Changes an issue, with an entry in its history."""
        found = self.issue(key)
        identity = int(found["id"]) * 10 + len(found["histories"])
        ben = jira_data.user("ben", cloud=self.cloud)
        found["histories"].append(jira_data.history(identity, minutes, ben, *items))
        found["fields"].update(fields, updated=jira_data.when(minutes))
        return found

    # -- answers -----------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        if self.before is not None:
            self.before(request)
        path = request.path
        if (refusal := self.refused.get(path)) is not None:
            return refusal
        if not self.known(request):
            if path == "/rest/api/2/serverInfo" or (self.cloud and not path.endswith("/myself")):
                return self.anonymous(path)
            reason = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
            return 401, reason, b"Client must be authenticated to access this resource."
        return self.route(request)

    def known(self, request: Request) -> bool:
        basic = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        expected = f"Basic {basic}" if self.cloud else f"Bearer {TOKEN}"
        return request.headers.get("authorization") == expected

    def anonymous(self, path: str) -> Reply:
        if path == "/rest/api/2/serverInfo":
            return 200, {}, self.info()
        return 200, {}, {"values": [], "isLast": True, "total": 0}

    def info(self) -> dict[str, Any]:
        kind = "Cloud" if self.cloud else "Server"
        return {"deploymentType": kind, "version": "9.12.0", "baseUrl": "https://jira.example.com"}

    def route(self, request: Request) -> Reply:
        api = "/rest/api/3" if self.cloud else "/rest/api/2"
        path = request.path
        simple: dict[str, Callable[[], Any]] = {
            "/rest/api/2/serverInfo": self.info,
            f"{api}/myself": lambda: jira_data.user("bot", cloud=self.cloud),
            f"{api}/field": lambda: self.fields,
            f"{api}/status": lambda: self.statuses,
        }
        if path in simple:
            return 200, {}, simple[path]()
        if found := re.fullmatch(rf"{api}/project/(\d+)/versions", path):
            key = next((key for key, identity in self.projects.items() if identity == found[1]), "")
            return 200, {}, self.versions.get(key, [])
        if path == "/rest/agile/1.0/board":
            asked = request.params.get("projectKeyOrId")
            boards = [board for board in self.boards if asked in (None, board["location"]["projectKey"])]
            return self.paged(
                request, [{name: board[name] for name in board.keys() - {"sprints"}} for board in boards], BOARD_MOST
            )
        if found := re.fullmatch(r"/rest/agile/1.0/board/(\d+)/sprint", path):
            board = next(board for board in self.boards if board["id"] == int(found[1]))
            if board["type"] == "simple" and not board["sprints"]:
                return 400, {}, {"errorMessages": ["The board does not support sprints"], "errors": {}}
            return self.paged(request, board["sprints"], BOARD_MOST)
        return (self.of_cloud if self.cloud else self.of_center)(request)

    def of_cloud(self, request: Request) -> Reply:
        path = request.path
        if path == "/rest/api/3/project/search":
            return self.paged(request, self.listed(), 100)
        if path == "/rest/api/3/search/jql":
            return self.search_by_token(request.body)
        if path == "/rest/api/3/changelog/bulkfetch":
            return self.bulk(request.body)
        if found := re.fullmatch(r"/rest/api/3/issue/(\d+)/changelog", path):
            issue = next((issue for issue in self.issues if issue["id"] == found[1]), None)
            return (404, {}, None) if issue is None else self.paged(request, issue["histories"], 100)
        if path == "/rest/api/3/search":
            return 410, {}, {"errorMessages": ["The requested API has been removed."], "errors": {}}
        return 404, {}, {"errorMessages": ["null for uri"], "errors": {}}

    def of_center(self, request: Request) -> Reply:
        path = request.path
        if path == "/rest/api/2/project":
            return 200, {}, self.listed()
        if path == "/rest/api/2/search":
            return self.search_by_offset(request.body)
        if path == "/rest/api/2/user":
            user = next((user for user in self.users if user["key"] == request.params["key"]), None)
            missing = {"errorMessages": ["The user does not exist"], "errors": {}}
            return (404, {}, missing) if user is None else (200, {}, user)
        if found := re.fullmatch(r"/rest/api/2/issue/(\d+)", path):
            issue = next(issue for issue in self.issues if issue["id"] == found[1])
            return 200, {}, self.shown({**issue, "told": issue["histories"]}, ["updated"], changelog=True)
        return 404, {}, {"errorMessages": [], "errors": {}}

    def listed(self) -> list[dict[str, str]]:
        return [{"id": identity, "key": key, "name": key.title()} for key, identity in self.projects.items()]

    def paged(self, request: Request, values: list[Any], most: int) -> Reply:
        start, size = int(request.params.get("startAt", 0)), min(most, int(request.params.get("maxResults", 50)))
        chosen = values[start : start + size]
        last = start + size >= len(values)
        return 200, {}, {"startAt": start, "maxResults": size, "total": len(values), "isLast": last, "values": chosen}

    # -- search ------------------------------------------------------------------------------------------------------

    def found(self, jql: str) -> list[Issue] | Reply:
        parsed = re.fullmatch(
            r"project (?:= (\d+)|in \(([\d, ]+)\))(?: AND (created|updated) >= (\d+))?"
            r" ORDER BY (?:(created|updated) ASC, )?key ASC",
            jql,
        )
        if parsed is None:
            return self.refusal(f"Error in the JQL Query: {jql}")
        ids = parsed[1].split() if parsed[1] else re.findall(r"\d+", parsed[2])
        keys = {identity: key for key, identity in self.projects.items()}
        if unknown := [identity for identity in ids if identity not in keys]:
            return self.refusal(f"A value with ID '{unknown[0]}' does not exist for the field 'project'.")
        by = parsed[5] or ""
        key = (",".join(ids), by)
        if key not in self._found or not self.frozen:
            wanted = {keys[identity] for identity in ids}
            chosen = [issue for issue in self.issues if issue["key"].rpartition("-")[0] in wanted]
            self._found[key] = sorted(chosen, key=lambda issue: (moment(issue, by) if by else 0, *numbered(issue)))
        since = int(parsed[4] or 0) // 60_000 * 60_000  # minutes, as some versions compare
        return self._found[key] if not since else [issue for issue in self._found[key] if moment(issue, by) >= since]

    def refusal(self, text: str) -> Reply:
        return 400, {}, {"errorMessages": [text], "errors": {}}

    def search_by_token(self, body: dict[str, Any]) -> Reply:
        found = self.found(body["jql"])
        if isinstance(found, tuple):
            return found
        most = CLOUD_KEYS if body.get("fields") in (["key"], ["id"]) else CLOUD_MOST
        size = min(most, body.get("maxResults", 50))
        place = None
        if token := body.get("nextPageToken"):
            try:
                asked, *place = json.loads(base64.b64decode(token))
            except ValueError:
                return self.refusal("The provided next page token is invalid or has expired.")
            if asked != body["jql"]:
                return self.refusal("The provided next page token is not of this query.")
        by = "updated" if "ORDER BY updated" in body["jql"] else "created" if "ORDER BY created" in body["jql"] else ""
        places = [[moment(one, by) if by else 0, *numbered(one)] for one in found] if place is not None else []
        start = (
            next((at for at, position in enumerate(places) if position > place), len(places))
            if place is not None
            else 0
        )
        chosen = found[start : start + size]
        answer: dict[str, Any] = {
            "issues": [self.shown(issue, body["fields"]) for issue in chosen],
            "isLast": True,
        }
        if start + len(chosen) < len(found):
            last = [moment(chosen[-1], by) if by else 0, *numbered(chosen[-1])]
            token = base64.b64encode(json.dumps([body["jql"], *last]).encode()).decode()
            answer |= {"isLast": False, "nextPageToken": token}
        return 200, {}, answer

    def search_by_offset(self, body: dict[str, Any]) -> Reply:
        found = self.found(body["jql"])
        if isinstance(found, tuple):
            return found
        start, size = body["startAt"], min(CENTER_MOST, body["maxResults"])
        changelog = "changelog" in body.get("expand", ())
        chosen = [self.shown(issue, body["fields"], changelog=changelog) for issue in found[start : start + size]]
        return 200, {}, {"startAt": start, "maxResults": size, "total": len(found), "issues": chosen}

    def shown(self, issue: Issue, fields: list[str], *, changelog: bool = False) -> dict[str, Any]:
        shown = {"id": issue["id"], "key": issue["key"], "self": f"https://jira.example.com/issue/{issue['id']}"}
        if fields not in (["key"], ["id"]):
            whole = issue["fields"]
            shown["fields"] = {name: whole.get(name) for name in fields} if isinstance(whole, dict) else whole
        if changelog:
            told = issue.get("told", issue["histories"])
            total = len(issue["histories"])
            shown["changelog"] = {"startAt": 0, "maxResults": total, "total": total, "histories": told}
        return shown

    def bulk(self, body: dict[str, Any]) -> Reply:
        wanted = set(body["issueIdsOrKeys"])
        if not wanted or len(wanted) > 1000:
            return self.refusal("issueIdsOrKeys must have 1 to 1000 elements")
        size = min(BULK_MOST, body.get("maxResults", 1000))
        entries = [(issue["id"], entry) for issue in self.by_id(wanted) for entry in issue["histories"]]
        start = int(body.get("nextPageToken") or 0)
        logs: dict[str, list[Any]] = {}
        for identity, entry in entries[start : start + size]:
            logs.setdefault(identity, []).append(entry)
        told = [{"issueId": identity, "changeHistories": list(map(epoch, found))} for identity, found in logs.items()]
        following = str(start + size) if start + size < len(entries) else None
        return 200, {}, {"issueChangeLogs": told, "nextPageToken": following}

    def by_id(self, wanted: set[str]) -> list[Issue]:
        if not self.frozen:
            return [issue for issue in self.issues if issue["id"] in wanted]
        index = self.__dict__.setdefault("index", {issue["id"]: issue for issue in self.issues})
        return [index[identity] for identity in sorted(wanted) if identity in index]


def moment(issue: Issue, by: str) -> int:
    fields = issue["fields"]
    text = fields.get(by) if isinstance(fields, dict) else None
    if f"{by} at" in issue and issue[f"{by} at"][0] == text:
        return int(issue[f"{by} at"][1])
    at = round(datetime.fromisoformat(text).timestamp() * 1000) if text else 0
    issue[f"{by} at"] = (text, at)
    return at


def numbered(issue: Issue) -> tuple[str, int]:
    project, _, number = issue["key"].rpartition("-")
    return project, int(number)


def epoch(entry: Any) -> Any:
    """An entry as the bulk endpoint gives it: with its time as a number."""
    if not isinstance(entry, dict) or not isinstance(entry.get("created"), str):
        return entry
    try:
        return {**entry, "created": round(datetime.fromisoformat(entry["created"]).timestamp() * 1000)}
    except ValueError:
        return entry


def small(*, cloud: bool = True) -> Jira:
    """Two projects with a few issues each, and a board."""
    jira = Jira(cloud=cloud)
    jira.add("SHOP", 7)
    jira.add("WEB", 3)
    jira.versions["SHOP"] = [jira_data.version(1, "1.0", "2026-01-30"), jira_data.version(2, "1.1", released=False)]
    jira.boards.append(jira_data.board(1, "SHOP", [jira_data.sprint(7, 1), jira_data.sprint(8, 1, "active")]))
    jira.clock = jira_data.START.timestamp() + 86_400 * 30 - time.time()
    return jira
