"""Of two things that a tool tells of one instant, the one that it did last counts: tools tell instants in whole seconds, and much
happens within one. Held against every connector that looks for the last of something, and against webhooks' deliveries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from leadline.ingest.partial_rows import Arrival, merge
from leadline.schema import TABLES
from leadline.sources.bitbucket.rows import pull_request_rows
from leadline.sources.bitbucket.webhooks import BitbucketWebhooks
from leadline.sources.github.rows import deployment_rows
from leadline.sources.github.webhooks import GitHubWebhooks
from leadline.sources.gitlab.rows import merge_request_rows
from leadline.sources.gitlab.webhooks import GitLabWebhooks
from leadline.sources.jenkins.streams import mark
from leadline.sources.jira.fields import field_map
from leadline.sources.jira.people import People
from leadline.sources.jira.rows import Shapes, change_rows
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.webhooks import WebhookEvent, instant
from stubs import (
    bitbucket_data,
    bitbucket_webhooks,
    github_data,
    github_webhooks,
    gitlab_data,
    gitlab_webhooks,
    jira_data,
)
from stubs.webhook_history import connected

SHOP = "acme/shop"
NOW = datetime(2026, 1, 6, tzinfo=UTC)
Outcome = Callable[[], Any]


# -- lists of one record ------------------------------------------------------------------------------------------------


def github_statuses(*states: str) -> tuple[str, str | None]:
    """What became of a deployment with these statuses, the first of them first, all of one second."""
    node = github_data.deployment(SHOP, 1, *states)
    for status in node["statuses"]:
        status["createdAt"] = github_data.when(71)
    ((row,),) = deployment_rows(SHOP, connected(node), "github").values()
    return row["status"], row["finished_at"]


def gitlab_notes(*bodies: str, newest_first: bool) -> list[str]:
    """The states of the reviews that system notes of one second tell of. Servers list them in either order."""
    notes = [gitlab_data.note(number, body, "ben", 30, system=True) for number, body in enumerate(bodies, 8)]
    node = {**gitlab_data.merge_request(SHOP, 1), "notes": notes[::-1] if newest_first else notes, "approvedBy": []}
    rows = merge_request_rows(SHOP, {**connected(node), "diffStats": node["diffStats"]})
    return [row["state"] for row in rows["reviews"]]


def jira_histories(*moves: tuple[Any, Any], newest_first: bool) -> tuple[str, str]:
    """From which status to which an issue went by changes of one instant."""
    entries = [jira_data.history(number, 60, None, jira_data.moved(*move)) for number, move in enumerate(moves, 9)]
    shapes = Shapes(field_map(jira_data.FIELDS, {}), People(None, is_cloud=True), "")  # type: ignore[arg-type]
    rows = change_rows("SHOP", "SHOP-1", entries[::-1] if newest_first else entries, shapes)
    return rows[0]["from_value"], rows[-1]["to_value"]


def bitbucket_updates(*states: str) -> tuple[str, str | None]:
    """What became of a pull request that had these states one after the other within an instant, listed the newest first."""
    activity = [bitbucket_data.update(100, "ben", state) for state in reversed(states)]
    node = {**bitbucket_data.pull_request(SHOP, 1), "state": states[-1], "activity": activity}
    (row,) = pull_request_rows(SHOP, node)["pull_requests"]
    return row["state"], row["closed_at"]


LATER = ("success", github_data.when(71))
LISTS: dict[str, tuple[Outcome, Any]] = {
    "github: in progress, then success": (lambda: github_statuses("IN_PROGRESS", "SUCCESS"), LATER),
    "github: success, then failure": (
        lambda: github_statuses("IN_PROGRESS", "SUCCESS", "FAILURE"),
        ("failure", github_data.when(71)),
    ),
    "github: failure, then once more": (lambda: github_statuses("FAILURE", "IN_PROGRESS"), ("running", None)),
    "github: success, then replaced": (lambda: github_statuses("SUCCESS", "INACTIVE"), LATER),
    **{
        f"gitlab: approved, then taken back, {newest_first=}": (
            lambda newest_first=newest_first: gitlab_notes(  # type: ignore[misc]
                "approved this merge request", "unapproved this merge request", newest_first=newest_first
            ),
            ["dismissed"],
        )
        for newest_first in (False, True)
    },
    **{
        f"gitlab: taken back, then approved, {newest_first=}": (
            lambda newest_first=newest_first: gitlab_notes(  # type: ignore[misc]
                "unapproved this merge request", "approved this merge request", newest_first=newest_first
            ),
            ["approved"],
        )
        for newest_first in (False, True)
    },
    **{
        f"jira: there and on, {newest_first=}": (
            lambda newest_first=newest_first: jira_histories(  # type: ignore[misc]
                (jira_data.TODO, jira_data.DOING), (jira_data.DOING, jira_data.DONE), newest_first=newest_first
            ),
            (jira_data.TODO["name"], jira_data.DONE["name"]),
        )
        for newest_first in (False, True)
    },
    "bitbucket: open, then merged": (
        lambda: bitbucket_updates("OPEN", "MERGED"),
        ("merged", "2026-01-05T10:40:00.000Z"),
    ),
    "bitbucket: declined, then opened again": (lambda: bitbucket_updates("DECLINED", "OPEN"), ("open", None)),
    "jenkins: builds by number": (lambda: max([mark(10, 5), mark(9, 5)]), mark(10, 5)),
}


@pytest.mark.parametrize("name", LISTS)
def test_of_one_instant_the_later_in_the_tools_order_counts(name: str) -> None:
    outcome, expected = LISTS[name]
    assert outcome() == expected


# -- deliveries of webhooks ---------------------------------------------------------------------------------------------

GITHUB = GitHubWebhooks(SourceSettings("github", "github:acme", ("acme/*",)))
BITBUCKET = BitbucketWebhooks(SourceSettings("bitbucket", "bitbucket:acme", ("acme/*",)))
GITLAB = GitLabWebhooks(SourceSettings("gitlab", "gitlab:acme", ("acme",)))
OPEN = {"state": "OPEN", "mergedAt": None, "closedAt": None, "mergedBy": None, "mergeCommit": None}
T = github_data.when(110)


def github_pull(action: str, **changes: Any) -> WebhookEvent:
    node = {**github_data.pull(SHOP, 1), "updatedAt": T, **changes}
    return GITHUB.parse(
        "pull_request", github_webhooks.payload(SHOP, action, pull_request=github_webhooks.pull_request(node))
    )


def github_run(status: str) -> WebhookEvent:
    sent = {**github_data.run(SHOP, 1, status), "updated_at": T}
    return GITHUB.parse("workflow_run", github_webhooks.payload(SHOP, status, workflow_run=sent))


def gitlab_merge_request(action: str, **changes: Any) -> WebhookEvent:
    node = {**gitlab_data.merge_request(SHOP, 1), "updatedAt": T, **changes}
    return GITLAB.parse("", gitlab_webhooks.merge_request(SHOP, node, action))


def bitbucket_pull(event: str, **changes: Any) -> WebhookEvent:
    node = {**bitbucket_data.pull_request(SHOP, 1), "updated_on": T, **changes}
    return BITBUCKET.parse(f"pullrequest:{event}", bitbucket_webhooks.pull_request(SHOP, node))


DELIVERIES: dict[str, tuple[list[WebhookEvent], dict[str, Any]]] = {
    "github: labelled and closed": (
        [github_pull("labeled", **OPEN), github_pull("closed", **{**OPEN, "state": "CLOSED", "closedAt": T})],
        {"state": "closed", "closed_at": T},
    ),
    "github: labelled and merged": (
        [github_pull("labeled", **OPEN), github_pull("closed", mergedAt=T, closedAt=T)],
        {"state": "merged", "merged_at": T},
    ),
    "github: a run that began and ended": (
        [github_run("in_progress"), github_run("completed")],
        {"status": "success", "finished_at": T},
    ),
    "bitbucket: updated and declined": (
        [bitbucket_pull("updated", **bitbucket_data.OPEN), bitbucket_pull("rejected", state="DECLINED")],
        {"state": "closed", "closed_at": T},
    ),
    "bitbucket: updated and merged": (
        [bitbucket_pull("updated", **bitbucket_data.OPEN), bitbucket_pull("fulfilled")],
        {"state": "merged", "merged_at": T},
    ),
    "gitlab: labelled and closed": (
        [
            gitlab_merge_request("update", state="opened", mergedAt=None, mergeUser=None, mergeCommitSha=None),
            gitlab_merge_request("close", state="closed", mergedAt=None, mergeUser=None, mergeCommitSha=None),
        ],
        {"state": "closed", "closed_at": T},
    ),
    "gitlab: labelled and merged": (
        [
            gitlab_merge_request("update", state="opened", mergedAt=None, mergeUser=None, mergeCommitSha=None),
            gitlab_merge_request("merge"),
        ],
        {"state": "merged", "merged_at": T},
    ),
}


def merged(events: Iterable[WebhookEvent]) -> dict[str, Any]:
    """The one row after the deliveries."""
    changes = [change for event in events for change in event.changes]
    (name,) = {change.table for change in changes}
    table = TABLES[name]
    typed = [
        {
            column.name: instant(row.get(column.name), column.name)
            if column.type == "instant"
            else row.get(column.name)
            for column in table.columns
        }
        for change in changes
        for row in change.rows
    ]
    arrivals = [Arrival(change.policy, NOW) for change in changes]
    (row,) = merge(table, zip(typed, arrivals, strict=True), {}, {}).values()
    assert row is not None
    return row


@pytest.mark.parametrize("name", DELIVERIES)
def test_of_deliveries_of_one_second_the_one_that_ends_it_counts_in_any_order(name: str) -> None:
    events, expected = DELIVERIES[name]
    for order in permutations(events):
        row = merged(order)
        actual = {
            column: value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
            for column, value in row.items()
        }
        assert {column: actual[column] for column in expected} == expected
