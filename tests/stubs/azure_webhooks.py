"""Deliveries of Azure DevOps' service hooks in their documented shapes, made of the records that the API gives."""

from __future__ import annotations

import base64
import json
from typing import Any

from stubs.azure import brief
from stubs.azure_data import Node, when

SECRET = "s3cr3t-of-the-hook"


def payload(event: str, resource: Any, minutes: float = 0, version: str = "2.0") -> Node:
    return {
        "subscriptionId": "00000000-0000-0000-0000-000000000000",
        "notificationId": 1,
        "id": "03c164c2-8912-4d5e-8009-3707d5f83734",
        "eventType": event,
        "publisherId": "tfs",
        "message": {"text": "It happened"},
        "resource": resource,
        "resourceVersion": version,
        "resourceContainers": {"collection": {"id": "c12d0eb8-e382-443b-9f9c-c52cba5014c2"}},
        "createdDate": when(minutes),
    }


def pull_request(action: str, node: Node, minutes: float, web: str | None = None) -> Node:
    """A pull request that was ``created``, ``updated`` or ``merged``."""
    sent = brief(node)
    repository = {**sent["repository"], "remoteUrl": "https://example@dev.azure.com/example/Shop/_git/cart"}
    sent["repository"] = {**repository, **({"webUrl": web} if web else {})}
    return payload(f"git.pullrequest.{action}", sent, minutes)


def comment(node: Node, of: Node, thread: int, minutes: float) -> Node:
    base = f"https://dev.azure.com/example/_apis/git/repositories/x/pullRequests/{of['pullRequestId']}/threads/{thread}"
    links = {"self": {"href": f"{base}/comments/{node['id']}"}, "threads": {"href": base}}
    resource = {"comment": {**node, "_links": links}, "pullRequest": brief(of)}
    return payload("ms.vss-code.git-pullrequest-comment-event", resource, minutes)


def build(node: Node, name: str) -> Node:
    """A run that ended, with its repository of that ``name``."""
    return payload("build.complete", {**node, "repository": {**node["repository"], "name": name}})


def delivery(sent: Node, secret: str = SECRET, user: str = "hook") -> tuple[dict[str, str], bytes]:
    """Headers and body."""
    basic = base64.b64encode(f"{user}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}, json.dumps(sent).encode()
