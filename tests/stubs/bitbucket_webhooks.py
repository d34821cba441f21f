"""Webhooks' payloads of the things that ``bitbucket_data`` makes, as Bitbucket sends them."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from stubs.bitbucket_data import uid, user

SECRET = "bitbucket-webhook-secret"
Node = dict[str, Any]


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(event: str, payload: Node, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a delivery."""
    body = json.dumps(payload).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Event-Key": event,
        "X-Hook-UUID": uid("hook").strip("{}"),
        "X-Request-UUID": uid("request").strip("{}"),
        "X-Attempt-Number": "1",
        "X-Hub-Signature": signature(body, secret),
    }
    return headers, body


def payload(repository: str, number: int = 1, by: str = "ada", **things: Any) -> Node:
    found = {
        "type": "repository",
        "full_name": repository,
        "uuid": uid("repository", number),
        "name": repository.partition("/")[2],
    }
    return {"repository": found, "actor": user(by), **things}


def pull_request(repository: str, node: Node, by: str = "ada", **things: Any) -> Node:
    """A payload with the whole pull request, as all events of one have it."""
    shown = {name: value for name, value in node.items() if not name.startswith("_")}
    return payload(repository, 1, by, pullrequest=shown, **things)


def commit_status(repository: str, node: Node, state: str, **changes: Any) -> Node:
    """The status by which a pipeline tells of itself."""
    number = node["build_number"]
    sha = node["target"]["commit"]["hash"]
    status = {
        "type": "build",
        "key": str(number),
        "name": f"Pipeline #{number} for main",
        "state": state,
        "url": f"https://bitbucket.org/{repository}/addon/pipelines/home#!/results/{number}",
        "refname": node["target"]["ref_name"],
        "created_on": node["created_on"],
        "updated_on": node.get("completed_on", node["created_on"]),
        "links": {"commit": {"href": f"https://api.bitbucket.org/2.0/repositories/{repository}/commit/{sha}"}},
        **changes,
    }
    return payload(repository, commit_status=status)
