"""Sources and their runs as rows, and cursors stored many at once, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leadline.db import Database, cursors, monitoring, sources
from leadline.errors import Conflict, NotFound

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = {"targets": ["acme/*"], "every": 3600, "secret": {"env": "GITHUB_TOKEN"}}


def test_from_the_first_run_to_removal(database: Database, project_id: int) -> None:
    with database.lock("run") as lease:
        sources.started(database, project_id, "github:acme", "github", SETTINGS, NOW, under=lease)
    (row,) = sources.listed(database, project_id)
    assert (row.configured, row.started_at, row.finished_at, row.outcome) == (False, NOW, None, None)
    assert sources.listed(database, project_id, configured=True) == []
    with pytest.raises(NotFound):
        sources.get(database, project_id, "github:acme")

    sources.add(database, project_id, "github:acme", "github", SETTINGS, NOW)
    with pytest.raises(Conflict, match="already"):
        sources.add(database, project_id, "github:acme", "github", SETTINGS, NOW)
    later = NOW + timedelta(hours=1)
    ended = later + timedelta(hours=1)
    with database.lock("run") as lease:
        sources.finished(database, project_id, "github:acme", {"state": "done"}, later, good=True, under=lease)
        sources.started(database, project_id, "github:acme", "github", {}, later, under=lease)
        sources.finished(database, project_id, "github:acme", {"state": "failed"}, ended, good=False, under=lease)
    row = sources.get(database, project_id, "github:acme")
    assert (row.settings, row.succeeded_at, row.outcome) == (SETTINGS, later, {"state": "failed"})
    assert monitoring.last_synced(database) == {"github": later}

    sources.remove(database, project_id, "github:acme")
    with pytest.raises(NotFound):
        sources.remove(database, project_id, "github:acme")


def test_several_are_added_or_none(database: Database, project_id: int) -> None:
    sources.add(database, project_id, "b", "github", SETTINGS, NOW)
    with pytest.raises(Conflict, match="'b' already"):
        sources.add_all(database, project_id, {"a": ("github", SETTINGS), "b": ("github", SETTINGS)}, NOW)
    assert [row.name for row in sources.listed(database, project_id)] == ["b"]
    (row,) = sources.listed(database, project_id)
    assert sources.numbered(database, project_id, row.id) == row
    with pytest.raises(NotFound):
        sources.numbered(database, project_id + 1, row.id)
    with pytest.raises(NotFound):
        sources.request_run(database, project_id, "a", NOW)


def test_cursors_stored_many_at_once(database: Database, project_id: int) -> None:
    cursors.put_all(database, project_id, "github", {"a": {"n": 1}, "b": {"n": 2}}, NOW)
    cursors.put(database, project_id, "git", "a", {"n": 9}, NOW)
    cursors.put_all(database, project_id, "github", {"a": {"n": 3}, "b": None, "c": None, "d": {}}, NOW)
    cursors.put_all(database, project_id, "github", {}, NOW)
    assert cursors.of_source(database, project_id, "github") == {"a": {"n": 3}, "d": {}}
    assert cursors.of_source(database, project_id, "git") == {"a": {"n": 9}}


def test_a_tools_cursors_say_nothing_of_its_lag(database: Database, project_id: int) -> None:
    cursors.put(database, project_id, "github", "old", {}, NOW - timedelta(days=300))
    cursors.put(database, project_id, "git", "acme/shop", {}, NOW)
    with database.lock("run") as lease:
        sources.started(database, project_id, "one", "github", SETTINGS, NOW, under=lease)
        sources.finished(database, project_id, "one", {}, NOW, good=True, under=lease)
    assert monitoring.last_synced(database) == {"github": NOW, "git": NOW}
