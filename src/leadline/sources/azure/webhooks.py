"""What Azure DevOps' service hooks say: rows of an event's payload, with the policies by which they are merged.

A pull request and a run of a pipeline come as the API gives them, so a hook and a poll of the same thing make the same rows. A hook
signs nothing: it knows a password. A payload that lacks its shape raises ``Misshapen``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from leadline.sources.azure.api import server
from leadline.sources.azure.connection import parts
from leadline.sources.azure.pipeline_rows import Naming, build_rows
from leadline.sources.azure.queries import BRIEF
from leadline.sources.azure.rows import SOURCE, pull_request_rows, utc
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import Node, inner
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.webhook_signatures import basic_password
from leadline.sources.kit.webhooks import Change, MergePolicy, WebhookEvent, Webhooks, instant, required

EVENT_HEADER = ""
"""None: the payload itself names the event."""
SIGNATURE_HEADERS = ("authorization",)
_NEWER = "let the subscription send the resource version 2.0"
_THREAD = re.compile(r"/threads/(\d+)")


def is_signed(secret: str, headers: Mapping[str, str], _body: bytes, _now: datetime) -> bool:
    """The password of *Basic authentication* is the secret, whoever the user."""
    return basic_password(secret, headers.get("authorization", ""))


class AzureWebhooks(Webhooks):
    """One source: what of the deliveries that it gets is its own, and what they say."""

    def __init__(self, settings: SourceSettings) -> None:
        organization = parts(settings.targets[0])[0]
        at = server(settings.url, organization)
        host = f"{at.host}/{organization.lower()}"
        super().__init__(settings, host, f"{SOURCE}:{organization.lower()}" if at.is_cloud else host)
        self.patterns = [parts(target)[1] for target in settings.targets]

    def covers(self, repository: str) -> bool:
        """Whether the source reads it."""
        return any(fnmatchcase(repository.lower(), pattern) for pattern in self.patterns)

    def parse(self, _event: str, payload: Mapping[str, Any]) -> WebhookEvent:
        """What a delivery says. Raises ``Misshapen``."""
        kind = payload.get("eventType")
        read = _EVENTS.get(kind) if isinstance(kind, str) else None
        if read is None:
            return WebhookEvent(nothing=f"{str(kind or 'no')[:60]} events are not used")
        delivery = _Delivery(payload, self, required(payload, "resource"))
        outcome = read(delivery)
        if isinstance(outcome, str):
            return WebhookEvent(nothing=outcome)
        changes, repository = outcome
        return WebhookEvent(changes, repository=_name(repository), number=str(repository.get("id")))


@dataclass(frozen=True)
class _Delivery:
    payload: Node
    source: AzureWebhooks
    resource: Node

    @property
    def at(self) -> Any:
        """When it happened."""
        return utc(self.payload.get("createdDate"))


_Outcome = tuple[tuple[Change, ...], Node] | str
"""Changes with the repository that they are about, or why there are none."""


def _name(repository: Node) -> str:
    """``project/repository``. Raises ``Misshapen``."""
    project, name = (inner(repository, "project") or {}).get("name"), repository.get("name")
    if not isinstance(project, str) or not isinstance(name, str) or not project or not name:
        raise Misshapen("the repository lacks its name or its project's")
    return f"{project}/{name}"


def _unknown(row: Row, known: Iterable[str]) -> tuple[str, ...]:
    """The columns of ``row`` that are empty because nobody told them."""
    return tuple(name for name, value in row.items() if value is None and name not in known)


def _pull_request(of: _Delivery) -> _Outcome:
    node, repository = of.resource, required(of.resource, "repository")
    asked = {**node, "threads": None, "commits": None, "changes": None}
    (row,) = pull_request_rows(_name(repository), repository.get("webUrl"), asked)["pull_requests"]
    row["updated_at"] = of.at or row["updated_at"]
    known = {"updated_at", "merged_at", "closed_at", "merge_commit_sha"}
    if row["state"] != "merged":
        known.add("merged_by")
    unknown = set(_unknown(row, known))
    if len(str(node.get("description") or "")) >= BRIEF:
        unknown.add("body")  # which may go on
    newer = ("updated_at", "state=merged", "state=closed")
    change = Change("pull_requests", [row], MergePolicy(newer, tuple(sorted(unknown))))
    return (change,), repository


def _comment(of: _Delivery) -> _Outcome:
    if "comment" not in of.resource or "pullRequest" not in of.resource:
        return f"a comment without its pull request; {_NEWER}"
    node, pull_request = required(of.resource, "comment"), required(of.resource, "pullRequest")
    repository = required(pull_request, "repository")
    links = (inner(node, "_links") or {}).values()
    found = (_THREAD.search(str(link.get("href"))) for link in links if isinstance(link, dict))
    thread = next((match[1] for match in found if match), None)
    if thread is None or node.get("commentType") not in (None, "text"):
        return "a comment that is no part of a conversation"
    if node.get("isDeleted") is True:
        return "a comment that is deleted; the next run takes it away"
    threads = [{"id": int(thread), "comments": [{**node, "commentType": "text"}]}]
    rows = pull_request_rows(_name(repository), None, {**pull_request, "reviewers": [], "threads": threads})["comments"]
    for row in rows:
        row["kind"] = None  # whether it is on a file is not told
    seen = instant(node.get("lastUpdatedDate") or node.get("publishedDate"), "lastUpdatedDate")
    policy = MergePolicy(("updated_at",), ("kind",), observed_at=seen, in_pull_request=True)
    return (Change("comments", rows, policy),), repository


def _build(of: _Delivery) -> _Outcome:
    node = of.resource
    repository = inner(node, "repository")
    if repository is None or repository.get("type") != "TfsGit" or node.get("result") is None:
        return f"a run of no repository of Azure DevOps; {_NEWER}"
    repository = {**repository, "project": inner(node, "project") or {}}
    naming = Naming(of.source.prefix, lambda _identity: _name(repository), of.source.rules)
    rows = build_rows(node, naming)
    ((table, (row,)),) = ((name, found) for name, found in rows.items() if name in ("builds", "deployments"))
    policy = MergePolicy(("finished_at",), _unknown(row, {"finished_at", "environment"}))
    return (Change(table, [row], policy),), repository


_EVENTS: Mapping[str, Callable[[_Delivery], _Outcome]] = {
    "git.pullrequest.created": _pull_request,
    "git.pullrequest.updated": _pull_request,
    "git.pullrequest.merged": _pull_request,
    "ms.vss-code.git-pullrequest-comment-event": _comment,
    "build.complete": _build,
}

connect = AzureWebhooks
