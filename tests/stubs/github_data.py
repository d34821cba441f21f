"""Repositories for the GitHub stub: made by rule, so that every number in them can be told without looking."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import Any

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
LARGE = 3_000_000_000
"""Comments and reviews are numbered from here: GitHub's numbers of them are larger than GraphQL's Int."""


def when(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def oid(*parts: object) -> str:
    return sha1(" ".join(map(str, parts)).encode()).hexdigest()


def user(login: str) -> dict[str, Any]:
    return {"login": login, "__typename": "User"}


def team(slug: str, *logins: str, above: str | None = None) -> dict[str, Any]:
    """A team of these members, of whom the first keeps it."""
    return {
        "slug": slug,
        "name": slug.title(),
        "parentTeam": {"slug": above} if above else None,
        "members": [
            {"role": "MEMBER" if at else "MAINTAINER", "node": {"login": login}} for at, login in enumerate(logins)
        ],
    }


def comment(number: int, login: str, minutes: float) -> dict[str, Any]:
    url = f"https://github.com/acme/shop/pull/1#issuecomment-{LARGE + number}"
    return {"url": url, "createdAt": when(minutes), "updatedAt": when(minutes), "author": user(login)}


def whole_commit(sha: str, minutes: float, login: str, *parents: str, message: str = "change") -> dict[str, Any]:
    """A commit of three lines added and one deleted, committed a minute after it was written."""
    return {
        "id": f"C_{sha}",
        "oid": sha,
        "message": message,
        "authoredDate": when(minutes),
        "committedDate": when(minutes + 1),
        "author": {"name": login.title(), "email": f"{login}@example.com", "user": {"login": login}},
        "committer": {"email": "noreply@github.com"},
        "parents": [{"oid": parent} for parent in parents],
        "additions": 3,
        "deletions": 1,
    }


def commit(name: str, number: int, at: int, minutes: float, login: str) -> dict[str, Any]:
    """A commit as a pull request lists it."""
    before = oid(name, number, at - 1) if at else oid(name, "merge", number - 1)
    return {"commit": whole_commit(oid(name, number, at), minutes, login, before)}


def squash(name: str, number: int, *parents: str) -> dict[str, Any]:
    """What a pull request became on the default branch."""
    minutes = number * 60 + 44
    return whole_commit(
        oid(name, "merge", number), minutes, "ada", *parents, message=f"SHOP-{number} change (#{number})"
    )


def member(login: str, *emails: str, shown: str | None = None) -> dict[str, Any]:
    return {
        "login": login,
        "name": login.title(),
        "email": shown or "",
        "organizationVerifiedDomainEmails": list(emails),
    }


def review(name: str, number: int, at: int, minutes: float, comments: int = 1) -> dict[str, Any]:
    identity = number * 1000 + at
    return {
        "id": f"PRR_{name}_{number}_{at}",
        "url": f"https://github.com/{name}/pull/{number}#pullrequestreview-{LARGE + identity}",
        "state": "APPROVED" if at else "COMMENTED",
        "submittedAt": when(minutes),
        "updatedAt": when(minutes),
        "author": user("ben"),
        "comments": [comment(identity * 100 + number, "ben", minutes) for number in range(comments)],
    }


def pull(
    name: str,
    number: int,
    *,
    commits: int = 2,
    files: int = 3,
    reviews: int = 2,
    comments: int = 2,
    labels: int = 1,
    assignees: int = 2,
) -> dict[str, Any]:
    """A merged pull request, made an hour after the one before; its review comments are one a review."""
    begun = number * 60.0
    return {
        "id": f"PR_{name}_{number}",
        "number": number,
        "title": f"SHOP-{number} change",
        "body": "because \U0001f680",
        "state": "MERGED",
        "isDraft": False,
        "createdAt": when(begun),
        "updatedAt": when(begun + 50),
        "mergedAt": when(begun + 45),
        "closedAt": when(begun + 45),
        "url": f"https://github.example.com/{name}/pull/{number}",
        "additions": files * 3,
        "deletions": files,
        "changedFiles": files,
        "baseRefName": "main",
        "headRefName": f"SHOP-{number}-x",
        "headRefOid": oid(name, number, commits - 1),
        "author": user("ada"),
        "mergedBy": user("ben"),
        "mergeCommit": {"oid": oid(name, "merge", number), "parents": [{"oid": oid(name, "merge", number - 1)}]},
        "timelineItems": [{"createdAt": when(begun + 5)}] if number % 2 else [],
        "labels": [{"name": f"label {number}"} for number in range(labels)],
        "assignees": [user(login) for login in ("cleo", "ada", *(f"dee{at}" for at in range(assignees - 2)))],
        "commits": [commit(name, number, at, begun - 30 + at / 100, "ada") for at in range(commits)],
        "files": [{"path": f"src/{at}.py", "additions": 3, "deletions": 1} for at in range(files)],
        "comments": [comment(number * 100 + at, "cleo", begun + 10) for at in range(comments)],
        "reviews": [review(name, number, at, begun + 20 + at) for at in range(reviews)],
    }


def release(name: str, number: int) -> dict[str, Any]:
    return {
        "databaseId": number,
        "tagName": f"v{number}",
        "name": f"Release {number}",
        "isDraft": False,
        "isPrerelease": False,
        "createdAt": when(number * 100),
        "publishedAt": when(number * 100 + 1),
        "updatedAt": when(number * 100 + 1),
        "url": f"https://github.com/{name}/releases/tag/v{number}",
        "tagCommit": {"oid": oid(name, "merge", number)},
    }


def node_id(kind: str, number: int, repository: int = 591_427_149) -> str:
    """As GitHub makes them: a list in MessagePack of a zero, the repository's number and the thing's own."""
    parts = b"".join(b"\xce" + value.to_bytes(4, "big") for value in (repository, number))
    return f"{kind}_{urlsafe_b64encode(bytes([0x93, 0]) + parts).decode().rstrip('=')}"


def deployment(name: str, number: int, *states: str) -> dict[str, Any]:
    begun = number * 70.0
    identity = int(oid(name)[:5], 16) * 1000 + number
    return {
        "id": node_id("DE", identity),
        "databaseId": identity,
        "environment": "production",
        "task": "deploy",
        "createdAt": when(begun),
        "updatedAt": when(begun + len(states)),
        "commitOid": oid(name, "merge", number),
        "creator": user("ben"),
        "statuses": [
            {
                "state": state,
                "createdAt": when(begun + at + 1),
                "logUrl": "https://ci.example.com/1",
                "environmentUrl": None,
            }
            for at, state in reversed(list(enumerate(states)))
        ],
    }


def run(name: str, number: int, status: str = "completed") -> dict[str, Any]:
    return {
        "id": int(oid(name)[:6], 16) * 100_000 + number,
        "name": "CI",
        "path": ".github/workflows/ci.yml",
        "head_branch": "main",
        "head_sha": oid(name, "merge", number),
        "status": status,
        "conclusion": "success" if status == "completed" else None,
        "created_at": when(number * 60 + 46),
        "run_started_at": when(number * 60 + 46),
        "updated_at": when(number * 60 + 56),
        "html_url": f"https://github.example.com/{name}/actions/runs/{number}",
        "actor": {"login": "ada", "type": "User"},
        "triggering_actor": {"login": "ben", "type": "User"},
    }


def repository(
    name: str, number: int, *, pulls: int = 0, releases: int = 0, deployments: int = 0, runs: int = 0, **sizes: int
) -> dict[str, Any]:
    """``owner/name`` with that many of each; ``sizes`` go to every pull request. All were squashed onto the default branch."""
    history = [squash(name, at, *([oid(name, "merge", at - 1)] if at > 1 else [])) for at in range(1, pulls + 1)]
    return {
        "id": f"R_{number}",
        "databaseId": number,
        "nameWithOwner": name,
        "url": f"https://github.example.com/{name}",
        "pushedAt": when(pulls * 60),
        "isEmpty": False,
        "defaultBranchRef": {"name": "main", "target": {"oid": history[-1]["oid"]} if history else None},
        "pullRequests": [pull(name, at, **sizes) for at in range(1, pulls + 1)],
        "releases": [release(name, at) for at in range(1, releases + 1)],
        "deployments": [deployment(name, at, "IN_PROGRESS", "SUCCESS") for at in range(1, deployments + 1)],
        "runs": [run(name, at) for at in range(1, runs + 1)],
        "history": history,
    }
