"""The life of a pull request, step by step: what a poll after each step shows, and what the webhook of each step says."""

from __future__ import annotations

import copy
from typing import Any

from leadline.sources.github.rows import pull_request_rows
from leadline.sources.github.webhooks import GitHubWebhooks
from leadline.sources.kit.page import Page
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.webhooks import WebhookEvent
from stubs import github_webhooks as hooks
from stubs.github_data import comment, pull, review, user, when

SHOP = "acme/shop"
SOURCE = GitHubWebhooks(SourceSettings("github", "github:acme", ("acme/*",)))
TABLES = ("pull_requests", "reviews", "comments")


class Life:
    """``nodes[n]``: the pull request after step n; ``events[n]``: the deliveries of step n as (event, payload)."""

    def __init__(self, number: int = 1) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.events: list[list[tuple[str, dict[str, Any]]]] = []
        self._node = pull(SHOP, number, reviews=0, comments=0)
        self._node |= {"state": "OPEN", "mergedAt": None, "closedAt": None, "mergedBy": None, "mergeCommit": None}
        self._node |= {"timelineItems": [], "isDraft": True, "labels": [], "assignees": []}
        self._live()

    def _live(self) -> None:
        self._pull("opened")
        self._talk("created", 0, comment(10, "cleo", self._minutes))
        self._pull("labeled", labels=[{"name": "late"}], assignees=[user("cleo"), user("ada")])
        self._talk("created", 1, comment(11, "cleo", self._minutes))
        self._pull("ready_for_review", isDraft=False, timelineItems=[{"createdAt": when(self._minutes)}])
        self._review("submitted", {**review(SHOP, 1, 1, self._minutes), "state": "CHANGES_REQUESTED"})
        self._talk("edited", 0, {**self._node["comments"][0], "updatedAt": when(self._minutes)})
        self._talk("deleted", 1, None)
        self._pull("converted_to_draft", isDraft=True)
        self._pull("ready_for_review", isDraft=False)
        changed = {**self._node["reviews"][0], "state": "DISMISSED", "updatedAt": when(self._minutes)}
        self._review("dismissed", changed)
        self._pull("edited", title="SHOP-1 another change", additions=50)
        merged = {"mergedAt": when(self._minutes), "closedAt": when(self._minutes), "mergedBy": user("ben")}
        self._pull("closed", state="MERGED", mergeCommit={"oid": "a" * 40}, **merged)
        self._talk("created", 1, comment(12, "ada", self._minutes))

    @property
    def _minutes(self) -> float:
        return 100.0 + len(self.nodes)

    def _step(self, event: str, action: str, **things: Any) -> None:
        self.nodes.append(copy.deepcopy(self._node))
        sent = hooks.pull_request(self._node)
        issue = {name: value for name, value in sent.items() if name != "assignees"}
        named = {"issue": {**issue, "pull_request": {}}} if event == "issue_comment" else {"pull_request": sent}
        self.events.append([(event, hooks.payload(SHOP, action, **named, **things))])

    def _pull(self, action: str, **changes: Any) -> None:
        self._node = {**self._node, "updatedAt": when(self._minutes), **changes}
        self._step("pull_request", action)

    def _talk(self, action: str, at: int, node: dict[str, Any] | None) -> None:
        comments = list(self._node["comments"])
        sent = node or comments[at]
        comments[at : at + 1] = [node] if node else []
        self._node = {**self._node, "updatedAt": when(self._minutes), "comments": comments}
        self._step("issue_comment", action, comment=hooks.comment(sent))

    def _review(self, action: str, node: dict[str, Any]) -> None:
        self._node = {**self._node, "updatedAt": when(self._minutes), "reviews": [node]}
        self._step("pull_request_review", action, review=hooks.review(node))
        if action == "submitted":
            sent = {"comment": hooks.comment(node["comments"][0]), "pull_request": hooks.pull_request(self._node)}
            self.events[-1].append(("pull_request_review_comment", hooks.payload(SHOP, "created", **sent)))

    def parsed(self, step: int) -> list[WebhookEvent]:
        """What the deliveries of a step say."""
        return [SOURCE.parse(event, payload) for event, payload in self.events[step]]

    def page(self, step: int) -> Page:
        """What a poll after a step brings."""
        rows = pull_request_rows(SHOP, connected(self.nodes[step]))
        key = {"repository": SHOP, "number": self.nodes[step]["number"]}
        return Page(SHOP, {name: rows[name] for name in TABLES}, {name: [key] for name in ("reviews", "comments")})


def connected(node: Any) -> Any:
    """A stub's object as an answer shows it: its lists as connections."""
    if isinstance(node, list):
        return {
            "pageInfo": {"hasNextPage": False, "endCursor": None},
            "nodes": [connected(element) for element in node],
        }
    return {name: connected(value) for name, value in node.items()} if isinstance(node, dict) else node
