"""A home that is used for long stays as small and as fast as its rows: single pushes, repeated imports and versions do not
add up to files without end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from leadline.db import inbox as stored
from leadline.engine import Engine
from leadline.home import Project
from leadline.ingest.importing import import_paths
from leadline.ingest.inbox import Push, accept, due
from leadline.ingest.pushed import deliver_pushed
from leadline.ingest.validation import RowValidator
from leadline.lake import Lake
from leadline.lake.storage import LOG
from leadline.schema import TABLES

INCIDENTS = TABLES["incidents"]
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def files(lake: Lake) -> int:
    return len(lake.newest([INCIDENTS.name]).files(INCIDENTS.name))


def log_entries(lake: Lake) -> list[Path]:
    return [path for path in (Path(lake.storage.location(INCIDENTS.name)) / LOG).iterdir() if path.suffix == ".json"]


def incident(number: int) -> dict[str, Any]:
    return {"incident_id": f"I-{number}", "service": "shop", "created_at": "2026-03-01T00:00:00Z"}


def test_single_pushes_make_versions_by_the_minute_and_not_by_the_row(project: Project) -> None:
    """A row a second for five minutes, looked after every second as a worker does when nobody asks for the rows."""
    with Engine(temp_dir=project.temp) as engine:
        validator = RowValidator(engine)
        for second in range(300):
            now = BEGIN + timedelta(seconds=second)
            accept(project.db, validator, [Push(project.id, INCIDENTS, [incident(second)])], now)
            if project.id in due(project.db, now):
                deliver_pushed(project)
    deliver_pushed(project)
    assert project.lake.snapshot().row_counts() == {"incidents": 300}
    assert stored.newest(project.db, project.id) is None
    minutes = 300 / 60
    assert files(project.lake) <= minutes + 1
    assert len(log_entries(project.lake)) <= minutes + 2


def test_an_import_again_adds_nothing(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "incidents.csv"
    path.write_text("incident_id,service,created_at\n" + "".join(f"I-{n},s,2026-03-01T00:00:00Z\n" for n in range(50)))
    assert import_paths(project, [path]).files[0].added == 50
    before = sorted(Path(project.lake.where).rglob("*"))
    for _ in range(30):
        assert import_paths(project, [path]).files[0].unchanged == 50
    assert sorted(Path(project.lake.where).rglob("*")) == before
    assert list(project.temp.iterdir()) == []
