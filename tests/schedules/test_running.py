"""Runs of schedules, from when they are due to where their files lie; on each database."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leadline.administration import schedules, settings, webhooks
from leadline.db import jobs, outbox, sources
from leadline.db import schedules as stored
from leadline.errors import InvalidRequest
from leadline.exports import files
from leadline.home import Project
from leadline.people import load_org
from leadline.schedules.running import advance, begin_due

ORG = "email,full_name,manager_email,team\nada@example.org,Ada,,\nben@example.org,Ben,ada@example.org,Platform\n"
MADE = datetime(2026, 2, 10, tzinfo=UTC)
FIRST = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
"""06:00 in Berlin on the first of March."""
BODY: dict[str, Any] = {
    "name": "Monthly productivity",
    "export": "productivity",
    "request": {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"period": "previous_month", "count": 1},
        "metricGroups": ["velocity"],
    },
    "at": {"cron": "0 6 1 * *", "timezone": "Europe/Berlin"},
}


@pytest.fixture
def staffed(database_project: Project, tmp_path: Path) -> Project:
    file = tmp_path / "org.csv"
    file.write_text(ORG)
    load_org(database_project, file, "Engineering", now=MADE)
    (tmp_path / "reports").mkdir()
    settings.change(
        database_project,
        {"exports.folders": str(tmp_path / "reports"), "webhooks.private": "true"},
        on_machine=True,
    )
    return database_project


def made(project: Project, **changed: Any) -> str:
    """A schedule; its id."""
    return schedules.add(project, {**BODY, **changed}, created_by="key_1", now=MADE).id


def look(project: Project, now: datetime) -> None:
    """What a server does every second."""
    begin_due(project, now)
    advance(project, now)


def finish(project: Project, now: datetime, content: bytes = b"a\r\n1\r\n") -> list[str]:
    """A worker completes what is queued; the ids."""
    done = []
    while (claim := jobs.claim(project.db, "worker", now, now + timedelta(minutes=1))) is not None:
        name = files.stored_name(claim.export.id, 1, ".csv.gz")
        (project.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / name).write_bytes(gzip.compress(content))
        result = jobs.Result(name, str(claim.export.filename), "text/csv", 1, 10, "0" * 64)
        assert jobs.complete(project.db, claim, result, now, datetime(2999, 1, 1, tzinfo=UTC))
        done.append(claim.export.id)
    return done


def newest(project: Project, schedule_id: str) -> stored.Run:
    return stored.runs(project.db, schedule_id)[0]


def test_a_run_is_an_ordinary_export_of_the_days_before_it_was_due(staffed: Project) -> None:
    schedule_id = made(staffed)
    assert schedules.one(staffed, schedule_id, MADE).next_run_at == FIRST
    look(staffed, FIRST - timedelta(seconds=1))
    assert stored.runs(staffed.db, schedule_id) == []
    look(staffed, FIRST + timedelta(seconds=1))
    run = newest(staffed, schedule_id)
    assert (run.state, run.start, run.end, run.late) == ("running", date(2026, 2, 1), date(2026, 2, 28), False)
    export = jobs.get(staffed.db, staffed.id, str(run.export_id))
    assert export is not None
    assert (export.created_by, export.kind, export.request["start"]) == (schedule_id, "productivity", "2026-02-01")
    finish(staffed, FIRST)
    look(staffed, FIRST + timedelta(minutes=1))
    assert newest(staffed, schedule_id).state == "completed"
    assert schedules.one(staffed, schedule_id, FIRST).next_run_at == datetime(2026, 4, 1, 4, 0, tzinfo=UTC)


def test_looking_again_at_any_moment_makes_no_second_run_and_no_second_export(staffed: Project) -> None:
    schedule_id = made(staffed)
    for _ in range(3):
        begin_due(staffed, FIRST)
    for _ in range(3):
        advance(staffed, FIRST)
    finish(staffed, FIRST)
    for _ in range(3):
        look(staffed, FIRST)
    assert len(stored.runs(staffed.db, schedule_id)) == 1
    assert jobs.counts(staffed.db)["completed"] == 1


def test_two_servers_run_each_due_time_once(staffed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have seen that it is due before either has begun."""
    schedule_id = made(staffed)
    seen = stored.due(staffed.db, staffed.id, FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(stored, "due", lambda *_: seen)
        assert len(begin_due(staffed, FIRST)) == 1
        assert begin_due(staffed, FIRST) == []
    assert len(stored.runs(staffed.db, schedule_id)) == 1


def test_an_export_that_was_made_before_a_server_died_is_not_made_again(
    staffed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule_id = made(staffed)
    begin_due(staffed, FIRST)
    with monkeypatch.context() as patch:

        def dies(*_: Any, **__: Any) -> None:
            raise SystemExit

        patch.setattr(stored, "advance", dies)
        with pytest.raises(SystemExit):
            advance(staffed, FIRST)
    assert jobs.counts(staffed.db)["queued"] == 1
    advance(staffed, FIRST)
    assert jobs.counts(staffed.db)["queued"] == 1
    assert newest(staffed, schedule_id).state == "running"


def test_what_was_missed_is_caught_up_with_once(staffed: Project) -> None:
    """Three months were missed: one run, of the last of them."""
    schedule_id = made(staffed)
    back = datetime(2026, 5, 20, tzinfo=UTC)
    look(staffed, back)
    (run,) = stored.runs(staffed.db, schedule_id)
    assert (run.late, run.due_at, run.start) == (True, datetime(2026, 5, 1, 4, 0, tzinfo=UTC), date(2026, 4, 1))
    look(staffed, back + timedelta(minutes=1))
    assert len(stored.runs(staffed.db, schedule_id)) == 1
    assert schedules.one(staffed, schedule_id, back).next_run_at == datetime(2026, 6, 1, 4, 0, tzinfo=UTC)


def test_what_is_not_enabled_is_not_due_but_can_be_asked_for(staffed: Project) -> None:
    schedule_id = made(staffed, enabled=False)
    assert schedules.one(staffed, schedule_id, MADE).next_run_at is None
    look(staffed, FIRST)
    assert stored.runs(staffed.db, schedule_id) == []
    schedules.run(staffed, schedule_id, datetime(2026, 3, 20, tzinfo=UTC))
    look(staffed, FIRST)
    run = newest(staffed, schedule_id)
    assert (run.requested, run.late, run.state, run.start) == (True, False, "running", date(2026, 2, 1))


PERIODS = {
    ("previous_month", 1): ("2026-02-01", "2026-02-28"),
    ("previous_month", 3): ("2025-12-01", "2026-02-28"),
    ("previous_week", 1): ("2026-02-16", "2026-02-22"),
    ("previous_week", 2): ("2026-02-09", "2026-02-22"),
    ("previous_quarter", 1): ("2025-10-01", "2025-12-31"),
    ("month_to_date", None): ("2026-03-01", "2026-03-01"),
    ("last-4-weeks", None): ("2026-01-26", "2026-02-22"),
}


@pytest.mark.parametrize(("period", "days"), PERIODS.items())
def test_days_are_those_before_the_day_on_which_it_was_due(
    staffed: Project, period: tuple[str, int | None], days: tuple[str, str]
) -> None:
    """The first of March 2026 is a Sunday. The run begins a day late, and is of the same days."""
    asked = {"period": period[0]} | ({} if period[1] is None else {"count": period[1]})
    schedule_id = made(staffed, request={**BODY["request"], "dateRange": asked})
    look(staffed, FIRST + timedelta(days=1))
    run = newest(staffed, schedule_id)
    assert (run.start.isoformat(), run.end.isoformat()) == days


# -- waiting for data ------------------------------------------------------------------------------------------------------


def read(project: Project, name: str, at: datetime) -> None:
    """A source is read whole."""
    with project.lock(f"source-run:{name}") as lease:
        sources.started(project.db, project.id, name, "github", {}, at, under=lease)
        sources.finished(project.db, project.id, name, {"state": "done"}, at, good=True, under=lease)


def test_a_run_waits_until_every_source_was_read_after_its_days(staffed: Project) -> None:
    schedule_id = made(staffed, waitForData={"minutes": 120})
    for name in ("github:acme", "jira:shop"):
        sources.add(staffed.db, staffed.id, name, "github", {}, MADE)
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    read(staffed, "github:acme", midnight)
    read(staffed, "jira:shop", midnight - timedelta(seconds=1))
    look(staffed, FIRST)
    look(staffed, FIRST + timedelta(minutes=119))
    assert newest(staffed, schedule_id).state == "waiting"
    read(staffed, "jira:shop", FIRST + timedelta(minutes=100))
    look(staffed, FIRST + timedelta(minutes=119))
    run = newest(staffed, schedule_id)
    assert (run.state, run.incomplete_sources) == ("running", [])


def test_a_run_waits_no_longer_than_it_may_and_says_what_it_did_not_wait_for(staffed: Project) -> None:
    hook = webhooks.add(staffed, "http://127.0.0.1:9/", ["data.late"], created_by="test", now=MADE)
    schedule_id = made(staffed, waitForData={"minutes": 120})
    sources.add(staffed.db, staffed.id, "jira:shop", "github", {}, MADE)
    look(staffed, FIRST)
    look(staffed, FIRST + timedelta(minutes=120))
    look(staffed, FIRST + timedelta(minutes=121))
    run = newest(staffed, schedule_id)
    assert (run.state, run.incomplete_sources) == ("running", ["jira:shop"])
    (message,) = outbox.waiting(staffed.db, FIRST + timedelta(days=1))
    assert (message.webhook_id, message.type) == (hook.id, "data.late")
    assert message.data == {
        "scheduleId": schedule_id,
        "name": "Monthly productivity",
        "runId": run.id,
        "exportId": run.export_id,
        "start": "2026-02-01",
        "end": "2026-02-28",
        "incompleteSources": ["jira:shop"],
    }


def test_days_that_go_on_wait_for_what_was_read_since_it_was_due(staffed: Project) -> None:
    request = {**BODY["request"], "dateRange": {"period": "month_to_date"}}
    schedule_id = made(staffed, request=request, waitForData={"minutes": 120})
    sources.add(staffed.db, staffed.id, "jira:shop", "github", {}, MADE)
    read(staffed, "jira:shop", FIRST - timedelta(minutes=1))
    look(staffed, FIRST)
    assert newest(staffed, schedule_id).state == "waiting"
    read(staffed, "jira:shop", FIRST + timedelta(minutes=1))
    look(staffed, FIRST + timedelta(minutes=2))
    assert newest(staffed, schedule_id).state == "running"


# -- delivering ------------------------------------------------------------------------------------------------------------


def run_months(project: Project, months: int) -> None:
    """Run a monthly schedule for so many months, from March on."""
    for number in range(months):
        now = datetime(2026, 3 + number, 1, 12, tzinfo=UTC)
        look(project, now)
        finish(project, now, f"month {number}\r\n".encode())
        look(project, now)


def test_files_are_delivered_and_older_ones_than_are_kept_are_deleted(staffed: Project, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    (reports / "notes.txt").write_text("mine")
    deliver = [{"folder": str(reports / "monthly"), "name": "{name}-{start}_{end}.csv.gz"}, {"folder": str(reports)}]
    schedule_id = made(staffed, deliver=deliver, keep=2)
    run_months(staffed, 4)
    assert sorted(path.name for path in (reports / "monthly").iterdir()) == [
        "Monthly-productivity-2026-04-01_2026-04-30.csv.gz",
        "Monthly-productivity-2026-05-01_2026-05-31.csv.gz",
    ]
    assert gzip.decompress(
        (reports / "monthly" / "Monthly-productivity-2026-05-01_2026-05-31.csv.gz").read_bytes()
    ) == (b"month 3\r\n")
    assert sorted(path.name for path in reports.iterdir() if path.is_file()) == [
        "Monthly-productivity-2026-04-01_2026-04-30.csv.gz",
        "Monthly-productivity-2026-05-01_2026-05-31.csv.gz",
        "notes.txt",
    ]
    states = [[delivery["state"] for delivery in run.deliveries] for run in stored.runs(staffed.db, schedule_id)]
    assert states == [["delivered"] * 2, ["delivered"] * 2, ["deleted"] * 2, ["deleted"] * 2]


def test_a_file_that_every_run_puts_in_place_of_the_last_is_never_deleted(staffed: Project, tmp_path: Path) -> None:
    schedule_id = made(staffed, deliver=[{"folder": str(tmp_path / "reports"), "name": "newest.csv"}], keep=1)
    run_months(staffed, 3)
    assert (tmp_path / "reports" / "newest.csv").read_bytes() == b"month 2\r\n"
    assert [run.deliveries[0]["state"] for run in stored.runs(staffed.db, schedule_id)] == [
        "delivered",
        "deleted",
        "deleted",
    ]


def test_what_cannot_be_delivered_fails_the_run_and_is_told(staffed: Project, tmp_path: Path) -> None:
    schedule_id = made(staffed, deliver=[{"folder": str(tmp_path / "reports" / "a")}])
    settings.change(staffed, {"exports.folders": str(tmp_path / "elsewhere")}, on_machine=True)
    run_months(staffed, 1)
    run = newest(staffed, schedule_id)
    assert (run.state, run.deliveries[0]["state"]) == ("failed", "failed")
    assert "exports.folders" in str(schedules.one(staffed, schedule_id, FIRST).last_run.error)  # type: ignore[union-attr]


def test_a_webhook_that_is_named_is_told_of_the_schedules_exports_alone_and_once(staffed: Project) -> None:
    named = webhooks.add(staffed, "http://127.0.0.1:9/", ["data.late"], created_by="test", now=MADE)
    both = webhooks.add(staffed, "http://127.0.0.1:9/", ["export.completed"], created_by="test", now=MADE)
    schedule_id = made(staffed, deliver=[{"webhook": named.id}, {"webhook": both.id}])
    run_months(staffed, 1)
    assert outbox.counts(staffed.db) == {named.id: 1, both.id: 1}
    assert [delivery["state"] for delivery in newest(staffed, schedule_id).deliveries] == ["delivered", "delivered"]


def test_what_became_of_an_export_becomes_of_its_run(staffed: Project) -> None:
    schedule_id = made(staffed)
    look(staffed, FIRST)
    claim = jobs.claim(staffed.db, "worker", FIRST, FIRST + timedelta(minutes=1))
    assert claim is not None
    jobs.fail(staffed.db, claim, {"error": "No memory", "code": "out_of_memory"}, FIRST)
    look(staffed, FIRST)
    run = newest(staffed, schedule_id)
    assert (run.state, run.error) == ("failed", {"error": "No memory", "code": "out_of_memory"})
    schedules.run(staffed, schedule_id, FIRST + timedelta(hours=1))
    look(staffed, FIRST)
    cancelled = newest(staffed, schedule_id)
    jobs.cancel(staffed.db, staffed.id, str(cancelled.export_id), "productivity", FIRST)
    look(staffed, FIRST)
    assert newest(staffed, schedule_id).state == "cancelled"


def test_a_request_that_cannot_be_any_more_fails_its_run_and_no_other(staffed: Project, tmp_path: Path) -> None:
    from leadline.administration.trees import remove_tree

    gone = made(staffed)
    file = tmp_path / "org.csv"
    load_org(staffed, file, "Other", now=MADE)
    other = made(staffed, request={**BODY["request"], "scope": {"orgTreeName": "Other"}})
    remove_tree(staffed, "Engineering")
    look(staffed, FIRST)
    assert (newest(staffed, gone).state, newest(staffed, other).state) == ("failed", "running")
    assert newest(staffed, gone).error["code"] == "invalid_org_tree_name"  # type: ignore[index]


def test_removing_a_schedule_leaves_its_exports(staffed: Project) -> None:
    schedule_id = made(staffed)
    run_months(staffed, 1)
    schedules.remove(staffed, schedule_id)
    assert schedules.listed(staffed, FIRST) == []
    assert jobs.counts(staffed.db)["completed"] == 1


REFUSED: dict[str, Mapping[str, Any]] = {
    "at.cron": {"at": {"cron": "every day"}},
    "at.timezone": {"at": {"cron": "0 6 1 * *", "timezone": "Berlin"}},
    "export": {"export": "nothing"},
    "name": {"name": "  "},
    "request.dateRange": {"request": {**BODY["request"], "dateRange": {"start": "2026-01-01", "end": "2026-01-31"}}},
    "keep": {"keep": 0},
    "waitForData.minutes": {"waitForData": {"minutes": "120"}},
    "deliver.folder": {"deliver": [{"folder": "/etc"}]},
    "deliver.webhook": {"deliver": [{"webhook": "wh_never"}]},
}


@pytest.mark.parametrize(("field", "changed"), REFUSED.items())
def test_what_cannot_be_is_refused_by_its_field(staffed: Project, field: str, changed: Mapping[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        made(staffed, **changed)
    assert field in [detail.field for detail in refused.value.details], refused.value.details
