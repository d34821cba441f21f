"""When a source is run again, and that a run is made once however many look at it."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leadline.db import sources
from leadline.db.sources import SourceRow
from leadline.errors import NotFound
from leadline.home import Project
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sync.configured import ask_to_run
from leadline.sync.run import SyncRun
from leadline.sync.schedule import due, run_if_due
from leadline.sync.source import SourceResult
from leadline.sync.timing import next_run, run_lock, under_way
from stubs.git_history import History

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROW = SourceRow(1, "one", "git", {"targets": [], "every": 3600}, True, NOW, None, None, None, None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, NOW),  # never run: at once
        ({"configured": False}, None),
        ({"settings": {"every": 0}}, None),
        ({"started_at": NOW, "finished_at": NOW + HOUR / 2}, NOW + HOUR),  # counted from its beginning
        ({"started_at": NOW, "finished_at": NOW + 3 * HOUR}, NOW + HOUR),  # longer than its span: at once
        ({"started_at": NOW}, NOW + timedelta(minutes=1)),  # at work, or killed
        ({"started_at": NOW, "finished_at": NOW - HOUR}, NOW + timedelta(minutes=1)),
        ({"requested_at": NOW + HOUR}, NOW + HOUR),
        ({"requested_at": NOW + HOUR / 2, "started_at": NOW, "finished_at": NOW + HOUR / 4}, NOW + HOUR / 2),
        ({"requested_at": NOW, "settings": {"every": 0}}, NOW),  # also what only runs when asked
        ({"requested_at": NOW - HOUR, "started_at": NOW, "finished_at": NOW}, NOW + HOUR),  # it has begun since
        ({"requested_at": NOW, "configured": False}, None),
    ],
)
def test_the_next_run(changes: dict[str, object], expected: datetime | None) -> None:
    assert next_run(replace(ROW, **changes)) == expected  # type: ignore[arg-type]


def test_a_run_is_under_way_until_it_has_ended() -> None:
    assert not under_way(ROW)
    assert under_way(replace(ROW, started_at=NOW))
    assert under_way(replace(ROW, started_at=NOW, finished_at=NOW - HOUR))
    assert not under_way(replace(ROW, started_at=NOW, finished_at=NOW))


class Scheduled:
    """A project with a git source, at an hour that the test sets."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.now = project, NOW
        self.history = History(folder)
        self.history.commit("one", {"a": "1\n"})
        (self.settings,) = checked(SourceSettings("git", targets=(str(folder),)))
        self.name = self.settings.name
        sources.add(project.db, project.id, self.name, "git", self.settings.stored(), NOW)

    def pull(self) -> SyncRun:
        return SyncRun(self.project, now=lambda: self.now)

    def due(self) -> list[str]:
        return [row.name for row in due(self.project, self.now)]

    def run(self) -> SourceResult | None:
        return run_if_due(self.pull(), self.name, environ={})

    def commits(self) -> int:
        return self.project.lake.snapshot().row_counts().get("commits", 0)


@pytest.fixture
def scheduled(database_project: Project, tmp_path: Path) -> Scheduled:
    return Scheduled(database_project, tmp_path / "acme" / "shop")


def test_a_run_that_is_asked_for_is_made_once(scheduled: Scheduled) -> None:
    scheduled.run()
    assert scheduled.due() == []
    scheduled.now += HOUR / 4
    row = sources.get(scheduled.project.db, scheduled.project.id, scheduled.name)
    ask_to_run(scheduled.project, row, scheduled.now)
    assert scheduled.due() == [scheduled.name]
    scheduled.now += HOUR / 8
    assert scheduled.run() is not None
    assert scheduled.due() == []
    assert scheduled.run() is None


def test_what_is_being_run_is_not_asked_for_again(scheduled: Scheduled) -> None:
    project, name = scheduled.project, scheduled.name
    with project.lock(run_lock(name)) as lease:
        sources.started(project.db, project.id, name, "git", {}, NOW, under=lease)
        ask_to_run(project, sources.get(project.db, project.id, name), NOW + HOUR / 4)
    assert sources.get(project.db, project.id, name).requested_at is None
    ask_to_run(project, sources.get(project.db, project.id, name), NOW + HOUR / 4)  # it was killed
    assert sources.get(project.db, project.id, name).requested_at == NOW + HOUR / 4


def test_run_when_due_and_not_before(scheduled: Scheduled) -> None:
    assert scheduled.due() == [scheduled.name]
    done = scheduled.run()
    assert done is not None
    assert (done.error, scheduled.commits(), scheduled.due()) == (None, 1, [])
    assert scheduled.run() is None
    scheduled.history.commit("two", {"a": "2\n"})
    scheduled.now += HOUR
    assert scheduled.due() == [scheduled.name]
    assert scheduled.run() is not None
    assert scheduled.commits() == 2


def test_what_somebody_runs_is_left_alone(scheduled: Scheduled) -> None:
    with scheduled.project.lock(run_lock(scheduled.name)):
        assert scheduled.due() == []
        assert scheduled.run() is None
    assert scheduled.commits() == 0
    assert scheduled.due() == [scheduled.name]


def test_a_killed_run_is_taken_up_again(scheduled: Scheduled) -> None:
    project = scheduled.project
    with project.lock(run_lock(scheduled.name)) as lease:
        sources.started(project.db, project.id, scheduled.name, "git", {}, NOW, under=lease)
    assert scheduled.due() == []
    scheduled.now += timedelta(minutes=1)
    assert scheduled.due() == [scheduled.name]
    assert scheduled.run() is not None


def test_many_at_once_run_it_once(scheduled: Scheduled) -> None:
    ran = []
    threads = [threading.Thread(target=lambda: ran.append(scheduled.run())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(ran) == 4
    assert sum(each is not None for each in ran) == 1


def test_a_removed_source_is_not_run(scheduled: Scheduled) -> None:
    sources.remove(scheduled.project.db, scheduled.project.id, scheduled.name)
    assert scheduled.due() == []
    with pytest.raises(NotFound):
        scheduled.run()


def test_a_source_that_fails_is_run_again_by_its_schedule(scheduled: Scheduled) -> None:
    scheduled.history.folder.rename(scheduled.history.folder.parent / "gone")
    done = scheduled.run()
    assert done is not None
    assert done.error is not None
    (row,) = sources.listed(scheduled.project.db, scheduled.project.id)
    assert (row.succeeded_at, (row.outcome or {})["state"]) == (None, "failed")
    assert scheduled.due() == []
    scheduled.now += HOUR
    assert scheduled.due() == [scheduled.name]


def test_a_source_that_this_version_cannot_read_fails_and_waits_for_its_turn(scheduled: Scheduled) -> None:
    project = scheduled.project
    sources.remove(project.db, project.id, scheduled.name)
    sources.add(project.db, project.id, scheduled.name, "gopher", {"targets": [], "every": 3600}, NOW)
    done = scheduled.run()
    assert done is not None
    assert done.error is not None
    assert "gopher" in done.error.message
    assert scheduled.due() == []


def test_a_mistake_of_ours_is_told_and_waits_for_its_turn(
    scheduled: Scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(SyncRun, "run", mistaken)
    with pytest.raises(KeyError):
        scheduled.run()
    (row,) = sources.listed(scheduled.project.db, scheduled.project.id)
    assert not under_way(row)
    assert (row.outcome or {})["error"]["error"] == "leadline itself failed (KeyError); its log says where"
    assert scheduled.due() == []
