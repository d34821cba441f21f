"""Recorded shapes of GitLab's webhooks in, rows on terms out: what they tell is what a poll of the same thing tells."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.schema import TABLES
from leadline.sources.gitlab.rows import deployment_rows, issue_rows, merge_request_rows, pipeline_rows, release_rows
from leadline.sources.gitlab.webhooks import GitLabWebhooks
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.webhooks import Change, instant
from stubs import gitlab_webhooks as hooks
from stubs.gitlab_data import deployment, issue, merge_request, note, pipeline, release, when
from stubs.webhook_history import connected

SHOP = "acme/web/shop"
BASE = "https://gitlab.com"
SOURCE = GitLabWebhooks(SourceSettings("gitlab", "gitlab:acme", ("acme",)))


def changes(payload: dict[str, Any], source: GitLabWebhooks = SOURCE) -> tuple[Change, ...]:
    found = source.parse("", payload)
    assert (found.nothing, found.repository, found.number) == ("", SHOP, "1")
    return found.changes


def as_stored(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """``row`` with its instants as such, since they are spelled in several ways."""
    return {
        name: instant(value, name) if TABLES[table].column[name].type == "instant" else value
        for name, value in row.items()
    }


def assert_tells(change: Change, polled: dict[str, Any], *about: str) -> None:
    """Whatever the change claims to know is what the poll knows, but for columns that it knows only ``about``."""
    (row,) = change.rows
    known = {name for name in row if name not in change.policy.unknown and name not in about}
    expected = as_stored(change.table, polled)
    assert {name: as_stored(change.table, row)[name] for name in known} == {name: expected[name] for name in known}
    assert set(TABLES[change.table].key) <= known


def polled(node: dict[str, Any], table: str) -> dict[str, Any]:
    lists = {**connected(node), "diffStats": node["diffStats"]}
    row: dict[str, Any] = merge_request_rows(SHOP, lists)[table][0]
    return row


OPEN = {"state": "opened", "mergedAt": None, "mergeUser": None, "mergeCommitSha": None}
STATES: dict[str, tuple[dict[str, Any], str]] = {
    "open": (OPEN, "open"),
    "merging": ({**OPEN, "state": "locked"}, "update"),
    "draft": ({**OPEN, "draft": True}, "update"),
    "closed": ({**OPEN, "state": "closed", "closedAt": when(110)}, "close"),
    "closed before": ({**OPEN, "state": "closed", "closedAt": when(70)}, "update"),
    "merged": ({"mergedAt": when(110)}, "merge"),
    "merged before": ({}, "update"),
    "merged without a merge commit": ({"mergeCommitSha": None}, "update"),
    "without labels": ({**OPEN, "labels": [], "description": ""}, "open"),
    "assigned to nobody": ({**OPEN, "assignees": []}, "update"),
}


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("by", ["ada", "cleo"])
def test_a_merge_request(name: str, by: str) -> None:
    further, action = STATES[name]
    node = {**merge_request(SHOP, 1), **further}
    (change,) = changes(hooks.merge_request(SHOP, node, action, by if action != "merge" else "ben"))
    assert_tells(change, polled(node, "pull_requests"))
    (row,) = change.rows
    assert {"additions", "deletions", "changed_files", "ready_at"} <= set(change.policy.unknown)
    assert ("author" in change.policy.unknown) is (row["author"] is None)
    assert ("merged_at" in change.policy.unknown) is (name in ("merged before", "merged without a merge commit"))
    assert "assignees" not in change.policy.unknown


def test_assignees_of_whom_only_numbers_are_told_are_unknown() -> None:
    payload = hooks.merge_request(SHOP, {**merge_request(SHOP, 1), **OPEN}, "update")
    del payload["assignees"]
    (change,) = changes(payload)
    assert change.rows[0]["assignees"] is None
    assert "assignees" in change.policy.unknown


def test_ready_for_review_tells_when() -> None:
    node = {**merge_request(SHOP, 1), **OPEN}
    payload = hooks.merge_request(SHOP, node, "update")
    payload["changes"] = {"draft": {"previous": True, "current": False}}
    (change,) = changes(payload)
    assert change.rows[0]["ready_at"] == change.rows[0]["updated_at"]
    assert change.policy.keep_first == ("ready_at",)
    assert "ready_at" not in change.policy.unknown


@pytest.mark.parametrize("kind", ["Note", "DiffNote", "DiscussionNote"])
def test_notes(kind: str) -> None:
    node = merge_request(SHOP, 1)
    node["notes"] = [note(7, "why?", "cleo", 99, kind)]
    (change,) = changes(hooks.note(SHOP, node["notes"][0], node))
    assert_tells(change, polled(node, "comments"))
    assert change.policy.observed_at == instant(node["updatedAt"], "")
    assert change.policy.in_pull_request
    assert change.policy.unknown == ()


def test_a_note_edited_by_another_keeps_its_author() -> None:
    node = merge_request(SHOP, 1)
    payload = hooks.note(SHOP, note(7, "why?", "cleo", 99), node)
    payload["user"] = hooks.user({"username": "ben", "name": "Ben"})
    (change,) = changes(payload)
    assert change.policy.unknown == ("author",)


def test_system_notes_and_notes_on_other_things_are_ignored() -> None:
    node = merge_request(SHOP, 1)
    assert not SOURCE.parse("", hooks.note(SHOP, note(7, "x", "ada", 9, system=True), node)).changes
    payload = hooks.note(SHOP, note(7, "x", "ada", 9), node)
    payload["object_attributes"]["noteable_type"] = "Issue"
    assert not SOURCE.parse("", payload).changes


@pytest.mark.parametrize("status", ["SUCCESS", "FAILED", "RUNNING", "PENDING", "CANCELED"])
def test_a_pipeline(status: str) -> None:
    node = pipeline(SHOP, 1, status)
    (change,) = changes(hooks.pipeline(SHOP, node))
    expected = pipeline_rows(SHOP, node, "gitlab", BASE, DeployRules())["builds"][0]
    assert_tells(change, expected, "started_at")
    assert change.policy.keep_first == ("started_at",)
    assert "updated_at" in change.policy.unknown


@pytest.mark.parametrize("status", ["SUCCESS", "RUNNING"])
def test_a_pipeline_that_is_a_deployment_by_rule(status: str) -> None:
    settings = SourceSettings("gitlab", "x", ("acme",), options={"deploys": ("push=production",)})
    node = pipeline(SHOP, 1, status)
    (change,) = changes(hooks.pipeline(SHOP, node), GitLabWebhooks(settings))
    rules = DeployRules.parsed(["push=production"])
    assert change.table == "deployments"
    assert_tells(change, pipeline_rows(SHOP, node, "gitlab", BASE, rules)["deployments"][0], "started_at")


@pytest.mark.parametrize("status", ["running", "success", "failed", "canceled"])
@pytest.mark.parametrize("by_job", [True, False])
def test_a_deployment(status: str, by_job: bool) -> None:
    node = deployment(SHOP, 1, status, by_job=by_job)
    (change,) = changes(hooks.deployment(SHOP, node))
    assert_tells(change, deployment_rows(SHOP, node, "gitlab")["deployments"][0], "started_at")
    assert change.policy.keep_first == ("started_at", "finished_at")
    assert "updated_at" in change.policy.unknown


def test_releases() -> None:
    node = release(SHOP, 1)
    (made,) = changes(hooks.release(SHOP, node, "create"))
    assert_tells(made, release_rows(SHOP, node)["releases"][0])
    (gone,) = changes(hooks.release(SHOP, node, "delete"))
    assert gone.policy.deleted
    assert set(gone.rows[0]) == {"repository", "tag", "published_at"}


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("by", ["cleo", "ben"])
def test_an_issue(number: int, by: str) -> None:
    node = issue(SHOP, number)
    (change,) = changes(hooks.issue(SHOP, node, by))
    assert_tells(change, issue_rows(SHOP, connected(node))["work_items"][0])
    assert change.policy.unknown == (() if by == "cleo" else ("reporter",))


def test_an_issue_nobody_is_assigned_to_on_a_server_without_weights() -> None:
    node = {**issue(SHOP, 1), "assignees": []}
    payload = hooks.issue(SHOP, node)
    del payload["assignees"], payload["object_attributes"]["weight"]
    (change,) = changes(payload)
    assert change.policy.unknown == ("story_points",)
    assert_tells(change, issue_rows(SHOP, connected(node))["work_items"][0])


def test_an_issue_that_moved_away_says_nothing() -> None:
    payload = hooks.issue(SHOP, issue(SHOP, 1))
    payload["object_attributes"]["moved_to_id"] = 7
    assert not SOURCE.parse("", payload).changes


@pytest.mark.parametrize(
    ("targets", "covered"),
    [
        (("acme",), True),
        (("acme/web",), True),
        (("acme/web/shop",), True),
        (("acme/web/sh*",), True),
        (("acme/*",), True),
        (("acme/we",), False),
        (("other", "acme/api-*"), False),
    ],
)
def test_only_what_the_source_reads_is_covered(targets: tuple[str, ...], covered: bool) -> None:
    assert GitLabWebhooks(SourceSettings("gitlab", "x", targets)).covers("Acme/web/Shop") is covered


@pytest.mark.parametrize("kind", ["push", "tag_push", "emoji", "build", "wiki_page", None, 7])
def test_other_events_say_nothing(kind: Any) -> None:
    assert SOURCE.parse("", {"object_kind": kind}).nothing


def test_a_self_managed_server() -> None:
    source = GitLabWebhooks(SourceSettings("gitlab", "x", ("acme",), "https://git.example.com/lab"))
    found = source.parse("", hooks.pipeline(SHOP, pipeline(SHOP, 1)))
    assert str(found.changes[0].rows[0]["build_id"]).startswith("git.example.com/lab:")
    assert "url" in found.changes[0].policy.unknown  # the address is another's
    assert source.cursor(found) == "git.example.com/lab#1"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("2026-01-05 09:00:00 UTC"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MERGE_REQUEST = merge_request(SHOP, 1)
PAYLOADS: tuple[dict[str, Any], ...] = (
    hooks.merge_request(SHOP, MERGE_REQUEST, "merge"),
    hooks.note(SHOP, note(7, "x", "ada", 9), MERGE_REQUEST),
    hooks.pipeline(SHOP, pipeline(SHOP, 1)),
    hooks.deployment(SHOP, deployment(SHOP, 1)),
    hooks.release(SHOP, release(SHOP, 1), "create"),
    hooks.issue(SHOP, issue(SHOP, 1)),
)
PLACES = [
    (at, place)
    for at, payload in enumerate(PAYLOADS)
    for place in [(name,) for name in payload]
    + [("object_attributes", name) for name in payload.get("object_attributes", ())]
]


@given(place=st.sampled_from(PLACES), value=ANYTHING)
def test_no_payload_does_more_than_be_misshapen(place: tuple[int, tuple[str, ...]], value: Any) -> None:
    at, path = place
    payload = dict(PAYLOADS[at])
    if len(path) == 1:
        payload[path[0]] = value
    else:
        payload[path[0]] = {**payload[path[0]], path[1]: value}
    try:
        found = SOURCE.parse("", payload)
    except Misshapen:
        return
    assert found.changes or found.nothing
