"""Deliveries of service hooks in, rows on terms out: what they tell is what a poll of the same thing tells."""

from __future__ import annotations

import base64
import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.schema import TABLES
from leadline.sources.azure.pipeline_rows import Naming, build_rows
from leadline.sources.azure.rows import pull_request_rows
from leadline.sources.azure.webhooks import AzureWebhooks, is_signed
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.webhooks import Change
from stubs import azure_webhooks as hooks
from stubs.azure import CART
from stubs.azure_data import ADA, BEN, NEVER, Node, build, comment, opened, pull_request, thread, when

SOURCE = AzureWebhooks(SourceSettings("azure", "azure:example", ("example/Shop",)))
NOW = datetime.now(UTC)


def change(payload: Node, source: AzureWebhooks = SOURCE) -> Change:
    found = source.parse("", json.loads(json.dumps(payload)))
    assert (found.nothing, found.repository, found.number) == ("", "Shop/cart", CART["id"])
    assert source.cursor(found) == f"dev.azure.com/example#{CART['id']}"
    assert source.covers(found.repository)
    (one,) = found.changes
    return one


def assert_tells(found: Change, polled: Node, *about: str) -> None:
    """Whatever the change claims to know is what the poll knows, but for columns that it knows only ``about``."""
    (row,) = found.rows
    known = {name for name in row if name not in found.policy.unknown and name not in about}
    assert {name: row[name] for name in known} == {name: polled[name] for name in known}
    assert set(TABLES[found.table].key) <= known


def polled(node: Node) -> Node:
    lists = {"threads": node["_threads"], "commits": node["_commits"], "changes": []}
    return pull_request_rows("Shop/cart", CART["webUrl"], {**node, **lists})["pull_requests"][0]


STATES = {
    "created": ("created", opened(CART, 1, 0)),
    "a draft": ("updated", opened(CART, 1, 0, isDraft=True)),
    "without a description": ("updated", opened(CART, 1, 0, description=None)),
    "completed": ("merged", pull_request(CART, 1, 0)),
    "abandoned": ("updated", pull_request(CART, 1, 0, status="abandoned")),
    "of a deleted author": ("updated", opened(CART, 1, 0, createdBy=None)),
    "with labels": ("updated", opened(CART, 1, 0, labels=[{"id": "1", "name": "ops"}])),
}


@pytest.mark.parametrize(("action", "node"), STATES.values(), ids=STATES)
@pytest.mark.parametrize("web", [CART["webUrl"], None], ids=["with an address", "without"])
def test_a_pull_request(action: str, node: Node, web: str | None) -> None:
    found = change(hooks.pull_request(action, node, 40, web))
    assert found.table == "pull_requests"
    assert_tells(found, polled(node), "updated_at")
    assert found.rows[0]["updated_at"] == "2026-01-05T09:40:00.000Z"
    assert found.policy.version_columns == ("updated_at", "state=merged", "state=closed")
    assert {"ready_at", "additions", "deletions", "changed_files"} <= set(found.policy.unknown)
    assert ("url" in found.policy.unknown) == (web is None)


def test_what_ended_is_told_to_be_open_again() -> None:
    found = change(hooks.pull_request("updated", opened(CART, 1, 0), 40))
    assert not {"merged_at", "closed_at", "merged_by", "merge_commit_sha"} & set(found.policy.unknown)


def test_who_merged_stays_where_it_is_not_told() -> None:
    found = change(hooks.pull_request("merged", pull_request(CART, 1, 0, closedBy=None), 40))
    assert "merged_by" in found.policy.unknown


def test_a_description_that_may_go_on_is_not_told() -> None:
    found = change(hooks.pull_request("updated", opened(CART, 1, 0, description="x" * 500), 40))
    assert "body" in found.policy.unknown


def test_a_comment() -> None:
    node, said = opened(CART, 1, 0), comment(2, 30, BEN)
    found = change(hooks.comment(said, node, 77, 30))
    rows = pull_request_rows("Shop/cart", None, {**node, "threads": [thread(77, 30, None, said)]})["comments"]
    assert_tells(found, rows[0])
    assert found.rows[0]["comment_id"] == "77/2"
    assert found.policy.unknown == ("kind",)
    assert (found.policy.in_pull_request, found.policy.observed_at is not None) == (True, True)


@pytest.mark.parametrize("rules", [(), ("shop-*=production",)], ids=["a build", "a deployment"])
def test_a_run(rules: tuple[str, ...]) -> None:
    options = {"deploys": rules} if rules else {}
    source = AzureWebhooks(SourceSettings("azure", "azure:example", ("example",), options=options))
    node = build(CART, 7, 0)
    found = change(hooks.build(node, "cart"), source)
    naming = Naming("azure:example", lambda _: "Shop/cart", DeployRules.parsed(rules))
    assert_tells(found, build_rows(node, naming)[found.table][0])
    assert found.table == ("deployments" if rules else "builds")


NOTHING = {
    "another event": (hooks.payload("git.push", {}), "git.push events are not used"),
    "no event": ({}, "no events are not used"),
    "a comment of the older version": (
        hooks.payload("ms.vss-code.git-pullrequest-comment-event", {"id": 2, "content": "well"}, version="1.0"),
        "without its pull request; let the subscription send the resource version 2.0",
    ),
    "a run of the older version": (
        hooks.payload("build.complete", {"id": 2, "status": "succeeded", "finishTime": when(1)}, version="1.0"),
        "let the subscription send the resource version 2.0",
    ),
    "a run of another forge": (
        hooks.build(build(CART, 7, repository={"id": "acme/shop", "type": "GitHub"}), "acme/shop"),
        "a run of no repository of Azure DevOps",
    ),
    "a deleted comment": (
        hooks.comment(comment(2, 30, BEN, isDeleted=True), opened(CART, 1, 0), 77, 30),
        "the next run takes it away",
    ),
}


@pytest.mark.parametrize(("payload", "why"), NOTHING.values(), ids=NOTHING)
def test_what_says_nothing(payload: Node, why: str) -> None:
    found = SOURCE.parse("", payload)
    assert (found.changes, why in found.nothing) == ((), True)


@pytest.mark.parametrize(
    "resource",
    [
        None,
        "x",
        {"pullRequestId": 1},
        {**opened(CART, 1), "repository": {"id": "1", "name": "cart"}},
        {**opened(CART, 1), "createdBy": "ada"},
    ],
)
def test_another_shape_is_refused(resource: Any) -> None:
    with pytest.raises(Misshapen):
        SOURCE.parse("", hooks.payload("git.pullrequest.created", resource))


@given(
    event=st.sampled_from(["git.pullrequest.updated", "build.complete", "ms.vss-code.git-pullrequest-comment-event"]),
    change=st.dictionaries(
        st.sampled_from(
            ["repository", "status", "createdBy", "comment", "pullRequest", "result", "project", "reviewers"]
        ),
        st.one_of(st.none(), st.text(max_size=5), st.integers(), st.lists(st.integers(), max_size=2), st.just({})),
    ),
)
def test_nothing_that_is_sent_does_harm(event: str, change: Node) -> None:
    node = {**opened(CART, 1), **build(CART, 7), "comment": {}, "pullRequest": {}}
    with contextlib.suppress(Misshapen):
        SOURCE.parse("", hooks.payload(event, {**node, **change}))


def test_repositories_that_are_read() -> None:
    source = AzureWebhooks(SourceSettings("azure", "x", ("Example/Shop/web-*", "example/Ops")))
    names = ("Shop/web-1", "SHOP/WEB-1", "Ops/any", "Shop/cart", "Else/web-1")
    assert [source.covers(name) for name in names] == [True, True, True, False, False]
    own = AzureWebhooks(SourceSettings("azure", "x", ("Main",), "https://azure.example.com/tfs/Main"))
    assert (own.host, own.prefix, own.covers("a/b")) == (
        "azure.example.com/tfs/main",
        "azure.example.com/tfs/main",
        True,
    )


def basic(text: str, scheme: str = "Basic") -> dict[str, str]:
    return {"authorization": f"{scheme} {base64.b64encode(text.encode()).decode()}"}


@pytest.mark.parametrize(
    ("headers", "good"),
    [
        (basic("anybody:secret"), True),
        (basic(":secret", "basic"), True),
        (basic("anybody:secret", "Bearer"), False),
        (basic("secret"), False),
        (basic("secret:"), False),
        (basic("a:secret "), False),
        (basic("a:b:secret"), False),
        ({"authorization": "Basic secret"}, False),
        ({"authorization": "Basic \xff\xfe"}, False),
        ({"authorization": "secret"}, False),
        ({"authorization": ""}, False),
        ({}, False),
    ],
)
def test_who_is_believed(headers: dict[str, str], good: bool) -> None:
    assert is_signed("secret", headers, b"{}", NOW) is good


def test_times_that_stand_for_none() -> None:
    found = change(hooks.pull_request("updated", opened(CART, 1, 0, closedDate=NEVER, closedBy=ADA), 40))
    assert found.rows[0]["closed_at"] is None
