"""Bitbucket's webhooks beside real polls: in any order, late and twice, the lake ends up as the poll has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.test_webhooks import deliver, take
from leadline.engine import Engine
from leadline.home import Project
from leadline.ingest.validation import RowValidator
from leadline.sources.bitbucket.webhooks import BitbucketWebhooks
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.webhooks import WebhookEvent
from stubs import bitbucket_webhooks as hooks
from stubs.bitbucket import Hub
from stubs.bitbucket_data import OPEN, comment, commit, pull_request, repository, verdict, when
from stubs.server import serving
from sync.harness import Syncer, contents
from sync.scenarios import BITBUCKET

SHOP = "acme/shop"
TOLD = ("pull_requests", "reviews", "comments", "builds")
SOON = datetime.fromisoformat(when(120))
CANNOT_TELL = {
    "pull_requests": ("additions", "deletions", "changed_files", "ready_at", "merge_commit_sha"),
    "builds": ("pipeline", "updated_at"),
}
"""The columns that no webhook tells."""


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowValidator]:
    with Engine(temp_dir=tmp_path_factory.mktemp("judge")) as engine:
        yield RowValidator(engine)


def shop() -> dict[str, Any]:
    """A repository with a pull request that was merged as the last thing that happened to it, and a pipeline."""
    made = repository(SHOP, 1, pulls=1, pipelines=1)
    merge = made["_pullrequests"][0]
    merge["updated_on"] = when(105)
    # Both dates of what is told of an instant are the same there.
    made["_commits"] = [commit(SHOP, 105, "ben", "merge", 1)]
    return made


def told_of(made: dict[str, Any], source: BitbucketWebhooks) -> list[WebhookEvent]:
    """Everything that webhooks told of it, in its order."""
    merged = made["_pullrequests"][0]
    sent: list[tuple[str, dict[str, Any]]] = []

    def of_pull_request(event: str, minutes: float, state: dict[str, Any] = OPEN, **things: Any) -> None:
        node = {**merged, **state, "updated_on": when(minutes)}
        sent.append((f"pullrequest:{event}", hooks.pull_request(SHOP, node, **things)))

    of_pull_request("created", 60)
    for entry in reversed(merged["_activity"]):
        for name, event, minutes in (("comment", "comment_created", 70), ("approval", "approved", 90)):
            if name in entry:
                of_pull_request(event, minutes, **{name: entry[name]})
    of_pull_request("fulfilled", 105, {})
    node = made["_pipelines"][0]
    sent.append(
        (
            "repo:commit_status_created",
            hooks.commit_status(SHOP, {**node, "completed_on": node["created_on"]}, "INPROGRESS"),
        )
    )
    sent.append(("repo:commit_status_updated", hooks.commit_status(SHOP, node, "SUCCESSFUL")))
    return [source.parse(event, payload) for event, payload in sent]


def without(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """``rows`` without what webhooks cannot tell."""
    return {
        table: [{name: value for name, value in row.items() if name not in CANNOT_TELL.get(table, ())} for row in found]
        for table, found in rows.items()
    }


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.randoms(use_true_random=False))
def test_what_webhooks_told_in_any_order_is_what_a_poll_brings_and_replays_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, judge: RowValidator, order: Any
) -> None:
    from leadline.home import Home

    hub = Hub(repositories=[shop()])
    with Home.open(tmp_path_factory.mktemp("any") / "home") as home, serving(hub) as url:
        project = home.project()
        source = BitbucketWebhooks(SourceSettings("bitbucket", "bitbucket:acme", ("acme/*",), url))
        events = told_of(hub.repositories[0], source)
        shuffled = [*events, *events]
        order.shuffle(shuffled)
        first = events[0]
        take(project, judge, first, now=SOON)  # comments of what is not known yet would come too early
        deliver(project)
        for event in shuffled:
            take(project, judge, event, now=SOON)
        deliver(project)
        told = contents(project, TOLD)
        sync = Syncer(project, hub, url, BITBUCKET)
        sync.good()
        polled = sync.tables(TOLD)
        assert without(told)["pull_requests"] == without(polled)["pull_requests"]
        assert without(told)["builds"] == without(polled)["builds"]
        for table in ("reviews", "comments"):
            assert all(row in polled[table] for row in told[table])
        take(project, judge, *reversed(events), now=SOON)
        deliver(project)
        assert sync.tables(TOLD) == polled


def test_in_their_order_all_is_there_without_a_poll(project: Project, judge: RowValidator) -> None:
    hub = Hub(repositories=[shop()])
    with serving(hub) as url:
        source = BitbucketWebhooks(SourceSettings("bitbucket", "bitbucket:acme", ("acme/*",), url))
        for event in told_of(hub.repositories[0], source):
            take(project, judge, event, now=SOON)
        deliver(project)
        told = contents(project, TOLD)
        sync = Syncer(project, hub, url, BITBUCKET)
        sync.good()
        assert without(told) == without(sync.tables(TOLD))


def test_a_deleted_comment_stays_gone_and_a_late_event_brings_nothing_back(
    project: Project, judge: RowValidator
) -> None:
    source = BitbucketWebhooks(SourceSettings("bitbucket", "bitbucket:acme", ("acme/*",)))
    node = {**pull_request(SHOP, 1), **OPEN}

    def heard(event: str, minutes: float, **things: Any) -> WebhookEvent:
        payload = hooks.pull_request(SHOP, {**node, "updated_on": when(minutes)}, **things)
        return source.parse(f"pullrequest:{event}", payload)

    said = comment(7, 70, "cleo")["comment"]
    events = [
        heard("created", 60),
        heard("comment_created", 70, comment=said),
        heard("comment_deleted", 71, comment=said),
    ]
    events += [heard("updated", 72), heard("rejected", 80)]
    take(project, judge, *events, now=SOON)
    deliver(project)
    assert contents(project, ["comments"])["comments"] == []
    late = [
        heard("comment_created", 70, comment=said),
        heard("approved", 65, approval=verdict("approval", 65, "ben")["approval"]),
    ]
    take(project, judge, *late, now=SOON)
    deliver(project)
    rows = contents(project, ["pull_requests", "comments", "reviews"])
    assert (rows["comments"], rows["reviews"]) == ([], [])
    assert [row["state"] for row in rows["pull_requests"]] == ["open"]
