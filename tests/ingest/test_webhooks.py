"""Webhooks beside polls: in any order, late and twice, before, between and after a poll, the lake ends up as the poll has it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest.test_inbox import stored
from leadline.db import inbox
from leadline.engine import Engine
from leadline.home import Project
from leadline.ingest import inbox as pushed
from leadline.ingest.inbox import Push, accept, flush
from leadline.ingest.partial_rows import PARENT, SOON, Arrival, merge
from leadline.ingest.validation import RowValidator
from leadline.lake.maintenance import check_lake
from leadline.schema import TABLES
from leadline.sources.github.rows import deployment_rows, release_rows, run_rows
from leadline.sources.github.webhooks import GitHubWebhooks
from leadline.sources.gitlab import rows as gitlab_rows
from leadline.sources.gitlab.webhooks import GitLabWebhooks
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, RunContext
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.text import plain
from leadline.sources.kit.webhooks import WebhookEvent, instant
from leadline.sync.run import SyncRun
from stubs import github_webhooks as hooks
from stubs import gitlab_data
from stubs import gitlab_webhooks as gitlab
from stubs.github import Hub
from stubs.github_data import LARGE, deployment, release, repository, run, when
from stubs.server import serving
from stubs.webhook_history import SHOP, SOURCE, Life, connected
from stubs.webhook_history import TABLES as OF_LIFE
from sync.harness import Syncer, contents
from sync.scenarios import GITHUB

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
LIFE = Life()
LAST = len(LIFE.nodes) - 1
STEPS = st.lists(st.integers(0, LAST), max_size=30)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowValidator]:
    with Engine(temp_dir=tmp_path_factory.mktemp("judge")) as engine:
        yield RowValidator(engine)


@dataclass
class Read:
    """A source of which these pages are left to read."""

    left: Sequence[Page]
    kind: str = "github"
    lock: str = "source:read"

    def pages(self, _context: RunContext) -> Iterator[Page]:
        yield from self.left

    def check(self) -> ConnectionReport:
        return ConnectionReport("", "", "", ())

    def call_stats(self) -> CallStats:
        return CallStats(0, 0.0, None)


def poll(project: Project, *pages: Page) -> None:
    found = SyncRun(project).run(Read(pages))
    assert found.error is None
    assert found.skipped == ()


def take(project: Project, judge: RowValidator, *events: WebhookEvent, now: datetime = NOW) -> None:
    """Into the inbox, as the route puts it there."""
    pushes = [
        Push(
            project.id,
            TABLES[change.table],
            [{name: plain(value) for name, value in row.items()} for row in change.rows],
            change.policy,
        )
        for event in events
        for change in event.changes
    ]
    for accepted in accept(project.db, judge, pushes, now):
        assert accepted.refusals == ()
        assert accepted.unknown == {}


def deliver(project: Project, *tables: str) -> None:
    flush(project, now=lambda: NOW, tables=tables or None)


def rows(project: Project, names: Sequence[str] = OF_LIFE) -> dict[str, list[dict[str, Any]]]:
    return {name: stored(project, name) for name in names}


def hear(event: str, action: str, **things: Any) -> WebhookEvent:
    return SOURCE.parse(event, hooks.payload(SHOP, action, **things))


# -- the rules, on any history -----------------------------------------------------------------------------------------


def typed(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the lake has it."""
    return {
        column.name: instant(row.get(column.name), column.name) if column.type == "instant" else row.get(column.name)
        for column in TABLES[table].columns
    }


Rows = dict[tuple[Any, ...], dict[str, Any]]


@dataclass
class World:
    """The lake's tables of pull requests, with the rules of polls and of webhooks."""

    tables: dict[str, Rows] = field(default_factory=lambda: {name: {} for name in OF_LIFE})
    waiting: list[WebhookEvent] = field(default_factory=list)
    watermark: datetime = LONG_AGO

    def flush(self) -> None:
        for name in sorted(OF_LIFE, key=lambda name: name == PARENT):
            found = [
                (typed(name, row), Arrival(change.policy, NOW))
                for each in self.waiting
                for change in each.changes
                if change.table == name
                for row in change.rows
            ]
            versions = {key: row["updated_at"] for key, row in self.tables[PARENT].items()}
            after = merge(TABLES[name], found, self.tables[name], versions)
            self.tables[name] = {key: row for key, row in after.items() if row is not None}
        self.waiting = []

    def poll(self, step: int) -> None:
        """Reads the pull request as it was after ``step``, if that is later than what was read before."""
        page = LIFE.page(step)
        version = typed(PARENT, page.rows[PARENT][0])["updated_at"]
        if version <= self.watermark:
            return
        self.watermark = version
        for name in OF_LIFE:
            here = {tuple(row[key] for key in TABLES[name].key): typed(name, row) for row in page.rows[name]}
            for key, row in here.items():
                there = self.tables[name].get(key)
                if there is None or there["updated_at"] is None or row["updated_at"] >= there["updated_at"]:
                    self.tables[name][key] = row
            if name in page.complete_parents:
                self.tables[name] = {key: row for key, row in self.tables[name].items() if key in here}


def polled_alone() -> dict[str, Rows]:
    world = World()
    world.poll(LAST)
    return world.tables


@settings(max_examples=400)
@given(
    moves=st.lists(
        st.one_of(
            st.just("advance"), st.just("flush"), st.tuples(st.sampled_from(["hear", "poll"]), st.integers(0, LAST))
        ),
        max_size=60,
    ),
    late=STEPS,
)
@example(moves=[], late=list(range(LAST + 1)))
@example(moves=[], late=list(reversed(range(LAST + 1))))
def test_whatever_comes_in_whatever_order_the_next_poll_puts_it_right_and_no_replay_spoils_it(
    moves: list[Any], late: list[int]
) -> None:
    world, now = World(), 0
    for move in moves:
        if move == "advance":
            now = min(now + 1, LAST)
        elif move == "flush":
            world.flush()
        elif move[0] == "hear":  # late, twice, or just now
            world.waiting += LIFE.parsed(min(move[1], now))
        else:  # what is read now is delivered at once; what happened since is not in it
            world.poll(min(move[1], now))
    world.flush()
    world.poll(LAST)
    assert world.tables == polled_alone()
    for step in late:
        world.waiting += LIFE.parsed(step)
        if step % 2:
            world.flush()
    world.flush()
    assert world.tables == polled_alone()


@given(late=STEPS)
def test_heard_in_order_with_replays_between_it_is_all_there_without_a_poll(late: list[int]) -> None:
    world, replays = World(), list(late)
    for step in range(LAST + 1):
        world.waiting += LIFE.parsed(step)
        if replays and replays[0] <= step and LIFE.events[step][0][0] == "pull_request":
            world.waiting += LIFE.parsed(replays.pop(0))
        world.flush()
    expected = polled_alone()
    for each in (world.tables, expected):  # the last comment changed its pull request, which no event says
        each[PARENT] = {key: {**row, "updated_at": None} for key, row in each[PARENT].items()}
    assert world.tables[PARENT] == expected[PARENT]
    assert world.tables["reviews"] == expected["reviews"]
    assert set(world.tables["comments"]) >= set(expected["comments"])
    if len(replays) == len(late):
        assert world.tables == expected


@given(order=st.permutations(range(LAST + 1)))
def test_no_older_state_of_a_pull_request_ever_wins(order: list[int]) -> None:
    world, newest = World(), None
    for step in order:
        world.waiting += LIFE.parsed(step)
        world.flush()
        for row in world.tables[PARENT].values():
            assert newest is None or row["updated_at"] >= newest
            newest = row["updated_at"]
        if (there := list(world.tables["reviews"].values())) and there[0]["state"] == "dismissed":
            assert there[0]["updated_at"] == instant(when(110), "")


# -- in the lake -------------------------------------------------------------------------------------------------------


@pytest.fixture
def alone(project: Project, judge: RowValidator) -> dict[str, list[dict[str, Any]]]:
    """What a poll of the whole life brings."""
    poll(project, LIFE.page(LAST))
    return rows(project)


@pytest.mark.parametrize(("polled_at", "backwards"), [(None, True), (5, False), (9, True)])
def test_a_poll_before_between_or_never_then_webhooks_then_a_poll(
    project: Project, judge: RowValidator, polled_at: int | None, backwards: bool
) -> None:
    steps = list(range(LAST + 1))
    for step in reversed(steps) if backwards else steps:
        take(project, judge, *LIFE.parsed(step))
        if step == polled_at:
            poll(project, LIFE.page(step))
        if step % 6 == 0:
            deliver(project)
    deliver(project)
    poll(project, LIFE.page(LAST))
    by_both = rows(project)
    take(project, judge, *(event for step in steps for event in LIFE.parsed(step)))
    assert rows(project) == by_both
    assert check_lake(project.lake) == []
    (row,) = by_both["pull_requests"]
    assert (row["title"], row["ready_at"]) == ("SHOP-1 another change", "2026-01-05 10:44:00+00")
    assert [comment["comment_id"] for comment in by_both["comments"]] == [
        str(LARGE + 10),
        str(LARGE + 12),
        f"r{LARGE + 100100}",
    ]


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_order_in_the_lake(
    project: Project, judge: RowValidator, alone: dict[str, list[dict[str, Any]]], steps: list[int]
) -> None:
    take(project, judge, *(event for step in steps for event in LIFE.parsed(step)))
    assert rows(project) == alone


def test_what_a_webhook_does_not_know_stays(project: Project, judge: RowValidator) -> None:
    poll(project, LIFE.page(6))
    before = rows(project)["pull_requests"]
    take(project, judge, *LIFE.parsed(11))
    (after,) = rows(project)["pull_requests"]
    assert after["ready_at"] == before[0]["ready_at"]
    assert (after["title"], after["additions"]) == ("SHOP-1 another change", 50)


def test_what_one_webhook_knows_stays_when_the_next_does_not_within_one_batch(
    project: Project, judge: RowValidator
) -> None:
    take(project, judge, *LIFE.parsed(0), *LIFE.parsed(4), *LIFE.parsed(8), *LIFE.parsed(9), *LIFE.parsed(11))
    (row,) = rows(project)["pull_requests"]
    assert row["ready_at"] == "2026-01-05 10:44:00+00"  # the first time, as polls have it


def test_a_poll_while_a_webhook_waits(project: Project, judge: RowValidator) -> None:
    take(project, judge, *LIFE.parsed(0), *LIFE.parsed(1), *LIFE.parsed(3))
    poll(project, LIFE.page(LAST))
    assert [comment["comment_id"] for comment in rows(project)["comments"]] == [
        str(LARGE + 10),
        str(LARGE + 12),
        f"r{LARGE + 100100}",
    ]


def test_what_waits_under_a_name_that_is_given_up_goes_with_it(project: Project, judge: RowValidator) -> None:
    take(project, judge, *LIFE.parsed(0), *LIFE.parsed(1))
    poll(project, Page("acme", renamed_away=(SHOP,)))
    assert rows(project) == {name: [] for name in OF_LIFE}


def test_reading_pull_requests_does_not_let_their_comments_come_too_late(project: Project, judge: RowValidator) -> None:
    take(project, judge, *LIFE.parsed(0), *LIFE.parsed(1), *LIFE.parsed(2))
    deliver(project, "pull_requests")
    assert len(rows(project)["comments"]) == 1
    assert inbox.waiting(project.db, project.id) == []


def test_pushed_rows_between_webhooks_keep_their_place(project: Project, judge: RowValidator) -> None:
    take(project, judge, *LIFE.parsed(0))
    whole = {"repository": SHOP, "number": "1", "title": "pushed"}
    accept(project.db, judge, [Push(project.id, TABLES[PARENT], [whole])], NOW)
    assert [row["title"] for row in rows(project)[PARENT]] == ["pushed"]
    take(project, judge, *LIFE.parsed(2))
    assert [row["title"] for row in rows(project)[PARENT]] == ["SHOP-1 change"]


def test_deployments(project: Project, judge: RowValidator) -> None:
    node = deployment(SHOP, 1, "QUEUED", "IN_PROGRESS", "SUCCESS", "INACTIVE")
    things = {"deployment": hooks.deployment(node)}
    events = [hear("deployment", "created", **things)]
    events += [
        hear("deployment_status", "created", deployment_status=status, **things) for status in hooks.statuses(node)
    ]
    for each in (*events, *reversed(events), *events):
        take(project, judge, each)
    by_webhook = stored(project, "deployments")
    assert [row["status"] for row in by_webhook] == ["success"]
    poll(project, Page(SHOP, deployment_rows(SHOP, connected(node), "github")))
    assert stored(project, "deployments") == by_webhook
    take(project, judge, *events)
    assert stored(project, "deployments") == by_webhook


def test_builds(project: Project, judge: RowValidator) -> None:
    runs = [{**run(SHOP, 1, status), "updated_at": when(100 + at)} for at, status in enumerate(["queued", "completed"])]
    events = [hear("workflow_run", each["status"], workflow_run=each) for each in runs]
    for each in (events[1], events[0], events[1]):
        take(project, judge, each)
        deliver(project)
    by_webhook = stored(project, "builds")
    assert [row["status"] for row in by_webhook] == ["success"]
    poll(project, Page(SHOP, run_rows(SHOP, runs[1], "github", DeployRules())))
    assert stored(project, "builds") == by_webhook


def test_releases(project: Project, judge: RowValidator) -> None:
    node = release(SHOP, 1)
    soon = instant(node["updatedAt"], "")
    assert soon is not None
    published, gone = (hear("release", action, release=hooks.release(node)) for action in ("published", "deleted"))
    take(project, judge, published, now=soon)
    by_webhook = stored(project, "releases")
    poll(project, Page(SHOP, release_rows(SHOP, node)))
    assert stored(project, "releases") == [{**by_webhook[0], "sha": node["tagCommit"]["oid"]}]
    edited = {**node, "name": "Better", "updatedAt": when(200)}
    take(project, judge, hear("release", "edited", release=hooks.release(edited)), published)
    assert [(row["name"], row["sha"]) for row in stored(project, "releases")] == [("Better", node["tagCommit"]["oid"])]
    take(project, judge, gone)
    assert stored(project, "releases") == []
    take(project, judge, published, now=soon + 2 * SOON)  # a replay does not bring it back
    assert stored(project, "releases") == []
    again = hooks.release({**node, "publishedAt": when(300), "updatedAt": when(300)})
    late = instant(when(300), "")
    assert late is not None
    take(project, judge, hear("release", "published", release=again), gone, now=late)  # nor does one take away the next
    assert len(stored(project, "releases")) == 1


def test_gitlab(project: Project, judge: RowValidator) -> None:
    """Everything that GitLab tells, then a poll, then all of it again: the poll stays as it was."""
    name, source = "acme/web/shop", GitLabWebhooks(SourceSettings("gitlab", "gitlab:acme", ("acme",)))
    merge_request = gitlab_data.merge_request(name, 1)
    before = {"state": "opened", "mergedAt": None, "mergeUser": None, "mergeCommitSha": None, "updatedAt": when(61)}
    notes = [note for note in merge_request["notes"] if not note["system"]]
    runs = [gitlab_data.pipeline(name, 1, status) for status in ("PENDING", "RUNNING", "SUCCESS")]
    deployments = [gitlab_data.deployment(name, 1, status) for status in ("running", "success")]
    issue, published = gitlab_data.issue(name, 1), gitlab_data.release(name, 1)
    told = [
        gitlab.merge_request(name, {**merge_request, **before}, "open"),
        *(gitlab.note(name, note, {**merge_request, **before}) for note in notes),
        gitlab.merge_request(name, merge_request, "merge", by="ben"),
        *(gitlab.pipeline(name, each) for each in runs),
        *(gitlab.deployment(name, each) for each in deployments),
        gitlab.issue(name, {**issue, "state": "opened", "closedAt": None, "updatedAt": when(31)}),
        gitlab.issue(name, issue),
        gitlab.release(name, published, "create"),
    ]
    events = [source.parse("", payload) for payload in told]
    soon = instant(published["releasedAt"], "")
    assert soon is not None
    for each in (events, list(reversed(events)), events):
        take(project, judge, *each, now=soon)
        deliver(project)
    names = ("pull_requests", "comments", "builds", "deployments", "work_items", "releases")
    by_webhook = rows(project, names)
    assert [row["state"] for row in by_webhook["pull_requests"]] == ["merged"]
    assert [len(by_webhook[each]) for each in names] == [1, 4, 1, 1, 1, 1]
    assert [row["status"] for row in by_webhook["builds"] + by_webhook["deployments"]] == ["success", "success"]
    assert [row["status"] for row in by_webhook["work_items"]] == ["closed"]
    pages = [
        gitlab_rows.merge_request_rows(name, {**connected(merge_request), "diffStats": merge_request["diffStats"]}),
        gitlab_rows.pipeline_rows(name, runs[-1], "gitlab", "https://gitlab.com", DeployRules()),
        gitlab_rows.deployment_rows(name, deployments[-1], "gitlab"),
        gitlab_rows.issue_rows(name, connected(issue)),
        gitlab_rows.release_rows(name, published),
    ]
    poll(project, *(Page(name, {table: found for table, found in page.items() if table in names}) for page in pages))
    polled = rows(project, names)
    assert polled["comments"] == by_webhook["comments"]
    assert polled["work_items"] == by_webhook["work_items"]
    assert polled["releases"] == by_webhook["releases"]
    take(project, judge, *events, now=soon)
    assert rows(project, names) == polled


def test_a_real_poll_of_what_webhooks_told_changes_nothing_but_what_they_cannot_tell(
    project: Project, judge: RowValidator
) -> None:
    shop = repository(SHOP, 1, pulls=2, releases=1, deployments=2, runs=2)
    hub = Hub({"acme": [shop]})
    with serving(hub) as url:
        source = GitHubWebhooks(SourceSettings("github", "github:acme", ("acme/*",), url))
        events = [source.parse(event, hooks.payload(SHOP, action, **things)) for event, action, things in told_of(shop)]
        soon = instant(shop["releases"][0]["updatedAt"], "")
        assert soon is not None
        take(project, judge, *events, now=soon)
        deliver(project)
        told = contents(project, TOLD)
        sync = Syncer(project, hub, url, GITHUB)
        sync.good()
        polled = sync.tables(TOLD)
        for row in polled["pull_requests"]:
            row["ready_at"] = None
        for row in polled["releases"]:
            row["sha"] = None
        assert told == polled
        polled = sync.tables()
        take(project, judge, *reversed(events), now=soon)
        deliver(project)
        assert sync.tables() == polled


TOLD = (*OF_LIFE, "releases", "deployments", "builds")


def told_of(shop: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Everything that webhooks told of a repository, as (event, action, what it is about)."""
    for node in shop["pullRequests"]:
        pull_request = hooks.pull_request(node)
        yield "pull_request", "closed", {"pull_request": pull_request}
        for comment in node["comments"]:
            issue = {**pull_request, "pull_request": {}}
            yield "issue_comment", "created", {"issue": issue, "comment": hooks.comment(comment)}
        for review in node["reviews"]:
            yield "pull_request_review", "submitted", {"pull_request": pull_request, "review": hooks.review(review)}
            for line in review["comments"]:
                things = {"pull_request": pull_request, "comment": hooks.comment(line)}
                yield "pull_request_review_comment", "created", things
    for node in shop["releases"]:
        yield "release", "published", {"release": hooks.release(node)}
    for node in shop["deployments"]:
        yield "deployment", "created", {"deployment": hooks.deployment(node)}
        for status in hooks.statuses(node):
            things = {"deployment": hooks.deployment(node), "deployment_status": status}
            yield "deployment_status", "created", things
    for node in shop["runs"]:
        yield "workflow_run", "completed", {"workflow_run": node}


def test_a_late_delivery_of_the_same_second_changes_nothing_but_a_merge(project: Project, judge: RowValidator) -> None:
    at = LIFE.nodes[11]["updatedAt"]
    closed = {**LIFE.nodes[LAST], "updatedAt": at}
    (open_,) = LIFE.parsed(11)
    merge = hear("pull_request", "closed", pull_request=hooks.pull_request(closed))
    for order in ((open_, merge), (merge, open_)):
        take(project, judge, *order)
        assert [row["state"] for row in rows(project)[PARENT]] == ["merged"]


def test_dismissed_by_a_server_that_does_not_say_when(project: Project, judge: RowValidator) -> None:
    def said(step: int, action: str) -> WebhookEvent:
        node = LIFE.nodes[step]
        sent = hooks.review(node["reviews"][0])
        del sent["updated_at"]
        return hear("pull_request_review", action, pull_request=hooks.pull_request(node), review=sent)

    submitted, dismissed = said(5, "submitted"), said(10, "dismissed")
    for order in ((submitted, dismissed), (submitted,), (dismissed, submitted)):
        take(project, judge, *order)
        assert [row["state"] for row in rows(project)["reviews"]] == ["dismissed"]


def test_a_removal_of_what_was_never_there(project: Project, judge: RowValidator) -> None:
    take(project, judge, *LIFE.parsed(7))
    assert rows(project)["comments"] == []
    poll(project, LIFE.page(LAST))
    take(project, judge, *LIFE.parsed(3), *LIFE.parsed(7))
    assert len(rows(project)["comments"]) == 3


def test_a_comment_deleted_without_its_pull_request_changing_stays_gone(project: Project, judge: RowValidator) -> None:
    poll(project, LIFE.page(1))
    gone = hear(
        "issue_comment",
        "deleted",
        issue={**hooks.pull_request(LIFE.nodes[1]), "pull_request": {}},
        comment=hooks.comment(LIFE.nodes[1]["comments"][0]),
    )
    take(project, judge, gone)
    assert rows(project)["comments"] == []
    take(project, judge, *LIFE.parsed(1))
    assert rows(project)["comments"] == []


def test_polls_and_webhooks_at_once(database_project: Project, judge: RowValidator) -> None:
    """On each database: what polls and webhooks bring at the same time is whole, and the last poll's."""
    project = database_project
    failed: list[BaseException] = []

    def guarded(work: Any) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    def webhooks() -> None:
        with Engine(temp_dir=project.temp) as engine:
            own = RowValidator(engine)
            for start in range(0, LAST + 1, 4):
                take(project, own, *(event for step in range(start, LAST + 1)[:4] for event in LIFE.parsed(step)))
                deliver(project)

    def polls() -> None:
        for step in (5, LAST):
            poll(project, LIFE.page(step))

    threads = [threading.Thread(target=guarded, args=(work,)) for work in (webhooks, webhooks, polls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed, failed
    poll(project, LIFE.page(LAST))
    deliver(project)
    assert [len(found) for found in rows(project).values()] == [1, 1, 3]
    assert check_lake(project.lake) == []


def test_a_process_that_dies_before_the_inbox_knows_of_the_delivery(
    project: Project, judge: RowValidator, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(project, judge, *(event for step in range(LAST + 1) for event in LIFE.parsed(step)))
    acknowledge = inbox.acknowledge

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    for _ in OF_LIFE:
        monkeypatch.setattr(pushed.inbox, "acknowledge", dies)
        with pytest.raises(KeyboardInterrupt):
            deliver(project)
        monkeypatch.setattr(pushed.inbox, "acknowledge", acknowledge)
    found = rows(project)
    poll(project, LIFE.page(LAST))
    found[PARENT][0]["updated_at"] = when(100 + LAST)  # the last comment changed its pull request, which no event says
    polled = rows(project)
    polled[PARENT][0]["updated_at"] = when(100 + LAST)
    assert polled == found
