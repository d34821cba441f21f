"""What a deleted user left is nobody's, however a tool writes that; of several users the next one counts."""

from __future__ import annotations

from typing import Any

import pytest

from leadline.sources.azure import rows as azure
from leadline.sources.bitbucket import rows as bitbucket
from leadline.sources.bitbucket.webhooks import BitbucketWebhooks
from leadline.sources.github.rows import deployment_rows, pull_request_rows, run_rows
from leadline.sources.github.webhooks import GitHubWebhooks
from leadline.sources.gitlab import rows as gitlab
from leadline.sources.gitlab.webhooks import GitLabWebhooks
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.linear import rows as linear
from stubs import (
    azure_data,
    bitbucket_data,
    bitbucket_webhooks,
    github_data,
    github_webhooks,
    gitlab_data,
    gitlab_webhooks,
    linear_data,
)
from stubs.azure import CART
from stubs.linear import ENG
from stubs.webhook_history import connected

SHOP = "acme/shop"
DEPLOYS = DeployRules.parsed(["CI"])
IN_REST = {"login": "ghost", "id": 10137, "type": "User"}
ADA = {"login": "ada", "type": "User"}
FORMER = {"type": "user", "display_name": "Former user", "account_id": "unknown"}
GITLAB_GHOST = {"username": "ghost", "name": "Ghost User"}


def github_pull(author: Any) -> Any:
    node = {**github_data.pull(SHOP, 1), "author": author}
    return pull_request_rows(SHOP, connected(node))["pull_requests"][0]["author"]


def github_run(**actors: Any) -> Any:
    return run_rows(SHOP, {**github_data.run(SHOP, 1), **actors}, "github", DEPLOYS)["deployments"][0]["triggered_by"]


def github_webhook() -> Any:
    sent = github_webhooks.pull_request(github_data.pull(SHOP, 1), user=IN_REST)
    source = GitHubWebhooks(SourceSettings("github", "github:acme", ("acme/*",)))
    event = source.parse("pull_request", github_webhooks.payload(SHOP, "edited", pull_request=sent))
    return event.changes[0].rows[0]["author"]


def gitlab_issue(*assignees: Any) -> Any:
    node = {**gitlab_data.issue(SHOP, 1), "assignees": list(assignees)}
    return gitlab.issue_rows(SHOP, connected(node))["work_items"][0]["assignee"]


def gitlab_deployment(user: Any) -> Any:
    node = {**gitlab_data.deployment(SHOP, 1), "user": user}
    return gitlab.deployment_rows(SHOP, node, "gitlab")["deployments"][0]["triggered_by"]


def gitlab_webhook(*assignees: Any) -> Any:
    sent = gitlab_webhooks.issue(SHOP, gitlab_data.issue(SHOP, 1))
    source = GitLabWebhooks(SourceSettings("gitlab", "gitlab:acme", ("acme",)))
    return source.parse("", {**sent, "assignees": list(assignees)}).changes[0].rows[0]["assignee"]


def bitbucket_pull(author: Any) -> Any:
    node = {**bitbucket_data.pull_request(SHOP, 1), "author": author}
    return bitbucket.pull_request_rows(SHOP, node)["pull_requests"][0]["author"]


def bitbucket_webhook() -> Any:
    node = {**bitbucket_data.pull_request(SHOP, 1), "author": FORMER}
    source = BitbucketWebhooks(SourceSettings("bitbucket", "bitbucket:acme", ("acme/*",)))
    event = source.parse("pullrequest:updated", bitbucket_webhooks.pull_request(SHOP, node))
    return event.changes[0].rows[0]["author"]


def azure_pull(author: Any) -> Any:
    node = {**azure_data.opened(CART, 1, 0), "createdBy": author, "threads": None, "commits": None, "changes": None}
    return azure.pull_request_rows("Shop/cart", None, node)["pull_requests"][0]["author"]


def linear_issue(**people: Any) -> Any:
    node = {**linear_data.issue(ENG, 1), "labels": None, "history": None, **people}
    (row,) = linear.issue_rows(node)["work_items"]
    return row["assignee"], row["reporter"]


CASES = {
    "azure, nobody": (lambda: azure_pull(None), None),
    "azure, a group": (lambda: azure_pull(azure_data.REVIEWERS), None),
    "azure, without a name": (lambda: azure_pull({"displayName": "", "uniqueName": "", "id": ""}), None),
    "linear, nobody": (lambda: linear_issue(assignee=None, creator=None), (None, None)),
    "github, nobody": (lambda: github_pull(None), None),
    "github, ghost": (lambda: github_pull({"login": "ghost", "__typename": "User"}), None),
    "github, without a name": (lambda: github_pull({"login": "", "__typename": "User"}), None),
    "github, run by ghost": (lambda: github_run(triggering_actor=IN_REST, actor=IN_REST), None),
    "github, run again by ghost": (lambda: github_run(triggering_actor=IN_REST, actor=ADA), "ada"),
    "github, run by nobody": (lambda: github_run(triggering_actor=None, actor=None), None),
    "github, webhook": (github_webhook, None),
    "gitlab, ghost": (lambda: gitlab_issue(GITLAB_GHOST), None),
    "gitlab, second assignee": (lambda: gitlab_issue(GITLAB_GHOST, gitlab_data.user("ada")), "ada"),
    "gitlab, third assignee": (lambda: gitlab_issue(GITLAB_GHOST, None, gitlab_data.user("ben")), "ben"),
    "gitlab, deployed by ghost": (lambda: gitlab_deployment(GITLAB_GHOST), "ben"),
    "gitlab, deployed by nobody": (lambda: gitlab_deployment(None), "ben"),
    "bitbucket, nobody": (lambda: bitbucket_pull(None), None),
    "bitbucket, lost": (lambda: bitbucket_pull(FORMER), None),
    "bitbucket, of no id": (lambda: bitbucket_pull({"type": "user", "display_name": "Former user"}), None),
    "bitbucket, webhook": (bitbucket_webhook, None),
    "gitlab, webhook": (lambda: gitlab_webhook({"id": 5, **GITLAB_GHOST}, {"id": 1, "username": "ada"}), "ada"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_deleted_user_is_nobody_and_the_next_one_counts(name: str) -> None:
    outcome, expected = CASES[name]
    assert outcome() == expected


def test_a_deployment_by_a_deleted_user_was_made_by_nobody() -> None:
    node = {**github_data.deployment(SHOP, 1, "SUCCESS"), "creator": {"login": "ghost", "__typename": "User"}}
    assert deployment_rows(SHOP, connected(node), "github")["deployments"][0]["triggered_by"] is None
