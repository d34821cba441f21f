"""What GitHub's webhooks say: rows of an event's payload, with the policies by which they are merged.

Payloads have the REST API's shape; they are put into the shape that ``rows`` takes, so that a webhook and a poll of the
same thing make the same rows. A payload that lacks its shape raises ``Misshapen``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadline.sources.github.api import server
from leadline.sources.github.rows import SOURCE, deployment_rows, pull_request_rows, release_rows, run_rows
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import Node, inner
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.text import Misshapen, clean
from leadline.sources.kit.webhook_signatures import hub_signature
from leadline.sources.kit.webhooks import (
    Change,
    MergePolicy,
    WebhookEvent,
    Webhooks,
    change_of,
    full_name,
    in_graphql,
    instant,
    latest,
    observed_at,
    required,
)

REPLACED = ("inactive", "abandoned", "destroyed")
"""States that say what became of a deployment's environment, not of the deployment."""
NOTED = {
    "ping": "the webhook works",
    "repository": "a repository that was renamed, transferred or deleted is found by the next poll",
    "push": "commits are read from git",
}

_SAME = (
    "title body state draft created_at merged_at closed_at merged_by merge_commit_sha additions deletions changed_files "
    "labels assignees"
)
_PULL_REQUEST = {
    **{name: name for name in _SAME.split()},
    "author": "user",
    "base_branch": "base",
    "head_branch": "head",
    "url": "html_url",
}
"""The key that tells a column of ``pull_requests``."""


EVENT_HEADER = "x-github-event"
SIGNATURE_HEADERS = ("x-hub-signature-256",)


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, _now: datetime) -> bool:
    """``X-Hub-Signature-256`` (GitHub, "Validating webhook deliveries")."""
    return hub_signature(secret, headers.get("x-hub-signature-256", ""), body)


class GitHubWebhooks(Webhooks):
    """One source: what of the deliveries that it gets is its own, and what they say."""

    def __init__(self, settings: SourceSettings) -> None:
        at = server(settings.url)
        super().__init__(settings, at.host, SOURCE if at.is_cloud else at.host)

    def parse(self, event: str, payload: Mapping[str, Any]) -> WebhookEvent:
        """What a delivery says. Raises ``Misshapen``."""
        read = _EVENTS.get(event)
        if read is None:
            return WebhookEvent(nothing=NOTED.get(event, f"{event[:40] or 'no'} events are not used"))
        delivery = _Delivery(payload, self)
        return self.said(read(delivery), delivery)


@dataclass(frozen=True)
class _Delivery:
    payload: Node
    source: GitHubWebhooks

    @property
    def action(self) -> str:
        """What was done with the thing."""
        return str(self.payload.get("action"))

    @property
    def repository(self) -> str:
        """The repository's name, with its owner."""
        return full_name(self.payload)

    @property
    def number(self) -> int:
        """The repository's number."""
        if not isinstance(number := required(self.payload, "repository").get("id"), int):
            raise Misshapen("repository lacks id")
        return number


def _pull_request(of: _Delivery) -> tuple[Change, ...] | str:
    node = required(of.payload, "pull_request")
    merged = node.get("merged") is True or node.get("merged_at") is not None
    ready = of.action == "ready_for_review"
    labels, assignees = node.get("labels"), node.get("assignees")
    asked = {
        **in_graphql(node, "number", "title", "body", "created_at", "updated_at", "merged_at", "closed_at"),
        **in_graphql(node, "additions", "deletions", "changed_files"),
        "state": "merged" if merged else node.get("state"),
        "isDraft": node.get("draft"),
        "url": node.get("html_url"),
        "baseRefName": (inner(node, "base") or {}).get("ref"),
        "headRefName": (inner(node, "head") or {}).get("ref"),
        "author": inner(node, "user"),
        "mergedBy": inner(node, "merged_by"),
        # Of a pull request that is open, it is a merge that GitHub tries out.
        "mergeCommit": {"oid": node.get("merge_commit_sha")} if merged else None,
        "labels": None if labels is None else {"nodes": labels},
        "assignees": None if assignees is None else {"nodes": assignees},
        "timelineItems": {"nodes": [{"createdAt": node.get("updated_at")}] if ready else []},
    }
    rows = pull_request_rows(of.repository, asked)["pull_requests"]
    unknown = change_of(rows[0], node, _PULL_REQUEST)
    # Told in whole seconds: of two of one second, the one that ends the pull request comes after whatever else happened.
    newer = ("updated_at", "merged_at", "closed_at", "ready_at")
    policy = MergePolicy(newer, unknown, ("ready_at",)) if ready else MergePolicy(newer, (*unknown, "ready_at"))
    return (Change("pull_requests", rows, policy),)


def _review(of: _Delivery) -> tuple[Change, ...] | str:
    pull, node = required(of.payload, "pull_request"), required(of.payload, "review")
    if str(node.get("state")).lower() == "pending":
        return "a review that is not submitted yet"
    asked = {
        **in_graphql(node, "submitted_at", "updated_at"),
        "databaseId": node.get("id"),
        "state": str(node.get("state")).upper(),
        "author": inner(node, "user"),
    }
    rows = pull_request_rows(of.repository, {"number": pull.get("number"), "reviews": {"nodes": [asked]}})["reviews"]
    # A dismissed review stays dismissed, and not every server says when it was changed.
    policy = MergePolicy(
        ("state=dismissed", "updated_at"),
        change_of(rows[0], node, {"updated_at": "updated_at", "submitted_at": "submitted_at", "author": "user"}),
        observed_at=observed_at(pull, node),
        in_pull_request=True,
    )
    return (Change("reviews", rows, policy),)


def _issue_comment(of: _Delivery) -> tuple[Change, ...] | str:
    issue = required(of.payload, "issue")
    if inner(issue, "pull_request") is None:
        return "a comment on an issue"
    return _comment(of, issue, "discussion")


def _comment(of: _Delivery, pull: Node, kind: str) -> tuple[Change, ...] | str:
    node = required(of.payload, "comment")
    asked = {
        **in_graphql(node, "created_at", "updated_at"),
        "databaseId": node.get("id"),
        "author": inner(node, "user"),
    }
    talk, lines = ([], [{"comments": {"nodes": [asked]}}]) if kind == "review" else ([asked], [])
    of_pull = {"number": pull.get("number"), "comments": {"nodes": talk}, "reviews": {"nodes": lines}}
    rows = pull_request_rows(of.repository, of_pull)["comments"]
    if of.action == "deleted":  # for good: no other comment will have its id
        keys = [{name: row[name] for name in ("repository", "number", "comment_id")} for row in rows]
        return (Change("comments", keys, MergePolicy((), deleted=True)),)
    policy = MergePolicy(("updated_at",), observed_at=observed_at(pull, node), in_pull_request=True)
    return (Change("comments", rows, policy),)


def _release(of: _Delivery) -> tuple[Change, ...] | str:
    node = required(of.payload, "release")
    published = instant(node.get("published_at"), "published_at")
    if node.get("draft") is True or published is None:
        return "a release that is not published"
    asked = {
        **in_graphql(node, "tag_name", "name", "published_at", "updated_at"),
        "isPrerelease": node.get("prerelease"),
        "url": node.get("html_url"),
    }
    rows = release_rows(of.repository, asked)["releases"]
    if of.action == "deleted":
        return (_no_release(of, node.get("tag_name"), node),)
    policy = MergePolicy(
        ("published_at", "updated_at"),
        ("sha", *change_of(rows[0], node, {"name": "name", "updated_at": "updated_at"})),
        observed_at=latest(published, instant(node.get("updated_at"), "updated_at")),
    )
    before = (inner(inner(of.payload, "changes") or {}, "tag_name") or {}).get("from")
    gone = () if before in (None, node.get("tag_name")) else (_no_release(of, before, node),)
    return (*gone, Change("releases", rows, policy))


def _no_release(of: _Delivery, tag: Any, node: Node) -> Change:
    """A tag is no release any more, unless it has become one again."""
    row: Row = {"repository": of.repository, "tag": clean(tag), "published_at": node.get("published_at")}
    return Change("releases", [row], MergePolicy(("published_at",), deleted=True))


def _deployment_status(of: _Delivery) -> tuple[Change, ...] | str:
    node = required(of.payload, "deployment_status")
    if str(node.get("state")).lower() in REPLACED:
        return "a deployment that another one replaced"
    log = node.get("log_url") or node.get("target_url")
    return _deployed(of, [{**in_graphql(node, "state", "created_at", "environment_url"), "logUrl": log}])


def _deployed(of: _Delivery, statuses: list[Node]) -> tuple[Change, ...]:
    node = required(of.payload, "deployment")
    asked = {
        **in_graphql(node, "environment", "task", "created_at"),
        "databaseId": node.get("id"),
        "commitOid": node.get("sha"),
        "creator": inner(node, "creator"),
        "statuses": {"nodes": statuses},
    }
    rows = deployment_rows(of.repository, asked, of.source.prefix)["deployments"]
    return (Change("deployments", rows, MergePolicy(("finished_at", "started_at"), () if statuses else ("url",))),)


def _workflow_run(of: _Delivery) -> tuple[Change, ...] | str:
    run = required(of.payload, "workflow_run")
    rows_by_table = run_rows(of.repository, run, of.source.prefix, of.source.rules)
    # A run may begin and end within the second that tells when it was changed.
    policy = MergePolicy(("updated_at", "finished_at"))
    return tuple(Change(table, rows, policy) for table, rows in rows_by_table.items())


_EVENTS: Mapping[str, Callable[[_Delivery], tuple[Change, ...] | str]] = {
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "pull_request_review_comment": lambda of: _comment(of, required(of.payload, "pull_request"), "review"),
    "issue_comment": _issue_comment,
    "release": _release,
    "deployment": lambda of: _deployed(of, []),
    "deployment_status": _deployment_status,
    "workflow_run": _workflow_run,
}

connect = GitHubWebhooks
