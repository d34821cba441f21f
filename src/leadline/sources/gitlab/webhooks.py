"""What GitLab's webhooks say: rows of an event's payload, with the policies by which they are merged.

Payloads are put into the shapes that ``rows`` takes, so that a webhook and a poll of the same thing make the same rows.
They name people by numbers, but for who did it, and leave out much that a poll brings: what is not told stays as it is known. A
payload that lacks its shape raises ``Misshapen``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leadline.sources.gitlab.api import server
from leadline.sources.gitlab.rows import (
    SOURCE,
    account,
    deployment_rows,
    issue_rows,
    merge_request_rows,
    pipeline_rows,
    release_rows,
)
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import Node, inner, objects
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.targets import lies_in
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.webhook_signatures import SIGNING, same_token, standard_signature
from leadline.sources.kit.webhooks import (
    Change,
    MergePolicy,
    WebhookEvent,
    Webhooks,
    change_of,
    in_graphql,
    instant,
    latest,
    observed_at,
    required,
)

_SHA = re.compile("[0-9a-f]{40}([0-9a-f]{24})?")
_MERGE_REQUEST = {
    **{name: name for name in ("title", "draft", "state", "created_at", "url")},
    "body": "description",
    "base_branch": "target_branch",
    "head_branch": "source_branch",
}
_ISSUE = {
    **{name: name for name in ("type", "title", "created_at", "url")},
    "status": "state",
    "status_category": "state",
    "story_points": "weight",
    "completed_at": "closed_at",
    "time_spent_seconds": "total_time_spent",
}
"""The key of ``object_attributes`` that tells a column."""


EVENT_HEADER = "x-gitlab-event"
SIGNATURE_HEADERS = ("x-gitlab-token", "webhook-signature")


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """``X-Gitlab-Token`` is the secret; or, if the secret is a signing key, the delivery is signed as by Standard Webhooks."""
    if secret.startswith(SIGNING):
        return standard_signature(secret, headers, body, now)
    return same_token(secret, headers.get("x-gitlab-token", ""))


class GitLabWebhooks(Webhooks):
    """One source: what of the deliveries that it gets is its own, and what they say."""

    def __init__(self, settings: SourceSettings) -> None:
        at = server(settings.url)
        super().__init__(settings, at.host, SOURCE if at.is_cloud else at.host)
        self.origin = at.origin

    def covers(self, repository: str) -> bool:
        """Whether the source reads the project: it is a target, lies below one, or fits one's pattern."""
        return lies_in(repository, [target.strip().strip("/").lower() for target in self.settings.targets])

    def parse(self, event: str, payload: Mapping[str, Any]) -> WebhookEvent:
        """What a delivery says. Raises ``Misshapen``."""
        kind = payload.get("object_kind")
        read = _EVENTS.get(kind) if isinstance(kind, str) else None
        if read is None:
            return WebhookEvent(nothing=f"{str(kind or event or 'no')[:40]} events are not used")
        # A refusal would count: after a few, GitLab switches the webhook off.
        if "project" in payload and payload["project"] is None:
            return WebhookEvent(nothing="an event of a group, not of a project")
        delivery = _Delivery(payload, self)
        return self.said(read(delivery), delivery)


@dataclass(frozen=True)
class _Delivery:
    payload: Node
    source: GitLabWebhooks

    @property
    def repository(self) -> str:
        """The project's path."""
        path = required(self.payload, "project").get("path_with_namespace")
        if not isinstance(path, str) or "/" not in path.strip("/"):
            raise Misshapen("project lacks path_with_namespace")
        return path

    @property
    def number(self) -> int:
        """The project's number."""
        if not isinstance(number := required(self.payload, "project").get("id"), int):
            raise Misshapen("project lacks id")
        return number

    @property
    def thing(self) -> Node:
        """The thing that the event is about."""
        return required(self.payload, "object_attributes")

    def user(self, number: Any) -> Node | None:
        """The user of that number, if the payload names them."""
        users = [inner(self.payload, "user")]
        for name in ("assignees", "reviewers"):
            users += objects(self.payload.get(name), name)
        return next((user for user in users if user is not None and number and user.get("id") == number), None)


def _time(value: Any) -> Any:
    """An instant as every other is written; what is none is left to be refused."""
    try:
        moment = instant(value, "")
    except Misshapen:
        return value
    return None if moment is None else moment.isoformat()


def _in_graphql(node: Node, *names: str) -> dict[str, Any]:
    return {name: _time(value) if name.endswith("At") else value for name, value in in_graphql(node, *names).items()}


def _labels(of: _Delivery) -> Node | None:
    labels = of.payload.get("labels", of.thing.get("labels"))
    return None if labels is None else {"nodes": labels}


def _assignees(of: _Delivery) -> Node | None:
    """Those of a merge request, if they are told: where nobody is assigned, only the list of their numbers is there."""
    assignees = of.payload.get("assignees", of.thing.get("assignee_ids"))
    numbered = "assignees" not in of.payload and bool(assignees)
    return None if assignees is None or numbered else {"nodes": assignees}


def _unknown(row: Row, known: Iterable[str]) -> tuple[str, ...]:
    """The columns of ``row`` that are empty because nobody told them."""
    return tuple(name for name, value in row.items() if value is None and name not in known)


def _merge_request(of: _Delivery) -> tuple[Change, ...] | str:
    node = of.thing
    state, action = str(node.get("state")).lower(), node.get("action")
    ended = _time(node.get("updated_at")) if action in ("merge", "close") else None
    author, merger = of.user(node.get("author_id")), of.user(node.get("merge_user_id"))
    if action == "merge" and merger is None:
        merger = inner(of.payload, "user")
    asked = {
        **_in_graphql(node, "iid", "title", "description", "state", "created_at", "updated_at"),
        **_in_graphql(node, "target_branch", "source_branch", "merge_commit_sha"),
        "draft": node.get("draft", node.get("work_in_progress")),
        "mergedAt": ended,
        "closedAt": ended,
        "author": author,
        "mergeUser": merger,
        "labels": _labels(of),
        "assignees": _assignees(of),
        "webUrl": node.get("url"),
    }
    (row,) = merge_request_rows(of.repository, asked)["pull_requests"]
    known = {"updated_at"}
    if author is not None:
        known.add("author")  # of a deleted one
    if state in ("opened", "locked"):
        known |= {"merged_at", "closed_at", "merged_by", "merge_commit_sha"}
    elif state == "closed":
        known |= {"merged_at", "merged_by", "merge_commit_sha"}
    known |= {column for column, key in _MERGE_REQUEST.items() if key in node}
    drafts = inner(inner(of.payload, "changes") or {}, "draft") or {}
    first: tuple[str, ...] = ()
    if drafts.get("previous") is True and drafts.get("current") is False:
        row["ready_at"], first = row["updated_at"], ("ready_at",)
    newer = ("updated_at", "state=merged", "state=closed")
    return (Change("pull_requests", [row], MergePolicy(newer, _unknown(row, known), first)),)


def _note(of: _Delivery) -> tuple[Change, ...] | str:
    node = of.thing
    if node.get("noteable_type") != "MergeRequest" or node.get("system") is True:
        return "a comment on something else than a merge request"
    merge_request = required(of.payload, "merge_request")
    on_code = node.get("type") == "DiffNote" or ("type" not in node and node.get("st_diff") is not None)
    author = of.user(node.get("author_id"))
    asked = {
        **_in_graphql(node, "created_at", "updated_at"),
        "id": f"gid://gitlab/{'DiffNote' if on_code else 'Note'}/{node['id']}" if node.get("id") else None,
        "system": False,
        "author": author,
    }
    rows = merge_request_rows(of.repository, {"iid": merge_request.get("iid"), "notes": {"nodes": [asked]}})
    policy = MergePolicy(
        ("updated_at",),
        () if author is not None else ("author",),
        observed_at=observed_at(merge_request, node),
        in_pull_request=True,
    )
    return (Change("comments", rows["comments"], policy),)


def _pipeline(of: _Delivery) -> tuple[Change, ...] | str:
    node, base = of.thing, of.source.origin
    url = node.get("url")
    asked = {
        **_in_graphql(node, "id", "name", "source", "ref", "sha", "status", "created_at", "finished_at"),
        "path": url.removeprefix(base) if isinstance(url, str) and url.startswith(f"{base}/") else None,
        "user": inner(of.payload, "user"),
    }
    if not node.get("id"):
        raise Misshapen("object_attributes lacks id")
    rows_by_table = pipeline_rows(of.repository, asked, of.source.prefix, base, of.source.rules)
    ((table, (row,)),) = ((name, rows) for name, rows in rows_by_table.items() if name in ("builds", "deployments"))
    # When it started and was changed is not told: it is as a poll knows it, and else about when it was made.
    policy = MergePolicy(("finished_at",), _unknown(row, {"finished_at", "environment"}), keep_first=("started_at",))
    return (Change(table, [row], policy),)


def _deployment(of: _Delivery) -> tuple[Change, ...] | str:
    node = of.payload
    changed, link = _time(node.get("status_changed_at")), node.get("commit_url")
    sha = link.rpartition("/")[2] if isinstance(link, str) else ""
    asked = {
        "id": node.get("deployment_id"),
        "environment": {"name": node.get("environment")},
        "sha": sha if _SHA.fullmatch(sha) else None,
        "status": node.get("status"),
        "deployable": {"web_url": node.get("deployable_url")},
        "user": inner(node, "user"),
        "updated_at": changed,
    }
    (row,) = deployment_rows(of.repository, asked, of.source.prefix)["deployments"]
    row["started_at"] = changed if row["finished_at"] is None else None
    row["updated_at"] = None  # that of the deployment is not told
    policy = MergePolicy(("finished_at",), _unknown(row, {"finished_at"}), keep_first=("started_at", "finished_at"))
    return (Change("deployments", [row], policy),)


def _release(of: _Delivery) -> tuple[Change, ...] | str:
    node = of.payload if "object_attributes" not in of.payload else of.thing
    is_deleted, published = node.get("action") == "delete", _time(node.get("released_at"))
    if is_deleted and published is None:
        return "a release that was not published"
    asked = {
        **_in_graphql(node, "name", "released_at"),
        "tagName": node.get("tag"),
        "commit": {"sha": (inner(node, "commit") or {}).get("id")},
        "links": {"selfUrl": node.get("url")},
    }
    (row,) = release_rows(of.repository, asked)["releases"]
    if is_deleted:
        key = {name: row[name] for name in ("repository", "tag", "published_at")}
        return (Change("releases", [key], MergePolicy(("published_at",), deleted=True)),)
    observed_at = latest(*(instant(node.get(name), name) for name in ("created_at", "released_at")))
    return (Change("releases", [row], MergePolicy(("published_at",), _unknown(row, ()), observed_at=observed_at)),)


def _issue(of: _Delivery) -> tuple[Change, ...] | str:
    node = of.thing
    if node.get("moved_to_id") is not None:
        return "an issue that is somewhere else now"
    author, assignees = of.user(node.get("author_id")), of.payload.get("assignees")
    asked = {
        **_in_graphql(node, "iid", "type", "title", "state", "weight", "created_at", "updated_at", "closed_at"),
        "author": author,
        "assignees": {"nodes": assignees or []},  # left out where nobody is assigned
        "labels": _labels(of),
        "webUrl": node.get("url"),
        "totalTimeSpent": node.get("total_time_spent"),
    }
    (row,) = issue_rows(of.repository, asked)["work_items"]
    unknown = list(change_of(row, node, _ISSUE))
    if account(author) is None:
        unknown.append("reporter")
    if asked["labels"] is None:
        unknown.append("labels")
    return (Change("work_items", [row], MergePolicy(("updated_at", "status=closed"), tuple(unknown))),)


_EVENTS: Mapping[str, Callable[[_Delivery], tuple[Change, ...] | str]] = {
    "merge_request": _merge_request,
    "note": _note,
    "pipeline": _pipeline,
    "deployment": _deployment,
    "release": _release,
    "issue": _issue,
    "work_item": _issue,
}

connect = GitLabWebhooks
