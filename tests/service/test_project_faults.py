"""A fault of one project stays there: whatever is done for all projects of a home is done for the others all the same."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.serving import Client, eventually, make_keys, put, serving
from exports.conftest import queue
from leadline.api.log import configure
from leadline.cli.serve import how_to_begin
from leadline.db import inbox, jobs, models, sources
from leadline.db.inbox import Delivery
from leadline.diagnostics.integrity import findings
from leadline.diagnostics.status import status, unreadable
from leadline.errors import StoreError
from leadline.exports.cleaning import clean
from leadline.exports.maintenance import MANY_SMALL_FILES, maintain
from leadline.exports.worker import Worker
from leadline.home import Home, Project
from leadline.ingest.pushed import deliver_pushed
from leadline.lake import Lake
from leadline.project_faults import ProjectFaults
from leadline.service.scheduler import Scheduler

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime.now(UTC)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


# -- kinds of damage ---------------------------------------------------------------------------------------------------


def torn_log_entry(project: Project) -> None:
    newest = project.lake.version("incidents")
    assert newest is not None
    (Path(project.lake.storage.location("incidents")) / "_delta_log" / f"{newest + 1:020d}.json").write_text('{"torn')


def missing_data_file(project: Project) -> None:
    for file in Path(project.lake.storage.location("incidents")).glob("*.parquet"):
        file.unlink()


def unreadable_folder(project: Project) -> None:
    """What the system refuses to list; permissions would not stop an administrator."""
    shutil.rmtree(Path(project.lake.storage.location("incidents")))
    Path(project.lake.storage.location("incidents")).symlink_to(Path(project.lake.storage.location("incidents")))


def bad_setting(project: Project) -> None:
    row = {"project_id": project.id, "tree": "", "key": "exports.keep_days", "value": "for ever"}
    with project.db.write() as connection:
        connection.execute(models.settings.insert(), row)


def bad_source(project: Project) -> None:
    with project.db.write() as connection:
        connection.execute(models.sources.update().where(models.sources.c.project_id == project.id), {"settings": [1]})
        connection.execute(models.sources.update().where(models.sources.c.project_id == project.id), {"outcome": "?"})


def bad_pins(project: Project) -> None:
    queue(project, state=jobs.PROCESSING, pinned={"no": "pins"}, lease_until=NOW + timedelta(days=1))


DAMAGES = [torn_log_entry, missing_data_file, unreadable_folder, bad_setting, bad_source, bad_pins]

# -- what is done for all projects -------------------------------------------------------------------------------------


def worker_until(home: Home, done: Callable[[], bool]) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=Worker(home, name="the worker").run, args=(stop,))
    thread.start()
    try:
        eventually(done)
    finally:
        stop.set()
        thread.join(60)


def rows_are_delivered(home: Home, healthy: Project) -> None:
    worker_until(home, lambda: inbox.newest(home.db, healthy.id) is None)
    assert Lake(healthy.lake.storage).snapshot().row_counts()["incidents"] == MANY_SMALL_FILES + 1


def exports_are_made(home: Home, healthy: Project) -> None:
    worker_until(home, lambda: jobs.counts(home.db, healthy.id)[jobs.FAILED] == 1)  # its org tree is not there


def files_are_cleaned(home: Home, healthy: Project) -> None:
    old = healthy.folder / "exports" / "exp_old.csv.gz"
    clean(home, NOW + timedelta(days=1))
    assert not old.exists()


def tables_are_looked_after(home: Home, healthy: Project) -> None:
    list(maintain(home, NOW))
    assert len(Lake(healthy.lake.storage).snapshot().files("incidents")) == 1


def sources_are_scheduled(home: Home, healthy: Project) -> None:
    assert (healthy.organization, healthy.name, "hourly") in Scheduler(home, 2).due()


def the_server_is_ready(home: Home, healthy: Project) -> None:
    with serving(home, workers=0) as running:
        answer = Client(running.base).get("/readyz")
        assert answer.status == 200, answer.body


def figures_are_told(home: Home, healthy: Project) -> None:
    with serving(home, workers=0) as running:
        answer = Client(running.base).get("/metrics")
        assert answer.status == 200, answer.body
        rows = next(
            line for line in answer.body.decode().splitlines() if 'leadline_table_rows{table="incidents"}' in line
        )
        assert float(rows.split()[-1]) >= MANY_SMALL_FILES


def others_are_checked(home: Home, healthy: Project) -> None:
    missing_data_file(healthy)
    assert any(finding.startswith("project default/zzz: ") for finding in findings(home))


def a_server_starts(home: Home, healthy: Project) -> None:
    assert how_to_begin(home)


def reports_and_pushes_are_taken(home: Home, healthy: Project) -> None:
    with serving(home, workers=0) as running:
        for project, statuses in ((home.project("default", "aaa"), (200, 202, 400, 503)), (healthy, (202, 400))):
            client = Client(running.base, make_keys(project)["admin"])
            dates = {"start": "2026-01-01", "end": "2026-01-31"}
            row = '[{"incident_id": "p", "created_at": "2026-03-01"}]'
            pushed = client.send("POST", "/v2/ingest/incidents", headers={"Content-Type": "application/json"}, body=row)
            report = client.send(
                "POST", "/v2/insights/teams/reports", body={"scope": {"orgTreeName": "None"}, "dateRange": dates}
            )
            assert pushed.status in statuses, pushed.body
            assert report.status in statuses, report.body


LOOPS = [
    rows_are_delivered,
    exports_are_made,
    files_are_cleaned,
    tables_are_looked_after,
    sources_are_scheduled,
    the_server_is_ready,
    figures_are_told,
    others_are_checked,
    a_server_starts,
    reports_and_pushes_are_taken,
]


def filled(project: Project) -> None:
    """Something of everything that is done for all projects."""
    for number in range(MANY_SMALL_FILES):
        put(project, incidents=[{"incident_id": f"i{number}", "created_at": NOW}])
    row = '{"incident_id": "pushed", "created_at": "2026-03-01T00:00:00Z"}'
    inbox.add(project.db, [Delivery(project.id, "incidents", 1, row)], LONG_AGO)
    sources.add(project.db, project.id, "hourly", "git", {"every": 3600}, LONG_AGO)
    queue(project)
    old: Path = project.folder / "exports" / "exp_old.csv.gz"
    old.parent.mkdir(parents=True, exist_ok=True)
    old.touch()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A home with two projects that have something of everything, to copy."""
    folder = tmp_path_factory.mktemp("template") / "home"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "leadline.db")
    with Home.open(folder) as home:
        for name in ("aaa", "zzz"):
            filled(home.project("default", name, create=True))
    return folder


@pytest.fixture
def home(tmp_path: Path, template: Path) -> Iterator[Home]:
    shutil.copytree(template, tmp_path / "home")
    with Home.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture(autouse=True)
def log() -> io.StringIO:
    stream = io.StringIO()
    configure("json", stream)
    return stream


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_fault_of_one_project_stops_nothing_of_another(
    home: Home, damage: Callable[[Project], None], loop: Callable[[Home, Project], None]
) -> None:
    damage(home.project("default", "aaa"))
    loop(home, home.project("default", "zzz"))


def test_a_fault_is_told_once_with_project_table_and_what_would_do(home: Home, log: io.StringIO) -> None:
    broken, healthy = (home.project("default", name) for name in ("aaa", "zzz"))
    torn_log_entry(broken)
    clock = Clock()
    faults = ProjectFaults("Delivering the pushed rows", clock=clock)

    def deliver() -> int:
        tried = [project for project in (broken, healthy) if not faults.resting(project.id)]
        for project in tried:
            with faults.kept_apart(project):
                deliver_pushed(project)
        return len(tried)

    assert deliver() == 2
    (told,) = [line for line in log.getvalue().splitlines() if "error" in line]
    for part in (
        "Delivering the pushed rows of project default/aaa",
        "Table incidents",
        "--project aaa status --check",
    ):
        assert part in told
    assert "Traceback" not in told
    tries = 0
    for _ in range(3600):
        clock.seconds += 1
        tries += deliver() - 1
    assert 12 <= tries <= 24, "after 5, 10, 20, … and then every 300 seconds"
    assert len([line for line in log.getvalue().splitlines() if "error" in line]) == 1
    clock.seconds += 86_400
    deliver()
    assert len([line for line in log.getvalue().splitlines() if "error" in line]) == 2, "again after long"

    newest = max((Path(broken.lake.storage.location("incidents")) / "_delta_log").iterdir())
    newest.unlink()
    clock.seconds += 300
    deliver()
    assert "is well again" in log.getvalue()
    assert inbox.newest(home.db, broken.id) is None


def test_a_lock_of_one_project_keeps_no_other_waiting(home: Home) -> None:
    """Whoever holds it may stand still for long."""
    with home.project("default", "aaa").lock("inbox"):
        rows_are_delivered(home, home.project("default", "zzz"))


def test_a_broken_table_keeps_only_its_own_rows_waiting(home: Home) -> None:
    broken = home.project("default", "aaa")
    torn_log_entry(broken)
    row = '{"repository": "org/app", "tag": "v1", "published_at": "2026-03-01T00:00:00Z"}'
    inbox.add(home.db, [Delivery(broken.id, "releases", 1, row)], LONG_AGO)
    with pytest.raises(StoreError, match="incidents"):
        deliver_pushed(broken)
    assert [waiting.table for waiting in inbox.waiting(home.db, broken.id)] == ["incidents"]
    assert Lake(broken.lake.storage).snapshot({"releases": 1}).row_counts() == {"releases": 1}


def test_what_can_be_read_of_a_damaged_project_is_shown(home: Home) -> None:
    broken = home.project("default", "aaa")
    torn_log_entry(broken)
    bad_source(broken)
    state = status(broken)
    assert state.exports is not None
    reasons = " ".join(unreadable(state))
    assert "Table incidents" in reasons
    assert "source 'hourly'" in reasons
    assert state.inbox.error is not None
