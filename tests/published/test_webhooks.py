"""Payloads that GitHub's webhooks really sent, signed and posted to a server: each is answered as documented, and the rows of
those that matter are what the payload says, read out of it a second time here."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.serving import Answer, Served, serving
from leadline.db import sources
from leadline.engine import Engine
from leadline.home import Home
from leadline.ingest.pushed import deliver_pushed
from leadline.sources.github.webhooks import GitHubWebhooks
from leadline.sources.kit.secrets import SecretPlace
from leadline.sources.kit.settings import SourceSettings
from published.openapi import Description
from published.packages import OPENAPI, WEBHOOKS, published
from published.traffic import KeyPath, traced
from stubs import github_webhooks as hooks
from stubs.github_data import deployment as deployment_node
from stubs.github_data import release as release_node
from stubs.github_data import run
from stubs.webhook_history import Life

DOCUMENTED = Path(__file__).parents[2] / "docs" / "openapi.json"
MATTERING = {
    "pull_request": 29,
    "pull_request_review": 4,
    "pull_request_review_comment": 5,
    "issue_comment": 9,
    "deployment": 4,
    "deployment_status": 4,
    "release": 13,
    "workflow_run": 5,
}
"""Events that make rows, and how many payloads of each are published."""
TABLES = ("pull_requests", "reviews", "comments", "releases", "deployments", "builds")

Payload = dict[str, Any]
Rows = dict[str, list[dict[str, Any]]]


@functools.cache
def payloads(file: str) -> list[tuple[str, Payload]]:
    """Every payload of one file with the name of its event."""
    events = json.loads(published(WEBHOOKS, file).read_bytes())
    return [(event["name"], payload) for event in events for payload in event["examples"]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server; its projects ``p/0``, ``p/1`` … each have a source that reads every repository."""
    folder = tmp_path_factory.mktemp("webhooks")
    (folder / "secret").write_text(hooks.SECRET)
    with Home.open(folder / "home") as home, serving(home, workers=0) as running:
        yield running


def add_project(served: Served, name: str) -> None:
    project = served.home.project("p", name, create=True)
    secret = served.home.settings.home.parent / "secret"
    added = SourceSettings("github", "code", ("*/*",), webhook_secret=SecretPlace(file=str(secret)))
    sources.add(project.home.db, project.id, "code", "github", added.stored(), datetime.now(UTC))


def tell(served: Served, project: str, event: str, payload: Payload) -> Answer:
    headers, body = hooks.signed(event, payload)
    path = f"/v1/webhooks/code?organization=p&project={project}"
    return served.client.send("POST", path, headers={"SEI_API_KEY": "", **headers}, body=body)


def rows(served: Served, name: str) -> Rows:
    project = served.home.project("p", name)
    deliver_pushed(project)
    with Engine(temp_dir=project.home.temp) as engine:
        snapshot = project.lake.snapshot()
        filled = [table for table in TABLES if snapshot.row_counts().get(table)]
        engine.bind_snapshot(snapshot, filled)
        return {table: engine.arrow(f"SELECT * FROM {table}").to_pylist() for table in filled}


# -- every payload is answered as documented ---------------------------------------------------------------------------


@pytest.mark.parametrize("file", WEBHOOKS.files)
def test_every_payload_is_answered_as_documented(served: Served, file: str) -> None:
    documented = Description.read(DOCUMENTED)
    operation = documented.document["paths"]["/v1/webhooks/{source}"]["post"]
    name = file.partition("/")[0]
    add_project(served, name)
    answers: Counter[tuple[str, int, str]] = Counter()
    for event, payload in payloads(file):
        answer = tell(served, name, event, payload)
        schema = documented.answer(operation, answer.status)
        assert schema is not None, f"{event}: {answer.status} is not documented"
        assert documented.mismatches(answer.json, schema, "") == []
        answers[event, answer.status, answer.json["status"]] += 1
    stored = {event for event, status, _ in answers if status == 202}
    ignored = {event for event, status, _ in answers if status == 200}
    published_events = {event for event, _ in payloads(file)}
    # The published comments are all on issues, which are no pull requests.
    assert stored == published_events & set(MATTERING) - {"issue_comment"}
    assert ignored == published_events - stored


# -- rows --------------------------------------------------------------------------------------------------------------


def at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def login(user: Payload | None) -> str | None:
    return None if user is None else str(user["login"])


def pull_request(payload: Payload) -> Rows:
    pull = payload["pull_request"]
    merged = pull["merged_at"] is not None
    row = {
        "number": pull["number"],
        "title": pull["title"],
        "body": pull["body"],
        "author": login(pull["user"]),
        "state": "merged" if merged else pull["state"],
        "draft": pull["draft"],
        "created_at": at(pull["created_at"]),
        "updated_at": at(pull["updated_at"]),
        "merged_at": at(pull["merged_at"]),
        "closed_at": at(pull["closed_at"]),
        "merged_by": login(pull.get("merged_by")),
        "base_branch": pull["base"]["ref"],
        "head_branch": pull["head"]["ref"],
        "merge_commit_sha": pull["merge_commit_sha"] if merged else None,
        "additions": pull.get("additions"),
        "deletions": pull.get("deletions"),
        "changed_files": pull.get("changed_files"),
        "labels": [label["name"] for label in pull["labels"]] or None,
        "assignees": [assignee["login"] for assignee in pull["assignees"]] or None,
        "url": pull["html_url"],
        "ready_at": at(pull["updated_at"]) if payload["action"] == "ready_for_review" else None,
    }
    return {"pull_requests": [row]}


def review(payload: Payload) -> Rows:
    sent = payload["review"]
    row = {
        "number": payload["pull_request"]["number"],
        "review_id": str(sent["id"]),
        "author": login(sent["user"]),
        "state": sent["state"],
        "submitted_at": at(sent["submitted_at"]),
    }
    return {"reviews": [row]}


def comment(payload: Payload) -> Rows:
    sent = payload["comment"]
    issue = payload.get("issue")
    if payload["action"] == "deleted" or (issue is not None and "pull_request" not in issue):
        return {}
    row = {
        "number": (issue or payload["pull_request"])["number"],
        "comment_id": str(sent["id"]) if issue else f"r{sent['id']}",
        "kind": "discussion" if issue else "review",
        "author": login(sent["user"]),
        "created_at": at(sent["created_at"]),
        "updated_at": at(sent["updated_at"]),
    }
    return {"comments": [row]}


def release(payload: Payload) -> Rows:
    sent = payload["release"]
    if payload["action"] == "deleted":
        return {}
    row = {"tag": sent["tag_name"], "name": sent["name"] or None, "published_at": at(sent["published_at"])}
    row["url"] = sent["html_url"]
    return {"releases": [row]}


def deployment(payload: Payload) -> Rows:
    sent, status = payload["deployment"], payload.get("deployment_status", {})
    outcome = {"success": "success", "failure": "failure", "error": "failure"}.get(status.get("state"))
    row = {
        "deployment_id": f"github:{sent['id']}",
        "environment": sent["environment"],
        "sha": sent["sha"],
        "status": outcome or "running",
        "started_at": at(sent["created_at"]),
        "finished_at": at(status["created_at"]) if outcome else None,
        "triggered_by": login(sent["creator"]),
    }
    return {"deployments": [row]}


def workflow_run(payload: Payload) -> Rows:
    run = payload["workflow_run"]
    done = run["status"] == "completed"
    row = {
        "build_id": f"github:{run['id']}",
        "pipeline": run["name"] or run["path"],
        "branch": run["head_branch"],
        "sha": run["head_sha"],
        "status": run["conclusion"] if done else run["status"],
        "started_at": at(run.get("run_started_at") or run["created_at"]),
        "finished_at": at(run["updated_at"]) if done else None,
        "url": run["html_url"],
    }
    return {"builds": [row]}


READ = {
    "pull_request": pull_request,
    "pull_request_review": review,
    "pull_request_review_comment": comment,
    "issue_comment": comment,
    "deployment": deployment,
    "deployment_status": deployment,
    "release": release,
    "workflow_run": workflow_run,
}


def published_now(payload: Payload) -> Payload:
    """``payload`` as if its release were published now: a release is taken if it is told of soon."""
    text = json.dumps(payload)
    if (then := payload.get("release", {}).get("published_at")) is not None:
        text = text.replace(then, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    return dict(json.loads(text))


def of_pull_request(payload: Payload) -> Payload:
    """A comment on an issue as if that were a pull request, which has one key more."""
    if "pull_request" in payload.get("issue", {"pull_request": {}}):
        return payload
    return {**payload, "issue": {**payload["issue"], "pull_request": {"url": payload["issue"]["url"]}}}


def apart(payload: Payload, number: int) -> Payload:
    """``payload`` of a repository, a deployment and a run of its own, so that many can be sent without meeting."""
    copy = {**payload, "repository": {**payload["repository"]}}
    copy["repository"]["full_name"] += f"-{number}"
    for name in ("deployment", "workflow_run"):
        if (sent := payload.get(name)) is not None:
            copy[name] = {**sent, "id": sent["id"] + number}
    return copy


@pytest.mark.parametrize("event", MATTERING)
def test_the_rows_are_what_the_payload_says(served: Served, event: str) -> None:
    sent = [payload for name, payload in payloads("api.github.com/index.json") if name == event]
    assert len(sent) == MATTERING[event]
    sent = [apart(of_pull_request(published_now(payload)), number) for number, payload in enumerate(sent)]
    add_project(served, event)
    for payload in sent:
        assert tell(served, event, event, payload).json == {"status": "accepted", "rows": 1}
    actual = {
        (table, row["repository"]): row for table, table_rows in rows(served, event).items() for row in table_rows
    }
    expected = {
        (table, payload["repository"]["full_name"]): row
        for payload in sent
        for table, (row,) in READ[event](payload).items()
    }
    assert set(actual) == set(expected)
    for key, row in expected.items():
        assert {column: actual[key][column] for column in row} == row, key


@pytest.mark.parametrize("event", ["issue_comment", "pull_request_review_comment", "release"])
def test_what_a_payload_says_is_deleted_is_gone(served: Served, event: str) -> None:
    sent = [payload for name, payload in payloads("api.github.com/index.json") if name == event]
    created, deleted = (
        next(payload for payload in sent if payload["action"] == action) for action in ("created", "deleted")
    )
    add_project(served, f"{event}-gone")
    for payload, kept in ((created, 1), (deleted, 0)):
        sent_now = of_pull_request(published_now(payload))
        assert tell(served, f"{event}-gone", event, sent_now).json == {"status": "accepted", "rows": 1}
        assert sum(map(len, rows(served, f"{event}-gone").values())) == kept


def test_payloads_that_come_again_change_nothing(served: Served) -> None:
    add_project(served, "again")
    by_action = {
        (event, payload["action"]): payload
        for event, payload in payloads("api.github.com/index.json")
        if event in MATTERING and payload["action"] != "deleted"
    }
    contents = []
    for _ in range(2):
        for (event, _action), payload in by_action.items():
            tell(served, "again", event, payload)
        contents.append(rows(served, "again"))
    assert contents[0] == contents[1]
    pulls = {payload["number"] for (event, _action), payload in by_action.items() if event == "pull_request"}
    assert len(contents[0]["pull_requests"]) == len(pulls)


# -- fields ------------------------------------------------------------------------------------------------------------

SHARED = ("__typename", "submitted_at")
"""Read of whatever has an account or an instant: GraphQL's name of the one's type, and the one that reviews have."""


@functools.cache
def described() -> Description:
    return Description.read(published(OPENAPI, "generated/api.github.com.json"))


def schema_of(event: str, action: str) -> dict[str, Any]:
    operation = described().document["x-webhooks"][f"{event}-{action}".replace("_", "-")]["post"]
    return dict(operation["requestBody"]["content"]["application/json"]["schema"])


def stub_payloads() -> Iterator[tuple[str, Payload]]:
    """A payload of every event that matters, as the stub makes it."""
    yield from (delivery for step in Life(1).events for delivery in step)
    deployed = deployment_node("acme/shop", 1, "IN_PROGRESS", "SUCCESS")
    sent = {"deployment": hooks.deployment(deployed)}
    yield "deployment", hooks.payload("acme/shop", "created", **sent)
    for status in hooks.statuses(deployed):
        yield "deployment_status", hooks.payload("acme/shop", "created", **sent, deployment_status=status)
    for action in ("published", "edited", "deleted"):
        yield "release", hooks.payload("acme/shop", action, release=hooks.release(release_node("acme/shop", 1)))
    yield "workflow_run", hooks.payload("acme/shop", "completed", workflow_run=run("acme/shop", 1))


def test_what_is_read_of_a_payload_is_described() -> None:
    webhooks = GitHubWebhooks(SourceSettings("github", "code", ("*/*",)))
    sent = [*payloads("api.github.com/index.json"), *stub_payloads()]
    faults = set()
    for event, payload in sent:
        if event in MATTERING:
            reads: set[KeyPath] = set()
            webhooks.parse(event, traced(of_pull_request(payload), (), reads))
            assert ("repository", "full_name") in reads
            schema = schema_of(event, payload["action"])
            faults |= {(event, ".".join(path)) for path in reads if not described().has(schema, path)}
    # Only an edited release says what it was called before.
    assert {fault for fault in faults if not fault[1].endswith(SHARED)} == {("release", "changes")}


def test_the_stubs_payloads_are_as_described() -> None:
    sent = list(stub_payloads())
    assert {event for event, _ in sent} == set(MATTERING)
    faults = set()
    for event, payload in sent:
        schema = schema_of(event, payload["action"])
        faults |= {(event, text) for text in described().mismatches(payload, schema, "")}
    assert faults == set()
