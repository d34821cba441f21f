"""What happens is told in the transaction in which it happens, to who is told of it, and to nobody else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from leadline.administration import webhooks
from leadline.administration.trees import remove_tree
from leadline.db import jobs, outbox, sources
from leadline.db.models import exports
from leadline.db.models import outbox as messages
from leadline.db.outbox import AGAIN_AFTER, KEPT
from leadline.errors import LockLost
from leadline.home import Project
from leadline.people import load_org
from notifications.conftest import NOW, Told
from notifications.exporting import claimed, complete, queued

ORG = "email,full_name,manager_email,team\nada@example.org,Ada,,\nben@example.org,Ben,ada@example.org,Platform\n"


def told_of(project: Project) -> list[tuple[str, Any]]:
    """The types and data of what waits, in the order in which it happened."""
    rows = project.db.rows(sa.select(messages.c.type, messages.c.data).order_by(messages.c.occurred_at, messages.c.id))
    return [(row.type, row.data) for row in rows]


def test_exports_that_end_are_told_once_however_they_end(told: Told) -> None:
    project = told.project
    first = claimed(project, NOW)
    assert complete(project, first, NOW)
    assert not complete(project, first, NOW)
    second = claimed(project, NOW)
    assert jobs.fail(project.db, second, {"error": "no"}, NOW + timedelta(seconds=1))
    third = queued(project, NOW)
    assert jobs.cancel(project.db, project.id, third.id, "productivity", NOW + timedelta(seconds=2))
    assert not jobs.cancel(project.db, project.id, third.id, "productivity", NOW)
    assert told_of(project) == [
        ("export.completed", {"exportId": first.export.id}),
        ("export.failed", {"exportId": second.export.id}),
        ("export.cancelled", {"exportId": third.id}),
    ]


def test_an_export_that_kills_its_workers_is_told(told: Told) -> None:
    project = told.project
    queued(project, NOW, name="deadly")
    now = NOW
    for _ in range(jobs.GIVE_UP_ATTEMPTS):
        assert jobs.claim(project.db, "worker", now, now + timedelta(seconds=15)) is not None
        now += jobs.GIVE_UP_AFTER
    assert jobs.claim(project.db, "worker", now, now) is None
    assert told_of(project) == [("export.failed", {"exportId": "exp_deadly"})]


def test_what_is_rolled_back_is_not_told(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the end of the export nor the message is there without the other."""
    project, claim = told.project, claimed(told.project, NOW)

    def fails(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(jobs, "announce_export", fails)
    with pytest.raises(OSError, match="full"):
        complete(project, claim, NOW)
    assert told_of(project) == []
    assert project.db.value(sa.select(exports.c.state)) == "processing"


def _run(project: Project, name: str, state: str, number: int) -> None:
    with project.lock(f"source-run:{name}") as lease:
        at = NOW + timedelta(minutes=number)
        outcome = {"state": state} | (
            {"error": {"error": "ada@example.org?", "code": "forbidden"}} if state == "failed" else {}
        )
        sources.started(project.db, project.id, name, "github", {}, at, under=lease)
        sources.finished(project.db, project.id, name, outcome, at, good=state == "done", under=lease)


def test_sources_are_told_when_they_begin_to_fail_and_when_they_are_well_again(told: Told) -> None:
    project = told.project
    sources.add(project.db, project.id, "github:acme", "github", {}, NOW)
    for number, state in enumerate(("done", "failed", "failed", "incomplete", "done", "failed", "done")):
        _run(project, "github:acme", state, number)
        _run(project, "named on a command line", state, number)
    assert [(event, data["state"]) for event, data in told_of(project)] == [
        ("source.failed", "failed"),
        ("source.recovered", "incomplete"),
        ("source.failed", "failed"),
        ("source.recovered", "done"),
    ]
    assert told_of(project)[0][1] == {
        "source": "github:acme",
        "kind": "github",
        "state": "failed",
        "finishedAt": "2026-03-01T06:01:00Z",
        "succeededAt": "2026-03-01T06:00:00Z",
        "code": "forbidden",
    }


def test_a_run_whose_lock_was_lost_tells_nothing(told: Told) -> None:
    project = told.project
    sources.add(project.db, project.id, "github:acme", "github", {}, NOW)
    with project.lock("source-run:github:acme") as lost:
        pass
    with project.lock("source-run:github:acme"), pytest.raises(LockLost):
        sources.finished(project.db, project.id, "github:acme", {"state": "failed"}, NOW, good=False, under=lost)
    assert told_of(project) == []


def test_org_trees_that_change_are_told_and_those_that_do_not_are_not(told: Told, tmp_path: Path) -> None:
    project, file = told.project, tmp_path / "org.csv"
    file.write_text(ORG)
    load_org(project, file, "Engineering", now=NOW)
    load_org(project, file, "Engineering", now=NOW + timedelta(days=1))
    file.write_text(ORG + "cyd@example.org,Cyd,ben@example.org,Platform\n")
    load_org(project, file, "Engineering", now=NOW + timedelta(days=2))
    remove_tree(project, "Engineering")
    assert told_of(project) == [
        ("org_tree.changed", {"orgTreeName": "Engineering", "version": 1, "fromDay": None, "removed": False}),
        ("org_tree.changed", {"orgTreeName": "Engineering", "version": 2, "fromDay": "2026-03-03", "removed": False}),
        ("org_tree.changed", {"orgTreeName": "Engineering", "removed": True}),
    ]


def test_each_endpoint_is_told_of_its_events_alone_and_of_its_project(told: Told) -> None:
    project = told.project
    failures = webhooks.add(project, told.endpoint.url, ["export.failed"], created_by="test", now=NOW)
    other = project.home.project("other", "project", create=True)
    complete(project, claimed(project, NOW), NOW)
    complete(other, claimed(other, NOW), NOW)
    assert outbox.counts(project.db) == {told.webhook.id: 1}
    jobs.fail(project.db, claimed(project, NOW), {}, NOW)
    assert outbox.counts(project.db) == {told.webhook.id: 2, failures.id: 1}


def test_the_next_message_of_each_endpoint_and_none_before_its_time(told: Told) -> None:
    project, db = told.project, told.project.db
    other = webhooks.add(project, told.endpoint.url, ["export.completed"], created_by="test", now=NOW)
    complete(project, claimed(project, NOW), NOW)
    complete(project, claimed(project, NOW), NOW + timedelta(seconds=1))
    assert outbox.waiting(db, NOW - timedelta(seconds=1)) == []
    next_ones = outbox.waiting(db, NOW + timedelta(seconds=1))
    assert {message.webhook_id for message in next_ones} == {told.webhook.id, other.id}
    assert {message.occurred_at for message in next_ones} == {NOW}
    busy = outbox.waiting(db, NOW, [other.id])
    assert [message.webhook_id for message in busy] == [told.webhook.id]


def test_attempts_that_fail_are_made_again_ever_later_and_then_the_endpoint_is_paused(told: Told) -> None:
    project, db, now = told.project, told.project.db, NOW
    complete(project, claimed(project, NOW), NOW)
    (first,) = outbox.waiting(db, now)
    pauses = []
    for _ in AGAIN_AFTER:
        (message,) = outbox.waiting(db, now)
        assert message.id == first.id
        assert not outbox.failed(db, message, "no", now)
        pauses.append(next(pause for pause in AGAIN_AFTER if outbox.waiting(db, now + pause)))
        now += pauses[-1]
    assert [pause.total_seconds() for pause in pauses] == [5, 60, 600, 3600, 21600, 86400]
    (last,) = outbox.waiting(db, now)
    assert outbox.failed(db, last, "no", now)
    assert outbox.waiting(db, now + timedelta(days=365)) == []
    (shown,) = webhooks.listed(project)
    assert (shown.state, shown.error, shown.waiting, shown.paused_at) == ("paused", "no", 1, now)


def test_an_attempt_that_somebody_else_made_meanwhile_counts_once(told: Told) -> None:
    project, db = told.project, told.project.db
    complete(project, claimed(project, NOW), NOW)
    (message,) = outbox.waiting(db, NOW)
    for _ in range(10):
        outbox.failed(db, message, "no", NOW)
    assert [later.attempts for later in outbox.waiting(db, NOW + timedelta(seconds=5))] == [1]


def test_messages_of_who_is_gone_are_swept_and_those_of_who_is_paused_after_a_while(told: Told) -> None:
    project, db = told.project, told.project.db
    complete(project, claimed(project, NOW), NOW)
    with db.write() as connection:
        orphan = {"id": "msg_orphan", "project_id": project.id, "webhook_id": "wh_gone", "type": "export.completed"}
        connection.execute(messages.insert(), {**orphan, "occurred_at": NOW, "data": {}, "next_at": NOW})
    assert outbox.sweep(db, NOW + 10 * KEPT) == 1
    for _ in range(len(AGAIN_AFTER) + 1):
        (message,) = outbox.waiting(db, NOW + timedelta(days=1))
        outbox.failed(db, message, "no", NOW)
    assert outbox.sweep(db, NOW + KEPT - timedelta(seconds=1)) == 0
    assert outbox.sweep(db, NOW + KEPT) == 1


def test_removing_an_endpoint_takes_its_messages_away(told: Told) -> None:
    complete(told.project, claimed(told.project, NOW), NOW)
    webhooks.remove(told.project, told.webhook.id)
    assert outbox.counts(told.project.db) == {}
