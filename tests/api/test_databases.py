"""The API on either metadata database: the same life of an export, the same figures, the same refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.serving import BODY, EXPORTS, Client, fill, serving
from leadline.db import Database, cursors, jobs, monitoring
from leadline.db.jobs import Export
from leadline.db.models import exports
from leadline.home import Home
from leadline.metrics.request import Control, MetricsRequest, Pins, Produced

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def write_little(_: object, __: MetricsRequest, ___: Pins, path: Path, ____: Control) -> Produced:
    """What is in the file does not matter here."""
    path.write_bytes(b"little")
    return Produced(0)


def test_the_life_of_an_export(database_home: Home, tmp_path: Path) -> None:
    fill(database_home.project(), tmp_path)
    with serving(database_home, produce=write_little) as running:
        client = running.client
        export = client.completed()
        assert client.create().json["exportId"] == export, "reused"
        assert client.get(f"{EXPORTS}/{export}/download").body == b"little"
        assert (
            client.get(f"{EXPORTS}?scope=mine&status=completed&sortBy=completedAt&dateFrom=2026-01-01").json["total"]
            == 1
        )
        assert client.get(f"{EXPORTS}?dateTo=9999-12-31&page=1000000").json["exports"] == []
        assert client.send("DELETE", f"{EXPORTS}/{export}").status == 409
        assert Client(running.base).get("/readyz").status == 200
        text = Client(running.base).get("/metrics").body.decode()
        assert 'leadline_exports{state="completed"} 1.0' in text


@pytest.mark.parametrize(
    "path", [f"{EXPORTS}/%00", f"{EXPORTS}?teamId=%00", f"{EXPORTS}?createdBy=a%00b", f"/%00{EXPORTS}"]
)
def test_no_odd_text_reaches_the_database(database_home: Home, path: str) -> None:
    with serving(database_home, workers=0) as running:
        assert running.client.get(path).status in (400, 404)
        odd = {**BODY, "scope": {"orgTreeName": "a\0b"}}
        assert running.client.create(odd).status == 400
        assert running.client.create('{"scope": {"orgTreeName": "\\ud800"}, "dateRange": {}}').status == 400
        assert running.client.send("GET", EXPORTS, headers={"SEI_API_KEY": "ll_\x7f"}).status == 401


def stored(database: Database, project_id: int, number: int, state: str, seconds: float | None) -> None:
    """An export created ``number`` minutes after ``NOW`` that took ``seconds``."""
    created = NOW + timedelta(minutes=number)
    export = Export(
        id=f"exp_{number}",
        project_id=project_id,
        kind="productivity",
        state=state,
        request={},
        request_hash=str(number),
        compression="gzip",
        team_id=None,
        team_key=None,
        created_by="key",
        created_at=created,
        completed_at=None if seconds is None else created + timedelta(seconds=seconds),
    )
    with database.write() as connection:
        jobs.insert(connection, export)


def test_figures_of_exports(database: Database, project_id: int) -> None:
    assert monitoring.finished_since(database, None) == []
    assert monitoring.oldest_queued(database) is None
    stored(database, project_id, 1, "completed", 2.5)
    stored(database, project_id, 2, "queued", None)
    stored(database, project_id, 3, "queued", None)
    stored(database, project_id, 4, "failed", 0)
    every = {export.id: (export.state, export.seconds) for export in monitoring.finished_since(database, None)}
    assert every == {"exp_1": ("completed", 2.5), "exp_4": ("failed", 0.0)}
    later = monitoring.finished_since(database, NOW + timedelta(minutes=4))
    assert [export.id for export in later] == ["exp_4"], "from that instant on, itself included"
    assert monitoring.oldest_queued(database) == NOW + timedelta(minutes=2)
    with database.write() as connection:
        connection.execute(sa.delete(exports).where(exports.c.state == "queued"))
    assert monitoring.oldest_queued(database) is None


def test_the_source_furthest_behind_is_reported(database: Database, project_id: int) -> None:
    assert monitoring.last_synced(database) == {}
    for minute, name in enumerate(("org/b", "org/a")):
        cursors.put(database, project_id, "git", name, {}, NOW + timedelta(minutes=minute))
    assert monitoring.last_synced(database) == {"git": NOW}
