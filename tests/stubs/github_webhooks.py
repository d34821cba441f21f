"""Webhooks' deliveries of the things that ``github_data`` makes: the same things as REST spells them, signed as GitHub signs."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any

SECRET = "it is a secret to everybody"


def user(actor: dict[str, Any] | None) -> dict[str, Any] | None:
    if actor is None:
        return None
    bot = actor["__typename"] == "Bot"
    return {"login": actor["login"] + ("[bot]" if bot else ""), "id": 7, "type": actor["__typename"]}


def pull_request(node: dict[str, Any], **changes: Any) -> dict[str, Any]:
    merged = node["state"] == "MERGED"
    return {
        "number": node["number"],
        "title": node["title"],
        "body": node["body"],
        "user": user(node["author"]),
        "state": "open" if node["state"] == "OPEN" else "closed",
        "draft": node["isDraft"],
        "merged": merged,
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "merged_at": node["mergedAt"],
        "closed_at": node["closedAt"],
        "merged_by": user(node["mergedBy"]),
        "base": {"ref": node["baseRefName"]},
        "head": {"ref": node["headRefName"]},
        "merge_commit_sha": node["mergeCommit"]["oid"] if merged else "0" * 40,
        "additions": node["additions"],
        "deletions": node["deletions"],
        "changed_files": node["changedFiles"],
        "labels": [{"id": 1, **label} for label in node["labels"]],
        "assignees": [user(assignee) for assignee in node["assignees"]],
        "html_url": node["url"],
        **changes,
    }


def number(node: dict[str, Any]) -> int:
    """Of a comment or a review: what its address ends in."""
    return int(re.split(r"\D", node["url"])[-1])


def comment(node: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": number(node),
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "user": user(node["author"]),
    }


def review(node: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": number(node),
        "state": node["state"].lower(),
        "submitted_at": node["submittedAt"],
        "updated_at": node["updatedAt"],
        "user": user(node["author"]),
        **changes,
    }


def release(node: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": node["databaseId"],
        "tag_name": node["tagName"],
        "name": node["name"],
        "draft": node["isDraft"],
        "prerelease": node["isPrerelease"],
        "html_url": node["url"],
        "created_at": node["createdAt"],
        "published_at": node["publishedAt"],
        "updated_at": node["updatedAt"],
        **changes,
    }


def deployment(node: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": node["databaseId"],
        "environment": node["environment"],
        "task": node["task"],
        "sha": node["commitOid"],
        "created_at": node["createdAt"],
        "updated_at": node["createdAt"],
        "creator": user(node["creator"]),
    }


def statuses(node: dict[str, Any]) -> list[dict[str, Any]]:
    """Its statuses in the order in which they came."""
    return [
        {
            "state": status["state"].lower(),
            "created_at": status["createdAt"],
            "updated_at": status["createdAt"],
            "log_url": status["logUrl"],
            "target_url": status["logUrl"],
            "environment_url": "",
        }
        for status in reversed(node["statuses"])
    ]


OF_PULL_REQUEST_EVENTS = {"merged", "merged_by", "additions", "deletions", "changed_files"}
"""What a pull request has where the event is about itself, and not beside a review or a comment."""
OF_PULL_REQUESTS = {*OF_PULL_REQUEST_EVENTS, "base", "head", "merge_commit_sha", "merged_at"}
"""What a pull request has and an issue has not, which is how it stands beside a comment on its conversation."""


def payload(repository: str, action: str, number: int = 1, **things: Any) -> dict[str, Any]:
    """An event's payload, with what every payload has."""
    owner, _, name = repository.partition("/")
    found = {"id": number, "name": name, "full_name": repository, "owner": {"login": owner}}
    lacking = {"issue": OF_PULL_REQUESTS}
    if {"review", "comment"} & set(things):
        lacking["pull_request"] = OF_PULL_REQUEST_EVENTS
    for thing in lacking.keys() & things.keys():
        if isinstance(things[thing], dict):
            things[thing] = {key: value for key, value in things[thing].items() if key not in lacking[thing]}
    return {"action": action, "repository": found, "sender": {"login": "ada", "id": 7, "type": "User"}, **things}


def signature(raw: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def signed(event: str, found: Any, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    """Headers and body of a delivery."""
    raw = found if isinstance(found, bytes) else json.dumps(found).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-Hub-Signature-256": signature(raw, secret),
    }
    return headers, raw
