"""What Bitbucket's webhooks say: rows of an event's payload, with the policies by which they are merged.

Payloads have pull requests, comments and verdicts in the shapes that ``rows`` takes, so that a webhook and a poll of the same
thing make the same rows. Deployments have no events; pipelines tell of themselves as statuses of commits. A payload that lacks its
shape raises ``Misshapen``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from leadline.sources.bitbucket.api import server
from leadline.sources.bitbucket.rows import SOURCE, comment_row, identity, is_said, pull_request_rows, review_row
from leadline.sources.bitbucket.runs import OUTCOMES, pipeline_rows
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import Node, inner
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.webhook_signatures import hub_signature
from leadline.sources.kit.webhooks import (
    Change,
    MergePolicy,
    WebhookEvent,
    Webhooks,
    change_of,
    full_name,
    instant,
    latest,
    required,
)

EVENT_HEADER = "x-event-key"
SIGNATURE_HEADERS = ("x-hub-signature",)

_TOLD = {
    "title": "title",
    "body": "description",
    "author": "author",
    "draft": "draft",
    "created_at": "created_on",
    "base_branch": "destination",
    "head_branch": "source",
    "url": "links",
}
"""The key of a pull request that tells a column."""
_RESULTS = re.compile(r"https?://[^/]+/[^?]*pipelines/.*\bresults/(\d+)")
"""The page of a pipeline, which the status of its commit leads to."""


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, _now: datetime) -> bool:
    """``X-Hub-Signature`` is the HMAC with SHA-256 of the body (Bitbucket, "Manage webhooks")."""
    return hub_signature(secret, headers.get("x-hub-signature", ""), body)


class BitbucketWebhooks(Webhooks):
    """One source: what of the deliveries that it gets is its own, and what they say."""

    def __init__(self, settings: SourceSettings) -> None:
        at = server(settings.url)
        super().__init__(settings, at.host, SOURCE if at.is_cloud else at.host)

    def parse(self, event: str, payload: Mapping[str, Any]) -> WebhookEvent:
        """What a delivery says. Raises ``Misshapen``."""
        read = _EVENTS.get(event)
        if read is None:
            return WebhookEvent(nothing=f"{event[:40] or 'no'} events are not used")
        delivery = _Delivery(event, payload, self)
        return self.said(read(delivery), delivery)


@dataclass(frozen=True)
class _Delivery:
    event: str
    payload: Node
    source: BitbucketWebhooks

    @property
    def repository(self) -> str:
        """The repository's name, with its workspace."""
        return full_name(self.payload)

    @property
    def number(self) -> str:
        """The repository's id."""
        if (number := identity(required(self.payload, "repository").get("uuid"))) is None:
            raise Misshapen("repository lacks uuid")
        return number

    @property
    def pull_request(self) -> Node:
        """The pull request that the event is of."""
        return required(self.payload, "pullrequest")

    @property
    def key(self) -> Row:
        """The key of the pull request."""
        return {"repository": self.repository, "number": self.pull_request.get("id")}


def _pull_request(of: _Delivery) -> tuple[Change, ...] | str:
    node = of.pull_request
    (row,) = pull_request_rows(of.repository, {**node, "activity": None, "commits": None, "files": None})[
        "pull_requests"
    ]
    unknown = {"ready_at", "additions", "deletions", "changed_files", *change_of(row, node, _TOLD)}
    if row["state"] != "open" and of.event in ("pullrequest:fulfilled", "pullrequest:rejected"):
        row["closed_at"] = row["updated_at"]
        row["merged_at"] = row["updated_at"] if row["state"] == "merged" else None
    elif row["state"] != "open":
        unknown |= {"closed_at", *(["merged_at"] if row["state"] == "merged" else [])}
    if row["state"] == "merged":
        unknown.add("merge_commit_sha")  # the beginning of it alone
        if "closed_by" not in node:
            unknown.add("merged_by")
    newer = ("updated_at", "state=merged", "state=closed")
    known = tuple(name for name in row if name in unknown)
    return (Change("pull_requests", [row], MergePolicy(newer, known)),)


def _review(state: str, name: str, of: _Delivery) -> tuple[Change, ...] | str:
    row = review_row(of.key, state, required(of.payload, name))
    policy = MergePolicy(("updated_at",), observed_at=_observed_at(of), in_pull_request=True)
    return (Change("reviews", [row], policy),)


def _comment(of: _Delivery) -> tuple[Change, ...] | str:
    node = required(of.payload, "comment")
    row = comment_row(of.key, node)
    if of.event.endswith("_deleted"):  # for good: no other comment will have its id
        keys = {name: row[name] for name in ("repository", "number", "comment_id")}
        return (Change("comments", [keys], MergePolicy((), deleted=True)),)
    if not is_said(node):
        return "a comment that is not there for others"
    policy = MergePolicy(("updated_at",), observed_at=_observed_at(of, node), in_pull_request=True)
    return (Change("comments", [row], policy),)


def _observed_at(of: _Delivery, *nodes: Node) -> datetime | None:
    return latest(*(instant(node.get("updated_on"), "updated_on") for node in (of.pull_request, *nodes)))


def _status(of: _Delivery) -> tuple[Change, ...] | str:
    node = required(of.payload, "commit_status")
    url = node.get("url")
    page = _RESULTS.match(url) if isinstance(url, str) else None
    if page is None:
        return "a status of another tool than Bitbucket's pipelines"
    if of.source.rules.rules:  # which pipeline it is is not told
        return "a pipeline that may be a deployment by --deploys; the next run brings it"
    state = str(node.get("state")).lower()
    ended = state in OUTCOMES
    asked = {
        "build_number": int(page[1]),
        "state": {"name": state if ended else "in_progress"},
        "created_on": node.get("created_on"),
        "completed_on": node.get("updated_on") if ended else None,
        "target": {"ref_name": node.get("refname"), "commit": {"hash": _sha(node)}},
    }
    (row,) = pipeline_rows(of.repository, of.number, asked, of.source.prefix, DeployRules())["builds"]
    unknown = ("pipeline", "updated_at", *(name for name in ("branch", "sha") if row[name] is None))
    # The status is made and changed when the pipeline begins and ends, or about then: a poll knows better.
    policy = MergePolicy(("finished_at",), unknown, keep_first=("started_at", "finished_at"))
    return (Change("builds", [row], policy),)


def _sha(status: Node) -> Any:
    """The commit that a status is of."""
    if (commit := inner(status, "commit")) is not None:
        return commit.get("hash")
    address = (inner(inner(status, "links") or {}, "commit") or {}).get("href")
    return address.rpartition("/")[2] if isinstance(address, str) else None


_TAKEN_BACK = "a verdict that was taken back; the next run brings it"
_EVENTS: Mapping[str, Callable[[_Delivery], tuple[Change, ...] | str]] = {
    **dict.fromkeys([f"pullrequest:{name}" for name in ("created", "updated", "fulfilled", "rejected")], _pull_request),
    "pullrequest:approved": partial(_review, "approved", "approval"),
    "pullrequest:changes_request_created": partial(_review, "changes_requested", "changes_request"),
    "pullrequest:unapproved": lambda _: _TAKEN_BACK,
    "pullrequest:changes_request_removed": lambda _: _TAKEN_BACK,
    **dict.fromkeys([f"pullrequest:comment_{name}" for name in ("created", "updated", "deleted")], _comment),
    **dict.fromkeys([f"repo:commit_status_{name}" for name in ("created", "updated")], _status),
}

connect = BitbucketWebhooks
