"""Repositories, pull requests, builds and deployments for the Azure DevOps stub: made by rule, so that every number in them can be
told without looking."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
NEVER = "0001-01-01T00:00:00"
"""How Azure DevOps writes that there is no time."""

Node = dict[str, Any]


def when(minutes: float) -> str:
    """As Azure DevOps writes a time: with seven digits, or as many as there are."""
    moment = START + timedelta(minutes=minutes)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (".1234567Z" if int(minutes) % 2 else "Z")


def guid(text: str) -> str:
    digits = hashlib.sha256(text.encode()).hexdigest()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def sha(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def identity(name: str, **changes: Any) -> Node:
    """A person; a name with a backslash is of a server's domain."""
    unique = name if "\\" in name else f"{name}@example.com"
    return {
        "displayName": f"{name.rpartition(chr(92))[2].title()} Example",
        "id": guid(f"identity {name}"),
        "uniqueName": unique,
        "descriptor": f"aad.{name}",
        **changes,
    }


ADA, BEN = identity("ada"), identity("ben")
SERVICE = {
    "displayName": "Shop Build Service (example)",
    "id": guid("service"),
    "uniqueName": "Build\\4f8a",
    "descriptor": "svc.NGY4YQ",
}
REVIEWERS = {
    "displayName": "[Shop]\\Reviewers",
    "id": guid("group"),
    "uniqueName": "vstfs:///Classification/TeamProject/1\\Reviewers",
    "isContainer": True,
}


def project(name: str) -> Node:
    return {"id": guid(f"project {name}"), "name": name, "state": "wellFormed", "visibility": "private"}


def repository(of: Node, name: str, **changes: Any) -> Node:
    return {
        "id": guid(f"repository {of['name']}/{name}"),
        "name": name,
        "project": of,
        "defaultBranch": "refs/heads/main",
        "webUrl": f"https://dev.azure.com/example/{of['name']}/_git/{name}",
        "isDisabled": False,
        **changes,
    }


def thread(number: int, minutes: float, kind: str | None, *comments: Node, **changes: Any) -> Node:
    """A thread; one of the system is of a ``kind``."""
    properties = {"CodeReviewThreadType": {"$type": "System.String", "$value": kind}} if kind else {}
    return {
        "id": number,
        "publishedDate": when(minutes),
        "lastUpdatedDate": when(minutes),
        "comments": list(comments),
        "threadContext": None,
        "properties": properties,
        "identities": None,
        "isDeleted": False,
        **changes,
    }


def comment(number: int, minutes: float, by: Node, **changes: Any) -> Node:
    told = {"id": number, "author": by, "publishedDate": when(minutes), "lastUpdatedDate": when(minutes)}
    return {**told, "content": "well", "commentType": "text", **changes}


def vote(number: int, minutes: float, by: Node, result: int) -> Node:
    """The note of a vote, as the services have it: the voter is an identity of the thread."""
    noted = comment(1, minutes, by, content=f"{by['displayName']} voted {result}", commentType="system")
    made = thread(number, minutes, "VoteUpdate", noted, identities={"1": by})
    for name, value in (("CodeReviewVoteResult", str(result)), ("CodeReviewVotedByIdentity", "1")):
        made["properties"][name] = {"$type": "System.String", "$value": value}
    return made


def published(number: int, minutes: float) -> Node:
    """The note that a draft is one no more."""
    made = thread(number, minutes, "IsDraftUpdate", comment(1, minutes, ADA, commentType="system"))
    made["properties"]["CodeReviewIsDraftNowSet"] = {"$type": "System.String", "$value": "False"}
    return made


def pull_request(of: Node, number: int, minutes: float | None = None, **changes: Any) -> Node:
    """A pull request opened so many minutes after the beginning (60 for each number), approved and completed after half an hour.
    What begins with an underscore is not of its record."""
    at = number * 60.0 if minutes is None else minutes
    head = sha(f"{of['id']} {number} head")
    return {
        "pullRequestId": number,
        "repository": {"id": of["id"], "name": of["name"], "project": of["project"]},
        "status": "completed",
        "createdBy": ADA,
        "creationDate": when(at),
        "closedBy": BEN,
        "closedDate": when(at + 30),
        "title": f"SHOP-{number} Change \U0001f680",
        "description": "What and why",
        "sourceRefName": f"refs/heads/feature/{number}",
        "targetRefName": "refs/heads/main",
        "mergeStatus": "succeeded",
        "isDraft": False,
        "lastMergeSourceCommit": {"commitId": head},
        "lastMergeCommit": {"commitId": sha(f"{of['id']} {number} merge")},
        "reviewers": [{**BEN, "vote": 10}, {**REVIEWERS, "vote": 10}],
        "_threads": [
            thread(number * 10, at, "RefUpdate", comment(1, at, SERVICE, commentType="system")),
            thread(number * 10 + 1, at + 10, None, comment(1, at + 10, BEN), comment(2, at + 12, ADA)),
            thread(number * 10 + 2, at + 11, None, comment(1, at + 11, BEN), threadContext={"filePath": "/src/a.py"}),
            vote(number * 10 + 3, at + 20, BEN, 10),
            thread(number * 10 + 4, at + 30, "StatusUpdate", comment(1, at + 30, BEN, commentType="system")),
        ],
        "_commits": [commit(of, number, at - 30), commit(of, number, at - 60)],
        "_files": ["/src/a.py", "/docs/b.md"],
        **changes,
    }


def opened(of: Node, number: int, minutes: float | None = None, **changes: Any) -> Node:
    """A pull request that is open."""
    made = pull_request(of, number, minutes, status="active", closedBy=None, closedDate=None)
    made["reviewers"] = []
    made["_threads"] = made["_threads"][:3]
    return {**made, **changes}


def commit(of: Node, number: int, minutes: float) -> Node:
    by = {"name": "Ada Example", "email": "ada@example.com", "date": when(minutes)}
    return {
        "commitId": sha(f"{of['id']} {number} {minutes}"),
        "author": by,
        "committer": {**by, "date": when(minutes + 1)},
        "comment": "Change",
    }


def build(of: Node, number: int, minutes: float | None = None, **changes: Any) -> Node:
    """A run of the pipeline ``shop-ci`` that took five minutes."""
    at = number * 60.0 if minutes is None else minutes
    return {
        "id": number,
        "buildNumber": f"20260105.{number}",
        "status": "completed",
        "result": "succeeded",
        "queueTime": when(at),
        "startTime": when(at + 1),
        "finishTime": when(at + 6),
        "lastChangedDate": when(at + 6),
        "definition": {"id": 7, "name": "shop-ci"},
        "repository": {"id": of["id"], "type": "TfsGit"},
        "project": of["project"],
        "sourceBranch": "refs/heads/main",
        "sourceVersion": sha(f"build {number}"),
        "requestedFor": ADA,
        "tags": [],
        "_links": {"web": {"href": f"https://dev.azure.com/example/_build/results?buildId={number}"}},
        **changes,
    }


def environment(of: Node, number: int, name: str) -> Node:
    return {"id": number, "name": name, "project": {"id": of["id"], "name": of["name"]}, "_records": []}


def record(number: int, by: Node, minutes: float | None = None, **changes: Any) -> Node:
    """A deployment to an environment by the build ``by``."""
    at = by["id"] * 60.0 + 6 if minutes is None else minutes
    return {
        "id": number,
        "stageName": "Deploy",
        "jobName": "deploy",
        "definition": {"id": 7, "name": "shop-ci"},
        "owner": {"id": by["id"], "name": by["buildNumber"], "_links": by["_links"]},
        "result": "succeeded",
        "queueTime": when(at),
        "startTime": when(at + 1),
        "finishTime": when(at + 3),
        **changes,
    }


def deployment(of: Node, number: int, minutes: float | None = None, **changes: Any) -> Node:
    """A deployment of a classic release of what a build of ``of`` made."""
    at = number * 60.0 if minutes is None else minutes
    references = {
        "repository": of["id"],
        "repository.provider": "TfsGit",
        "sourceVersion": sha(f"release {number}"),
        "branch": "refs/heads/main",
    }
    artifact = {
        "type": "Build",
        "isPrimary": True,
        "definitionReference": {name: {"id": value, "name": ""} for name, value in references.items()},
    }
    web = {"href": f"https://dev.azure.com/example/_release?releaseId={number}"}
    return {
        "id": number,
        "release": {"id": number, "name": f"Release-{number}", "artifacts": [artifact], "_links": {"web": web}},
        "releaseDefinition": {"id": 1, "name": "Shop CD"},
        "releaseEnvironment": {"id": 2, "name": "PROD"},
        "deploymentStatus": "succeeded",
        "operationStatus": "Approved",
        "requestedFor": ADA,
        "queuedOn": when(at),
        "startedOn": when(at + 1),
        "completedOn": when(at + 4),
        "lastModifiedOn": when(at + 4),
        "_project": of["project"],
        **changes,
    }
