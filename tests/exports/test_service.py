"""Creating, reusing, listing and handing out exports; on SQLite and PostgreSQL."""

from __future__ import annotations

import gzip
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leadline.db import jobs, keys, settings
from leadline.db.export_list import SORTS, ListFilter
from leadline.db.jobs import Export
from leadline.db.projects import ensure_project
from leadline.errors import Conflict, InvalidRequest, NotFound
from leadline.exports import service
from leadline.exports.answers import Created
from leadline.exports.files import display_name
from leadline.home import Project

from .conftest import NOW, PINS, Clock, body, load_trees, now_of, pin, queue, row, team_ids, worker

KIND = "productivity"


@pytest.fixture
def staffed(database_project: Project, tmp_path: Path) -> Project:
    """A project with org trees."""
    load_trees(database_project, tmp_path)
    return database_project


def create(project: Project, now: datetime = NOW, **options: Any) -> Created:
    given_body = options.pop("body", None) or body()
    return service.create(project, given_body, kind=KIND, created_by="key", now=now, **{"pin": pin, **options})


def complete(project: Project, clock: Clock) -> None:
    assert worker(project.home, clock).run_one()


# -- creating and reusing ----------------------------------------------------------------------------------------------


def test_create_queues_a_normalized_request(staffed: Project) -> None:
    _, north = team_ids(staffed, "Sales")
    created = create(staffed, body=body(scope={"teamId": "team_abc123"}, typo=1))
    assert not created.reused
    assert created.warnings == (
        "typo: unknown field, ignored; known here: scope, dateRange, metricGroups, metrics, options",
    )
    stored = service.get(staffed, created.export.id, kind=KIND)
    assert stored == created.export
    assert stored.id.startswith("exp_")
    assert (stored.state, stored.created_by, stored.created_at) == (jobs.QUEUED, "key", NOW)
    assert (stored.team_id, stored.team_key, stored.compression) == (str(north), "team_abc123", "gzip")
    assert (stored.filename, stored.content_type) == ("developer-insights-2026-01-01_2026-01-31.csv", "text/csv")


def test_a_refused_request_changes_nothing(staffed: Project) -> None:
    with pytest.raises(InvalidRequest, match="Invalid orgTreeName"):
        create(staffed, body=body(scope={"orgTreeName": "Nobody"}))
    assert sum(jobs.counts(staffed.home.db).values()) == 0


def test_an_identical_request_is_served_by_the_earlier_export_in_each_state(staffed: Project, clock: Clock) -> None:
    first = create(staffed).export
    later = NOW + timedelta(minutes=5)
    assert create(staffed, later).export.id == first.id
    claim = jobs.claim(staffed.home.db, "worker", NOW, NOW + timedelta(seconds=15))
    assert claim is not None
    assert create(staffed, later).export.id == first.id
    assert jobs.release(staffed.home.db, claim)
    complete(staffed, clock)
    again = create(staffed, later, body={**body(), "options": {"aggregation": "MEAN"}})
    assert (again.reused, again.export.id, again.export.created_at) == (True, first.id, NOW)
    assert create(staffed, later, body=body(metrics=["LOC_Added"])).export.id != first.id


def test_failed_and_cancelled_exports_are_never_reused(staffed: Project, clock: Clock) -> None:
    first = create(staffed).export
    service.cancel(staffed, first.id, kind=KIND, now=NOW)
    second = create(staffed)
    assert not second.reused

    def refuse(*_: Any) -> Any:
        raise InvalidRequest("no")

    assert worker(staffed.home, clock, refuse).run_one()
    assert now_of(staffed, second.export).state == jobs.FAILED
    assert not create(staffed).reused


def test_the_reuse_window_counts_from_creation_and_is_a_setting(staffed: Project, clock: Clock) -> None:
    first = create(staffed).export
    # One still in the queue serves however long it has been there.
    assert create(staffed, NOW + timedelta(hours=2)).export.id == first.id
    clock.forward(minutes=10)
    complete(staffed, clock)
    assert create(staffed, NOW + timedelta(minutes=29, seconds=59)).export.id == first.id
    settings.put(staffed.home.db, staffed.id, {"exports.reuse_minutes": "20"})
    assert create(staffed, NOW + timedelta(minutes=19, seconds=59)).export.id == first.id
    assert not create(staffed, NOW + timedelta(minutes=20)).reused


def test_a_fresh_request_always_makes_a_new_export(staffed: Project) -> None:
    first = create(staffed)
    second = create(staffed, NOW + timedelta(seconds=1), fresh=True)
    assert not second.reused
    assert second.export.id != first.export.id
    assert create(staffed, NOW + timedelta(seconds=2)).export.id == second.export.id


def test_reuse_while_unchanged_asks_whether_newer_data_landed(staffed: Project, clock: Clock) -> None:
    settings.put(staffed.home.db, staffed.id, {"exports.reuse": "unchanged"})
    newer = replace(PINS, tables={"commits": 4})
    first = create(staffed).export
    # Not begun: it will read whatever is newest then.
    assert create(staffed, pin=lambda _project, _tree: newer).export.id == first.id
    complete(staffed, clock)
    assert create(staffed, NOW + timedelta(days=2)).export.id == first.id
    second = create(staffed, pin=lambda _project, _tree: newer)
    assert not second.reused
    assert create(staffed, NOW + timedelta(days=31), fresh=False).export.id != first.id  # its file expired


def test_an_export_whose_file_is_gone_is_not_reused(staffed: Project, clock: Clock) -> None:
    first = create(staffed).export
    complete(staffed, clock)
    service.stored_file(staffed, first.id, kind=KIND, now=NOW).path.unlink()
    with pytest.raises(NotFound, match="expired"):
        service.stored_file(staffed, first.id, kind=KIND, now=NOW)
    assert not create(staffed).reused


def test_another_projects_export_is_not_reused(staffed: Project, tmp_path: Path) -> None:
    other = staffed.home.project("default", "other", create=True)
    load_trees(other, tmp_path)
    first = create(staffed).export
    assert not create(other).reused
    with pytest.raises(NotFound) as theirs:
        service.get(other, first.id)
    with pytest.raises(NotFound) as nobodys:
        service.get(other, "exp_00000000000000000000")
    assert theirs.value.message.replace(first.id, "") == nobodys.value.message.replace("exp_00000000000000000000", "")


def test_identical_requests_at_once_make_one_export(staffed: Project) -> None:
    start = threading.Barrier(12)
    made: list[Created] = []
    errors: list[BaseException] = []

    def go() -> None:
        try:
            start.wait(120)
            made.extend(create(staffed, datetime.now(UTC), body=body(metrics=[name])) for name in METRICS)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=go) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert len(made) == 60
    assert len({created.export.id for created in made}) == 5
    assert len([created for created in made if not created.reused]) == 5


METRICS = ("PR_Merged", "LOC_Added", "LOC_Removed", "Coding_Days", "Work_Completed")


# -- the file ----------------------------------------------------------------------------------------------------------


def test_the_stored_file_of_a_completed_export(staffed: Project, clock: Clock) -> None:
    export = create(staffed, body=body(options={"compression": "none"})).export
    complete(staffed, clock)
    stored = service.stored_file(staffed, export.id, kind=KIND, now=NOW)
    assert stored.size == len(stored.path.read_bytes())
    assert gzip.decompress(stored.path.read_bytes()).decode().startswith("{'tree': 'Engineering'")
    assert (stored.filename, stored.content_type) == ("developer-insights-2026-01-01_2026-01-31.csv", "text/csv")
    assert (stored.gzip, stored.plain, stored.completed_at) == (True, True, NOW)
    with pytest.raises(NotFound):
        service.stored_file(staffed, export.id, kind="efficiency", now=NOW)
    service.stored_file(staffed, export.id, kind=KIND, now=NOW + timedelta(days=29, hours=23))
    with pytest.raises(NotFound, match="expired"):
        service.stored_file(staffed, export.id, kind=KIND, now=NOW + timedelta(days=30))


def test_a_file_that_is_not_ready_is_a_conflict_naming_the_state(staffed: Project) -> None:
    export = create(staffed).export
    with pytest.raises(Conflict, match="is queued"):
        service.stored_file(staffed, export.id, kind=KIND)
    jobs.claim(staffed.home.db, "worker", NOW, NOW + timedelta(seconds=15))
    with pytest.raises(Conflict, match="is processing"):
        service.stored_file(staffed, export.id, kind=KIND)
    service.cancel(staffed, export.id, kind=KIND, now=NOW)
    with pytest.raises(Conflict, match="is cancelled"):
        service.stored_file(staffed, export.id, kind=KIND)


def test_a_finished_export_cannot_be_cancelled(staffed: Project, clock: Clock) -> None:
    export = create(staffed).export
    complete(staffed, clock)
    with pytest.raises(Conflict, match="already completed"):
        service.cancel(staffed, export.id, kind=KIND, now=NOW)
    other = create(staffed, fresh=True).export
    service.cancel(staffed, other.id, kind=KIND, now=NOW)
    with pytest.raises(Conflict, match="already cancelled"):
        service.cancel(staffed, other.id, kind=KIND, now=NOW)
    for unknown in ("exp_1", "a\0b", "\ud800", "x" * 1000, ""):
        with pytest.raises(NotFound):
            service.cancel(staffed, unknown, kind=KIND, now=NOW)


@pytest.mark.parametrize(
    ("start", "end", "name"),
    [
        (date(2024, 1, 1), date(2024, 12, 31), "developer-insights-2024.csv"),
        (date(2024, 1, 1), date(2024, 3, 31), "developer-insights-2024-01-01_2024-03-31.csv"),
        (date(2023, 1, 1), date(2024, 12, 31), "developer-insights-2023-01-01_2024-12-31.csv"),
    ],
)
def test_the_name_tells_level_and_range(start: date, end: date, name: str) -> None:
    assert display_name("developer-insights", start, end, "csv") == name
    team = name.replace("developer", "team").replace(".csv", ".parquet")
    assert display_name("team-insights", start, end, "parquet") == team


# -- lists -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def history(database_project: Project) -> list[Export]:
    """Seven exports, an hour apart, in all states."""
    states = [*jobs.STATES, jobs.COMPLETED, jobs.QUEUED]
    exports = [
        queue(
            database_project,
            state=state,
            created_at=NOW + timedelta(hours=number),
            completed_at=NOW + timedelta(days=1, hours=-number) if state in ("completed", "failed") else None,
            created_by="key1" if number % 2 else "key2",
            team_id="7" if number < 3 else "8",
            team_key="team_seven" if number < 3 else None,
        )
        for number, state in enumerate(states)
    ]
    queue(database_project, kind="efficiency")
    other = database_project.home.project("default", "other", create=True)
    queue(other)
    return exports


def shown(project: Project, **wanted: Any) -> list[str]:
    return [export.id for export in service.listed(project, KIND, ListFilter(**wanted)).exports]


def test_lists_are_newest_first_by_default(database_project: Project, history: list[Export]) -> None:
    page = service.listed(database_project, KIND, ListFilter())
    assert [export.id for export in page.exports] == [export.id for export in reversed(history)]
    assert (page.page, page.limit, page.total) == (0, 50, 7)
    assert shown(database_project, descending=False) == [export.id for export in history]


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ({"status": "queued"}, lambda e: e.state == "queued"),
        ({"team_id": "7"}, lambda e: e.team_id == "7"),
        ({"team_id": "team_seven"}, lambda e: e.team_id == "7"),
        ({"team_id": "nobody"}, lambda _: False),
        ({"team_id": "\0"}, lambda _: False),
        ({"created_by": "\ud800"}, lambda _: False),
        ({"created_by": "key1"}, lambda e: e.created_by == "key1"),
        ({"caller_id": "key2"}, lambda e: e.created_by == "key2"),
        ({"caller_id": "key2", "created_by": "key1"}, lambda _: False),
        ({"created_from": NOW + timedelta(hours=2)}, lambda e: e.created_at >= NOW + timedelta(hours=2)),
        ({"created_before": NOW + timedelta(hours=2)}, lambda e: e.created_at < NOW + timedelta(hours=2)),
        ({"status": "completed", "team_id": "8"}, lambda e: e.state == "completed" and e.team_id == "8"),
    ],
)
def test_filters(database_project: Project, history: list[Export], wanted: Any, kept: Any) -> None:
    expected = [export.id for export in history if kept(export)]
    assert shown(database_project, descending=False, **wanted) == expected
    assert service.listed(database_project, KIND, ListFilter(**wanted, limit=1)).total == len(expected)


def test_created_by_may_be_the_name_of_a_key(database_project: Project) -> None:
    db = database_project.db
    key = keys.create(db, database_project.id, name="nightly", role="viewer", now=NOW)
    export = queue(database_project, created_by=key.id)
    other = ensure_project(db, "default", "other", NOW)
    theirs = keys.create(db, other, name="theirs", role="viewer", now=NOW)
    queue(database_project, created_by=theirs.id)
    assert shown(database_project, created_by="nightly") == [export.id]
    assert shown(database_project, created_by="theirs") == []


def test_sorting(database_project: Project, history: list[Export]) -> None:
    by_state = shown(database_project, sort_by="status", descending=False)
    states = {export.id: export.state for export in history}
    assert [states[export_id] for export_id in by_state] == sorted(states.values())
    assert shown(database_project, sort_by="status") == by_state[::-1]
    finished = sorted((e for e in history if e.completed_at), key=lambda e: e.completed_at or NOW)
    unfinished = [e for e in history if not e.completed_at]
    ascending = shown(database_project, sort_by="completedAt", descending=False)
    assert ascending == [export.id for export in [*finished, *unfinished]]
    descending = shown(database_project, sort_by="completedAt")
    assert descending == [export.id for export in [*reversed(finished), *reversed(unfinished)]]


@pytest.mark.parametrize("sort_by", list(SORTS))
def test_pages_are_complete_and_do_not_overlap(database_project: Project, history: list[Export], sort_by: str) -> None:
    pages = [shown(database_project, limit=3, page=page, sort_by=sort_by) for page in range(4)]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert {export_id for page in pages for export_id in page} == {export.id for export in history}


def test_counts(database_project: Project, history: list[Export]) -> None:
    assert jobs.counts(database_project.db, database_project.id) == {
        "queued": 3,
        "processing": 1,
        "completed": 2,
        "failed": 1,
        "cancelled": 1,
    }
    assert jobs.counts(database_project.db)["queued"] == 4


def test_a_row_reads_back_as_it_was_written(database_project: Project) -> None:
    export = row(database_project, error={"error": "x"}, pinned=PINS.document(), progress=0.25, row_count=2**40)
    with database_project.db.write() as connection:
        jobs.insert(connection, export)
    assert now_of(database_project, export) == export
