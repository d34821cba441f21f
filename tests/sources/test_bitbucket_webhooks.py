"""Recorded shapes of Bitbucket's webhooks in, rows on terms out: what they tell is what a poll of the same thing tells."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.schema import TABLES
from leadline.sources.bitbucket.rows import pull_request_rows
from leadline.sources.bitbucket.runs import pipeline_rows
from leadline.sources.bitbucket.webhooks import BitbucketWebhooks, is_signed
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.webhooks import Change, WebhookEvent, instant
from stubs import bitbucket_webhooks as hooks
from stubs.bitbucket_data import OPEN, START, comment, commit, pipeline, pull_request, uid, update, user, verdict, when

SHOP = "acme/shop"
REPOSITORY = uid("repository", 1).strip("{}")
SOURCE = BitbucketWebhooks(SourceSettings("bitbucket", "bitbucket:acme", ("acme/*",)))
Node = dict[str, Any]


def told(event: str, payload: Node, source: BitbucketWebhooks = SOURCE) -> WebhookEvent:
    return source.parse(event, json.loads(json.dumps(payload)))


def change(event: str, payload: Node) -> Change:
    found = told(event, payload)
    assert (found.nothing, found.repository, found.number) == ("", SHOP, REPOSITORY)
    assert SOURCE.cursor(found) == f"bitbucket.org#{REPOSITORY}"
    (one,) = found.changes
    return one


def as_stored(table: str, row: Node) -> Node:
    """``row`` with its instants as such, since they are spelled in several ways."""
    return {
        name: instant(value, name) if TABLES[table].column[name].type == "instant" else value
        for name, value in row.items()
    }


def assert_tells(found: Change, polled: Node, *about: str) -> None:
    """Whatever the change claims to know is what the poll knows, but for columns that it knows only ``about``."""
    (row,) = found.rows
    known = {name for name in row if name not in found.policy.unknown and name not in about}
    expected = as_stored(found.table, polled)
    assert {name: as_stored(found.table, row)[name] for name in known} == {name: expected[name] for name in known}
    assert set(TABLES[found.table].key) <= known


def polled(node: Node, table: str) -> list[Node]:
    lists = {name: node[f"_{name}"] for name in ("activity", "commits", "files")}
    merged = commit(SHOP, 105, "ben", "merge", 1)
    rows: list[Node] = pull_request_rows(SHOP, {**node, **lists, "merged": merged})[table]
    return rows


def ended(state: str, **changes: Any) -> Node:
    """A pull request that came into that state when it was updated last."""
    node = pull_request(SHOP, 1)
    first = [entry for entry in node["_activity"] if "update" not in entry or entry["update"]["state"] == "OPEN"]
    return {
        **node,
        "state": state,
        "_activity": [update(110, "ben", state), *first],
        "updated_on": when(110),
        **changes,
    }


STATES: dict[str, tuple[str, Node]] = {
    "created": ("created", {**pull_request(SHOP, 1), **OPEN}),
    "a draft": ("updated", {**pull_request(SHOP, 1), **OPEN, "draft": True}),
    "merged": ("fulfilled", ended("MERGED")),
    "declined": ("rejected", ended("DECLINED", merge_commit=None)),
    "superseded": ("rejected", ended("SUPERSEDED", merge_commit=None)),
    "retold after its merge": ("updated", pull_request(SHOP, 1)),
    "by nobody": ("created", {**pull_request(SHOP, 1), **OPEN, "author": None}),
    "from a deleted fork": (
        "created",
        {**pull_request(SHOP, 1), **OPEN, "source": {"branch": {"name": "x"}, "repository": None}},
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_a_pull_request(name: str) -> None:
    event, node = STATES[name]
    found = change(f"pullrequest:{event}", hooks.pull_request(SHOP, node))
    assert_tells(found, polled(node, "pull_requests")[0])
    unknown = set(found.policy.unknown)
    assert {"additions", "deletions", "changed_files", "ready_at"} <= unknown
    assert ("merged_at" in unknown) is (name == "retold after its merge")
    assert ("merge_commit_sha" in unknown) is (node["state"] == "MERGED")
    assert found.policy.version_columns == ("updated_at", "state=merged", "state=closed")


def test_what_a_payload_lacks_is_unknown() -> None:
    payload = hooks.pull_request(SHOP, {**pull_request(SHOP, 1), **OPEN})
    for name in ("draft", "description", "author"):
        del payload["pullrequest"][name]
    assert {"draft", "body", "author"} <= set(change("pullrequest:updated", payload).policy.unknown)


@pytest.mark.parametrize(
    ("event", "name", "listed"),
    [("approved", "approval", "approval"), ("changes_request_created", "changes_request", "changes_requested")],
)
def test_verdicts(event: str, name: str, listed: str) -> None:
    given_one = verdict(listed, 99, "ben")
    node = {**pull_request(SHOP, 1), **OPEN, "_activity": [given_one], "participants": None}
    found = change(f"pullrequest:{event}", hooks.pull_request(SHOP, node, "ben", **{name: given_one[listed]}))
    assert_tells(found, polled(node, "reviews")[0])
    assert (found.policy.unknown, found.policy.in_pull_request) == ((), True)
    assert found.policy.observed_at == instant(node["updated_on"], "")


@pytest.mark.parametrize("event", ["unapproved", "changes_request_removed"])
def test_a_verdict_that_was_taken_back_is_left_to_the_next_run(event: str) -> None:
    payload = hooks.pull_request(SHOP, pull_request(SHOP, 1), approval=verdict("approval", 9, "ben")["approval"])
    assert "the next run brings it" in told(f"pullrequest:{event}", payload).nothing


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("event", ["comment_created", "comment_updated"])
def test_comments(inline: bool, event: str) -> None:
    said = comment(7, 99, "cleo", inline=inline)
    node = {**pull_request(SHOP, 1), "_activity": [said]}
    found = change(f"pullrequest:{event}", hooks.pull_request(SHOP, node, "cleo", comment=said["comment"]))
    assert_tells(found, polled(node, "comments")[0])
    assert found.policy.in_pull_request
    assert found.policy.observed_at == instant(when(110), "") or found.policy.observed_at == instant(when(99), "")


def test_deleted_and_pending_comments() -> None:
    said = comment(7, 99, "cleo", deleted=True)
    payload = hooks.pull_request(SHOP, pull_request(SHOP, 1), comment=said["comment"])
    found = change("pullrequest:comment_deleted", payload)
    assert (found.table, found.policy.deleted) == ("comments", True)
    assert found.rows == [{"repository": SHOP, "number": 1, "comment_id": "7"}]
    payload["comment"] = comment(7, 99, "cleo", pending=True)["comment"]
    assert not told("pullrequest:comment_created", payload).changes


@pytest.mark.parametrize(
    ("state", "result"),
    [("INPROGRESS", None), ("SUCCESSFUL", "SUCCESSFUL"), ("FAILED", "FAILED"), ("STOPPED", "STOPPED")],
)
def test_pipelines_by_the_statuses_of_their_commits(state: str, result: str | None) -> None:
    node = pipeline(SHOP, 7, result)
    found = change("repo:commit_status_updated", hooks.commit_status(SHOP, node, state))
    expected = pipeline_rows(SHOP, REPOSITORY, node, "bitbucket", DeployRules())["builds"][0]
    assert_tells(found, {**expected, "status": expected["status"] if result else "in_progress"})
    assert set(found.policy.unknown) == {"pipeline", "updated_at"}
    assert found.policy.keep_first == ("started_at", "finished_at")


@pytest.mark.parametrize(
    "url",
    [
        "https://bitbucket.org/acme/shop/pipelines/results/7",
        "https://bitbucket.org/acme/shop/addon/pipelines/home#!/results/7/steps/%7B1%7D",
    ],
)
def test_pages_of_pipelines(url: str) -> None:
    payload = hooks.commit_status(SHOP, pipeline(SHOP, 7), "FAILED", url=url, commit={"hash": "a" * 40}, links={})
    (row,) = change("repo:commit_status_created", payload).rows
    assert (row["build_id"], row["sha"]) == (f"bitbucket:{REPOSITORY}/7", "a" * 40)


@pytest.mark.parametrize("url", ["https://ci.example.com/job/shop/7", None, "pipelines/results/7"])
def test_statuses_of_other_tools_are_not_used(url: str | None) -> None:
    payload = hooks.commit_status(SHOP, pipeline(SHOP, 7), "FAILED", url=url)
    assert "another tool" in told("repo:commit_status_updated", payload).nothing


def test_where_pipelines_may_be_deployments_the_next_run_tells() -> None:
    settings = SourceSettings("bitbucket", "x", ("acme/*",), options={"deploys": ("deploy*",)})
    payload = hooks.commit_status(SHOP, pipeline(SHOP, 7), "FAILED")
    assert "--deploys" in told("repo:commit_status_updated", payload, BitbucketWebhooks(settings)).nothing


@pytest.mark.parametrize("event", ["repo:push", "repo:updated", "issue:created", "pullrequest:comment_resolved", ""])
def test_other_events_say_nothing(event: str) -> None:
    found = told(event, {"push": 7})
    assert (found.changes, "not used" in found.nothing) == ((), True)


@pytest.mark.parametrize(
    ("targets", "covered"),
    [(("acme/*",), True), (("acme/shop",), True), (("acme/sh*",), True), (("acme/web",), False), (("other/*",), False)],
)
def test_only_what_the_source_reads_is_covered(targets: tuple[str, ...], covered: bool) -> None:
    assert BitbucketWebhooks(SourceSettings("bitbucket", "x", targets)).covers("Acme/Shop") is covered


def test_signatures() -> None:
    body = b'{"a": 1}'
    good = hooks.signature(body)
    assert is_signed(hooks.SECRET, {"x-hub-signature": good}, body, START)
    wrong = ("", good[7:], good.replace("sha256", "sha1"), good[:-2], good + "0", hooks.signature(body, "another"))
    for signature in wrong:
        assert not is_signed(hooks.SECRET, {"x-hub-signature": signature}, body, START)
    assert not is_signed(hooks.SECRET, {"x-hub-signature": good}, body + b" ", START)
    assert not is_signed(hooks.SECRET, {"x-hub-signature-256": good}, body, START)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(when(9)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NODE = pull_request(SHOP, 1)
PAYLOADS: tuple[tuple[str, Node], ...] = (
    ("pullrequest:fulfilled", hooks.pull_request(SHOP, NODE)),
    ("pullrequest:approved", hooks.pull_request(SHOP, NODE, approval={"date": when(9), "user": user("ben")})),
    ("pullrequest:comment_created", hooks.pull_request(SHOP, NODE, comment=comment(7, 9, "ben")["comment"])),
    ("pullrequest:comment_deleted", hooks.pull_request(SHOP, NODE, comment=comment(7, 9, "ben")["comment"])),
    ("repo:commit_status_updated", hooks.commit_status(SHOP, pipeline(SHOP, 7), "FAILED")),
)
PLACES = [
    (at, place)
    for at, (_, payload) in enumerate(PAYLOADS)
    for place in [(name,) for name in payload]
    + [(name, within) for name in payload if isinstance(payload[name], dict) for within in payload[name]]
]


@given(place=st.sampled_from(PLACES), value=ANYTHING)
def test_no_payload_does_more_than_be_misshapen(place: tuple[int, tuple[str, ...]], value: Any) -> None:
    at, path = place
    event, whole = PAYLOADS[at]
    payload = dict(whole)
    payload[path[0]] = value if len(path) == 1 else {**payload[path[0]], path[1]: value}
    try:
        found = SOURCE.parse(event, payload)
    except Misshapen:
        return
    assert found.changes or found.nothing
