"""Projects for the GitLab stub: made by rule, so that every number in them can be told without looking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import Any

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def when(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def rest_when(minutes: float) -> str:
    """As REST writes instants: with milliseconds, in the time zone of the server."""
    there = (START + timedelta(minutes=minutes)).astimezone(datetime.fromisoformat("2026-01-01T00:00:00+02:00").tzinfo)
    return there.isoformat(timespec="milliseconds")


def sha(*parts: object) -> str:
    return sha1(" ".join(map(str, parts)).encode()).hexdigest()


def user(username: str) -> dict[str, Any]:
    """Only ada shows her email."""
    email = "ada@example.com" if username == "ada" else ""
    return {"username": username, "name": username.capitalize(), "publicEmail": email}


def note(
    number: int, body: str, username: str, minutes: float, kind: str = "Note", *, system: bool = False
) -> dict[str, Any]:
    return {
        "id": f"gid://gitlab/{kind}/{number}",
        "body": body,
        "system": system,
        "createdAt": when(minutes),
        "updatedAt": when(minutes),
        "author": user(username),
    }


def commit(name: str, number: int, at: int, minutes: float, username: str) -> dict[str, Any]:
    return {
        "sha": sha(name, number, at),
        "authoredDate": when(minutes),
        "committedDate": when(minutes + 1),
        "author": user(username),
    }


def merge_request(
    name: str, number: int, *, commits: int = 2, files: int = 3, notes: int = 2, approvals: int = 1, labels: int = 1
) -> dict[str, Any]:
    """A merged one, made an hour after the one before, with ``notes`` each on the code and on the conversation."""
    begun = number * 60.0
    base = number * 1000
    talk = [note(base + at, "why?", "cleo", begun + 10) for at in range(notes)]
    code = [note(base + 300 + at, "here", "ben", begun + 20, "DiffNote") for at in range(notes)]
    ready = [note(base + 600, "marked this merge request as **ready**", "ada", begun + 5, system=True)]
    approved = [
        note(base + 700 + at, "approved this merge request", "ben", begun + 30 + at, system=True)
        for at in range(approvals)
    ]
    return {
        "iid": str(number),
        "title": f"SHOP-{number} change",
        "description": f"because of #{number} \U0001f680",
        "state": "merged",
        "draft": False,
        "createdAt": when(begun),
        "updatedAt": when(begun + 50),
        "mergedAt": when(begun + 45),
        "closedAt": None,
        "webUrl": f"https://gitlab.example.com/{name}/-/merge_requests/{number}",
        "targetBranch": "main",
        "sourceBranch": f"SHOP-{number}-x",
        "mergeCommitSha": sha(name, "merge", number),
        "squashCommitSha": None,
        "diffHeadSha": sha(name, "head", number),
        "author": user("ada"),
        "mergeUser": user("ben"),
        "labels": [{"title": f"label {at}"} for at in range(labels)],
        "assignees": [user("cleo"), user("ada")],
        "approvedBy": [user("ben")] if approvals else [],
        "commits": [commit(name, number, at, begun - 30 + at / 100, "ada") for at in range(commits)],
        "diffStats": [{"path": f"src/{at}.py", "additions": 3, "deletions": 1} for at in range(files)],
        "notes": [*(ready if number % 2 else []), *talk, *code, *approved],
    }


def issue(name: str, number: int) -> dict[str, Any]:
    """A closed one where the number is odd, else open."""
    begun = number * 30.0
    closed = number % 2 == 1
    return {
        "iid": str(number),
        "title": f"Wish {number}",
        "type": "ISSUE",
        "state": "closed" if closed else "opened",
        "createdAt": when(begun),
        "updatedAt": when(begun + 20),
        "closedAt": when(begun + 20) if closed else None,
        "webUrl": f"https://gitlab.example.com/{name}/-/issues/{number}",
        "weight": 3,
        "totalTimeSpent": 5_400,
        "moved": False,
        "iteration": None,
        "author": user("cleo"),
        "assignees": [user("ada")],
        "labels": [{"title": "bug"}],
    }


def iteration(number: int, group: str = "acme", *, title: str | None = None, closed: bool = False) -> dict[str, Any]:
    """Two weeks, the first from the day on which everything begins; in the shape of REST."""
    start = (START + timedelta(days=14 * (number - 1))).date()
    return {
        "id": 50 + number,
        "iid": number,
        "sequence": number,
        "group_id": 5,
        "title": title,
        "description": None,
        "state": 3 if closed else 2,
        "created_at": rest_when(-60),
        "updated_at": rest_when(-60),
        "start_date": start.isoformat(),
        "due_date": (start + timedelta(days=13)).isoformat(),
        "web_url": f"https://gitlab.example.com/groups/{group}/-/iterations/{number}",
    }


def event(number: int, minutes: float, **told: Any) -> dict[str, Any]:
    """What became of an issue: ``iteration`` with ``action``, or ``weight``; in the shape of REST."""
    who = {
        "id": 1,
        "username": "ada",
        "name": "Ada",
        "state": "active",
        "avatar_url": None,
        "web_url": "https://gitlab.example.com/ada",
    }
    of = {"resource_type": "Issue", "resource_id": 7} if "iteration" in told else {"issue_id": 7}
    return {"id": number, "user": who, "created_at": rest_when(minutes), **of, **told}


def release(name: str, number: int) -> dict[str, Any]:
    return {
        "tagName": f"v{number}",
        "name": f"Release {number}",
        "createdAt": when(number * 100),
        "releasedAt": when(number * 100 + 1),
        "links": {"selfUrl": f"https://gitlab.com/{name}/-/releases/v{number}"},
        "commit": {"sha": sha(name, "merge", number)},
    }


def deployment(name: str, number: int, status: str = "success", *, by_job: bool = True) -> dict[str, Any]:
    """In the shape of REST."""
    begun = number * 70.0
    job = {
        "name": "deploy",
        "started_at": rest_when(begun + 1),
        "finished_at": rest_when(begun + 3) if status in ("success", "failed", "canceled") else None,
        "web_url": "https://gitlab.example.com/jobs/1",
        "user": {"username": "ben", "name": "Ben"},
    }
    return {
        "id": int(sha(name)[:6], 16) * 1000 + number,
        "status": status,
        "sha": sha(name, "merge", number),
        "ref": "main",
        "created_at": rest_when(begun),
        "updated_at": rest_when(begun + 4),
        "user": {"username": "ben", "name": "Ben"},
        "environment": {"name": "production"},
        "deployable": job if by_job else None,
    }


def pipeline(path: str, number: int, status: str = "SUCCESS", **changes: Any) -> dict[str, Any]:
    ended = status in ("SUCCESS", "FAILED", "CANCELED")
    return {
        "id": f"gid://gitlab/Ci::Pipeline/{int(sha(path)[:6], 16) * 100_000 + number}",
        "name": None,
        "sha": sha(path, "merge", number),
        "ref": "main",
        "source": "push",
        "status": status,
        "createdAt": when(number * 60 + 46),
        "updatedAt": when(number * 60 + 56),
        "startedAt": when(number * 60 + 47),
        "finishedAt": when(number * 60 + 56) if ended else None,
        "path": f"/{path}/-/pipelines/{number}",
        "user": user("ada"),
        **changes,
    }


def project(
    name: str,
    number: int,
    *,
    merge_requests: int = 0,
    issues: int = 0,
    releases: int = 0,
    deployments: int = 0,
    pipelines: int = 0,
    **sizes: int,
) -> dict[str, Any]:
    """``group/name`` with that many of each; ``sizes`` go to every merge request."""
    return {
        "id": f"gid://gitlab/Project/{number}",
        "fullPath": name,
        "webUrl": f"https://gitlab.example.com/{name}",
        "repository": {"rootRef": "main"},
        "mergeRequests": [merge_request(name, at, **sizes) for at in range(1, merge_requests + 1)],
        "issues": [issue(name, at) for at in range(1, issues + 1)],
        "releases": [release(name, at) for at in range(1, releases + 1)],
        "pipelines": [pipeline(name, at) for at in range(1, pipelines + 1)],
        "deployments": [deployment(name, at) for at in range(1, deployments + 1)],
    }
