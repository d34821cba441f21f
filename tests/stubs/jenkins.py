"""A Jenkins on loopback: folders, multibranch projects and jobs with builds, told as ``tree`` asks for, on real sockets.

Data is made of plain objects by ``folder``, ``multibranch``, ``job`` and ``build``; ``tree`` is really parsed, with its ranges,
and a property that a thing does not have is left out, as Jenkins does.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from stubs.server import Reply, Request, Tool

TOKEN = "11deadbeefstub"
USER = "ada"
START = 1_767_600_000_000
"""When the first builds began: 5 January 2026, in milliseconds since 1970."""

Node = dict[str, Any]


def folder(name: str, *jobs: Node) -> Node:
    return {"_class": "com.cloudbees.hudson.plugins.folder.Folder", "name": name, "jobs": list(jobs)}


def multibranch(name: str, *jobs: Node) -> Node:
    return {
        "_class": "org.jenkinsci.plugins.workflow.multibranch.WorkflowMultiBranchProject",
        "name": name,
        "jobs": list(jobs),
    }


def job(name: str, builds: int = 0, *, minutes: int = 0, repository: str = "acme/shop", **changes: Any) -> Node:
    made = [build(at, minutes=minutes + at, repository=repository, **changes) for at in range(1, builds + 1)]
    for made_build in made:
        made_build["timestamp"] += zlib.crc32(name.encode()) % 1_000  # no two jobs begin at once
    return {"_class": "org.jenkinsci.plugins.workflow.job.WorkflowJob", "name": name, "allBuilds": made}


def checkout(repository: str, sha: str, branch: str = "refs/remotes/origin/main") -> Node:
    return {
        "_class": "hudson.plugins.git.util.BuildData",
        "lastBuiltRevision": {"SHA1": sha, "branch": [{"SHA1": sha, "name": branch}]},
        "remoteUrls": [f"https://code.example.com/{repository}.git"],
    }


def build(
    number: int,
    result: str | None = "SUCCESS",
    *,
    minutes: int = 0,
    repository: str = "acme/shop",
    building: bool = False,
    user: str | None = "ada",
    parameters: dict[str, Any] | None = None,
    **changes: Any,
) -> Node:
    sha = f"{number:040x}"
    causes = [{"_class": "hudson.model.Cause$UserIdCause", "userId": user, "userName": "Ada L."}] if user else []
    values = [{"name": name, "value": value} for name, value in (parameters or {}).items()]
    return {
        "_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun",
        "number": number,
        "timestamp": START + minutes * 60_000,
        "duration": 0 if building else 90_000,
        "result": result,
        "building": building,
        "url": f"https://ci.example.com/job/x/{number}/",
        "actions": [
            {"_class": "hudson.model.CauseAction", "causes": causes},
            {},
            {"_class": "hudson.model.ParametersAction", "parameters": values},
            checkout(repository, sha),
        ],
        "changeSets": [{"items": [{"commitId": sha}, {"commitId": f"{number + 1000:040x}"}]}],
        **changes,
    }


def parsed(tree: str) -> dict[str, tuple[dict[str, Any], slice]]:
    """Property → (what of it, which elements)."""
    place = 0

    def properties() -> dict[str, Any]:
        nonlocal place
        found: dict[str, Any] = {}
        while place < len(tree):
            begin = place
            while place < len(tree) and tree[place] not in ",[]{":
                place += 1
            name, inner, part = tree[begin:place], {}, slice(None)
            if tree[place : place + 1] == "[":
                place += 1
                inner = properties()
                place += 1
            if tree[place : place + 1] == "{":
                end = tree.index("}", place)
                first, _, last = tree[place + 1 : end].partition(",")
                part, place = slice(int(first), int(last)), end + 1
            assert name, tree
            found[name] = (inner, part)
            if tree[place : place + 1] != ",":
                break
            place += 1
        return found

    made = properties()
    assert place == len(tree), tree
    return made


def told(node: Any, wanted: dict[str, Any]) -> Any:
    """What ``wanted`` asks for of ``node``."""
    found = {"_class": node["_class"]} if "_class" in node else {}
    for name, (inner, part) in wanted.items():
        value = of(node, name)
        if value is None and name not in node and name != "lastBuild":
            continue
        if isinstance(value, list):
            value = [
                told(element, inner) if isinstance(element, dict) and inner else element for element in value[part]
            ]
        elif isinstance(value, dict):
            value = told(value, inner)
        found[name] = value
    return found


def of(node: Node, name: str) -> Any:
    builds = node.get("allBuilds")
    if isinstance(builds, list):
        if name == "allBuilds":
            return builds[::-1]  # the newest first
        if name == "lastBuild":
            return builds[-1] if builds else None
    return node.get(name)


@dataclass
class Jenkins(Tool):
    jobs: list[Node] = field(default_factory=list)
    anonymous: bool = False
    forbidden: set[str] = field(default_factory=set)
    """Names that are seen in lists and refused when asked for."""

    def limits(self, left: int, reset: int) -> dict[str, str]:  # noqa: ARG002 - as it is called
        return {}  # Jenkins has none

    def answer(self, request: Request) -> Reply:
        own = {"X-Jenkins": "2.462.3"}
        given = request.headers.get("authorization")
        right = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        if given is not None and given != right:
            return 401, {**own, "Content-Type": "text/html"}, b"<html>Invalid password/token for user</html>"
        if given is None and not self.anonymous:
            lacking = {"X-You-Are-Authenticated-As": "anonymous", "X-Required-Permission": "hudson.model.Hudson.Read"}
            return 403, {**own, **lacking, "Content-Type": "text/html"}, b"<html>Authentication required</html>"
        node: Any = {"_class": "hudson.model.Hudson", "jobs": self.jobs}
        parts = [unquote(part) for part in urlsplit(request.url).path.removesuffix("/api/json").split("/")[1:]]
        while parts and node is not None:
            part = parts.pop(0)
            if part == "job":
                name = parts.pop(0)
                node = next((candidate for candidate in node.get("jobs", ()) if candidate["name"] == name), None)
                if name in self.forbidden:
                    return 403, {**own, "Content-Type": "text/html"}, b"<html>no</html>"
            else:
                node = next(
                    (candidate for candidate in node.get("allBuilds", ()) if candidate["number"] == int(part)), None
                )
        if node is None:
            return 404, {**own, "Content-Type": "text/html"}, b"<html>Not found</html>"
        return 200, own, json.loads(json.dumps(told(node, parsed(request.params["tree"]))))
