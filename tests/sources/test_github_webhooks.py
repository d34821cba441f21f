"""Recorded shapes of GitHub's webhooks in, rows on terms out: the same rows that a poll of the same thing makes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.sources.github.rows import deployment_rows, pull_request_rows, release_rows, run_rows
from leadline.sources.github.webhooks import GitHubWebhooks
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.webhooks import Change, MergePolicy, WebhookEvent, instant
from sources.test_github_rows import connected
from stubs import github_webhooks as hooks
from stubs.github_data import LARGE, comment, deployment, pull, release, run, when

SHOP = "acme/shop"
SOURCE = GitHubWebhooks(SourceSettings("github", "github:acme", ("acme/*",)))


def parse(event: str, action: str, source: GitHubWebhooks = SOURCE, **things: Any) -> WebhookEvent:
    return source.parse(event, hooks.payload(SHOP, action, **things))


def changes(event: str, action: str, **things: Any) -> tuple[Change, ...]:
    found = parse(event, action, **things)
    assert found.nothing == ""
    assert (found.repository, found.number) == (SHOP, "1")
    return found.changes


def known(change: Change) -> dict[str, Any]:
    (row,) = change.rows
    return {name: value for name, value in row.items() if name not in change.policy.unknown}


def polled(node: dict[str, Any], table: str, at: int = 0) -> dict[str, Any]:
    row: dict[str, Any] = pull_request_rows(SHOP, connected(node))[table][at]
    return row


OPEN = {"state": "OPEN", "mergedAt": None, "closedAt": None, "mergedBy": None, "mergeCommit": None}
VARIANTS: dict[str, dict[str, Any]] = {
    "merged": {},
    "open": OPEN,
    "closed": {**OPEN, "state": "CLOSED", "closedAt": when(70)},
    "draft": {**OPEN, "isDraft": True},
    "by an app": {"author": {"login": "dependabot", "__typename": "Bot"}},
    "with NUL and half a surrogate": {"title": "a\x00b\ud83d"},
    "without labels and body": {"labels": [], "body": ""},
    "assigned to nobody": {"assignees": []},
    "assigned to a deleted user": {"assignees": [{"login": "ghost", "__typename": "User"}]},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_pull_request_is_as_a_poll_makes_it(name: str) -> None:
    node = {**pull(SHOP, 1), **VARIANTS[name]}
    (change,) = changes("pull_request", "edited", pull_request=hooks.pull_request(node))
    expected = polled(node, "pull_requests")
    del expected["ready_at"]
    assert known(change) == expected
    assert change.policy.unknown == ("ready_at",)


def test_deleted_accounts_are_unknown() -> None:
    ghost = {"login": "ghost", "id": 10137, "type": "User"}
    (change,) = changes("pull_request", "edited", pull_request=hooks.pull_request(pull(SHOP, 1), user=ghost))
    assert change.rows[0]["author"] is None


def test_what_a_payload_lacks_is_not_known() -> None:
    node = hooks.pull_request(pull(SHOP, 1))
    for name in ("additions", "deletions", "changed_files", "labels", "assignees", "merged_by"):
        del node[name]
    (change,) = changes("pull_request", "edited", pull_request=node)
    assert set(change.policy.unknown) == {
        *("additions", "deletions", "changed_files", "labels", "assignees", "merged_by", "ready_at"),
    }


def test_ready_for_review_tells_when() -> None:
    node = {**pull(SHOP, 1), **OPEN, "updatedAt": when(65)}
    (change,) = changes("pull_request", "ready_for_review", pull_request=hooks.pull_request(node))
    assert change.rows[0]["ready_at"] == when(65)
    assert (change.policy.unknown, change.policy.keep_first) == ((), ("ready_at",))


@pytest.mark.parametrize("state", ["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"])
def test_a_review(state: str) -> None:
    node = pull(SHOP, 1)
    node["reviews"][0]["state"] = state
    (change,) = changes(
        "pull_request_review",
        "submitted",
        pull_request=hooks.pull_request(node),
        review=hooks.review(node["reviews"][0]),
    )
    assert known(change) == polled(node, "reviews")
    assert change.policy.observed_at == instant(node["updatedAt"], "")


def test_a_review_whose_server_does_not_say_when_it_changed() -> None:
    node = pull(SHOP, 1)
    sent = hooks.review(node["reviews"][0])
    del sent["updated_at"]
    (change,) = changes("pull_request_review", "dismissed", pull_request=hooks.pull_request(node), review=sent)
    assert change.policy.unknown == ("updated_at",)


def test_a_pending_review_is_nobodys_business() -> None:
    node = pull(SHOP, 1)
    sent = hooks.review(node["reviews"][0], state="pending")
    assert not parse("pull_request_review", "edited", pull_request=hooks.pull_request(node), review=sent).changes


def test_comments() -> None:
    node = pull(SHOP, 1)
    issue = {"number": 1, "updated_at": node["updatedAt"], "pull_request": {"url": "…"}}
    (talk,) = changes("issue_comment", "created", issue=issue, comment=hooks.comment(node["comments"][0]))
    assert known(talk) == polled(node, "comments", 0)
    on_code = node["reviews"][0]["comments"][0]
    (line,) = changes(
        "pull_request_review_comment",
        "edited",
        pull_request=hooks.pull_request(node),
        comment=hooks.comment(on_code),
    )
    assert known(line) == polled(node, "comments", 2)
    assert talk.policy == line.policy
    assert talk.policy.in_pull_request
    assert talk.policy.observed_at == instant(node["updatedAt"], "")


def test_a_comment_newer_than_what_its_pull_request_says() -> None:
    issue = {"number": 1, "updated_at": when(1), "pull_request": {}}
    late = comment(5, "ada", 99)
    (change,) = changes("issue_comment", "created", issue=issue, comment=hooks.comment(late))
    assert change.policy.observed_at == instant(when(99), "")


def test_a_comment_on_an_issue_is_ignored() -> None:
    found = parse("issue_comment", "created", issue={"number": 1}, comment=hooks.comment(comment(5, "ada", 1)))
    assert found.nothing == "a comment on an issue"


def test_deleted_comments_are_gone_whatever_the_order() -> None:
    issue = {"number": 1, "updated_at": when(1), "pull_request": {}}
    (change,) = changes("issue_comment", "deleted", issue=issue, comment=hooks.comment(comment(5, "ada", 1)))
    assert change.rows == [{"repository": SHOP, "number": 1, "comment_id": str(LARGE + 5)}]
    assert change.policy == MergePolicy((), deleted=True)


def test_a_release() -> None:
    node = release(SHOP, 1)
    (change,) = changes("release", "published", release=hooks.release(node))
    expected = release_rows(SHOP, node)["releases"][0]
    del expected["sha"]
    assert known(change) == expected
    assert parse("release", "created", release=hooks.release(node, draft=True, published_at=None)).changes == ()


def test_a_release_that_went_and_one_that_moved_to_another_tag() -> None:
    node = release(SHOP, 1)
    (gone,) = changes("release", "deleted", release=hooks.release(node))
    assert gone.policy.deleted
    assert gone.rows == [{"repository": SHOP, "tag": "v1", "published_at": node["publishedAt"]}]
    moved = changes(
        "release", "edited", release=hooks.release(node, tag_name="v2"), changes={"tag_name": {"from": "v1"}}
    )
    assert [(change.policy.deleted, change.rows[0]["tag"]) for change in moved] == [(True, "v1"), (False, "v2")]


@pytest.mark.parametrize(
    "states", [(), ("QUEUED",), ("IN_PROGRESS", "SUCCESS"), ("FAILURE",), ("ERROR",), ("PENDING",)]
)
def test_a_deployment(states: tuple[str, ...]) -> None:
    node = deployment(SHOP, 1, *states)
    things = {"deployment": hooks.deployment(node)}
    if states:
        (change,) = changes("deployment_status", "created", deployment_status=hooks.statuses(node)[-1], **things)
    else:
        (change,) = changes("deployment", "created", **things)
    expected = deployment_rows(SHOP, connected(node), "github")["deployments"][0]
    assert known(change) == {name: value for name, value in expected.items() if name not in change.policy.unknown}


def test_what_another_deployment_replaced_keeps_its_outcome() -> None:
    node = deployment(SHOP, 1, "SUCCESS", "INACTIVE")
    found = parse(
        "deployment_status",
        "created",
        deployment=hooks.deployment(node),
        deployment_status=hooks.statuses(node)[-1],
    )
    assert found.changes == ()


@pytest.mark.parametrize("status", ["queued", "in_progress", "completed"])
def test_a_run(status: str) -> None:
    node = run(SHOP, 1, status)
    (change,) = changes("workflow_run", status, workflow_run=node)
    assert (change.table, change.rows) == ("builds", run_rows(SHOP, node, "github", DeployRules())["builds"])


def test_a_run_that_is_a_deployment_by_rule() -> None:
    source = GitHubWebhooks(SourceSettings("github", "x", ("acme/*",), options={"deploys": ("CI=production",)}))
    node = {**run(SHOP, 1), "actor": {"login": "ada", "type": "User"}}
    (change,) = parse("workflow_run", "completed", source, workflow_run=node).changes
    expected = run_rows(SHOP, node, "github", DeployRules.parsed(["CI=production"]))
    assert (change.table, change.rows) == ("deployments", expected["deployments"])


def test_ids_on_an_enterprise_server_bear_its_host() -> None:
    source = GitHubWebhooks(SourceSettings("github", "x", ("acme/*",), "https://github.example.com"))
    found = parse("workflow_run", "completed", source, workflow_run=run(SHOP, 1))
    assert str(found.changes[0].rows[0]["build_id"]).startswith("github.example.com:")
    assert source.cursor(found) == "github.example.com#1"


@pytest.mark.parametrize(
    ("targets", "covered"),
    [(("acme/*",), True), (("acme/web-*", "acme/shop"), True), (("acme/web-*",), False), (("other/*",), False)],
)
def test_only_what_the_source_reads_is_covered(targets: tuple[str, ...], covered: bool) -> None:
    source = GitHubWebhooks(SourceSettings("github", "x", targets))
    assert source.covers(SHOP) is covered
    assert source.covers("ACME/Shop") is covered


@pytest.mark.parametrize("event", ["ping", "push", "repository", "star", "installation", ""])
def test_other_events_say_nothing(event: str) -> None:
    assert SOURCE.parse(event, {"zen": "Keep it logically awesome."}).nothing


def test_terms_are_stored_and_restored() -> None:
    terms = MergePolicy(("updated_at",), ("a", "b"), ("c",), True, instant(when(1), ""), True)
    assert MergePolicy.restored(terms.stored()) == terms
    assert MergePolicy.restored(MergePolicy(()).stored()) == MergePolicy(())


EVENTS = (
    *("pull_request", "pull_request_review", "pull_request_review_comment", "issue_comment", "release"),
    *("deployment", "deployment_status", "workflow_run"),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(when(1)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NODE = pull(SHOP, 1)
WHOLE: dict[str, Any] = {
    "pull_request": hooks.pull_request(NODE),
    "issue": {"number": 1, "updated_at": when(1), "pull_request": {}},
    "review": hooks.review(NODE["reviews"][0]),
    "comment": hooks.comment(NODE["comments"][0]),
    "release": hooks.release(release(SHOP, 1)),
    "deployment": hooks.deployment(deployment(SHOP, 1)),
    "deployment_status": hooks.statuses(deployment(SHOP, 1, "SUCCESS"))[0],
    "workflow_run": run(SHOP, 1),
    "changes": {"tag_name": {"from": "v0"}},
}
PLACES = [(thing, name) for thing, node in WHOLE.items() for name in (None, *node)]


@given(event=st.sampled_from(EVENTS), places=st.lists(st.sampled_from(PLACES), max_size=3), data=st.data())
def test_no_payload_does_more_than_be_misshapen(
    event: str, places: list[tuple[str, str | None]], data: st.DataObject
) -> None:
    things: dict[str, Any] = {thing: dict(node) for thing, node in WHOLE.items()}
    for thing, name in places:
        value = data.draw(ANYTHING)
        if name is None:
            things[thing] = value
        elif isinstance(things[thing], dict):
            things[thing][name] = value
    try:
        found = SOURCE.parse(event, hooks.payload(SHOP, data.draw(st.sampled_from(["edited", "deleted"])), **things))
    except Misshapen:
        return
    assert found.changes or found.nothing
