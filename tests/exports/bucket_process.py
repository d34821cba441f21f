"""What the test of troubled buckets kills: a process that takes rows, of files and pushed ones, exports, writes facts and backs up,
again and again. It says the name of each row once it was acknowledged.

``python -m exports.bucket_process HOME NAME``"""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leadline.administration.backup import back_up
from leadline.engine import Engine
from leadline.exports import service
from leadline.exports.worker import Worker
from leadline.facts.write import write
from leadline.formats.json_lines import parsed_document
from leadline.home import Home, Project
from leadline.ingest.inbox import Push, accept
from leadline.ingest.pushed import deliver_pushed
from leadline.ingest.validation import RowValidator
from leadline.schema import TABLES
from metrics.world import deliver

BODY = {
    "scope": {"orgTreeName": "Engineering"},
    "dateRange": {"start": "2026-01-01", "end": "2026-01-31"},
    "metrics": ["LOC_Added", "PR_Merged"],
}
LATER = datetime(2031, 1, 1, tzinfo=UTC)


def say(what: str, name: str) -> None:
    """To the process that kills this one."""
    sys.stdout.write(f"{what} {name}\n")
    sys.stdout.flush()


def export(worker: Worker, project: Project) -> str:
    """Ask for the export, which is the same whatever rows come, and let the worker make it; its id."""
    now = datetime.now(UTC)
    created = service.create(project, BODY, kind="productivity", created_by="key", now=now, fresh=True)
    say("export", created.export.id)
    worker.run_one()
    return created.export.id


def new_worker(project: Project) -> Worker:
    """One that is given up soon after it was killed."""
    return Worker(project.home, lease=timedelta(seconds=2))


def turn(worker: Worker, project: Project, judge: RowValidator, name: str) -> None:
    """Everything once."""
    deliver(project, "releases", [{"repository": "acme/app", "tag": name, "published_at": LATER}])
    say("releases", name)
    row = parsed_document(f'[{{"incident_id": "{name}", "created_at": "2031-01-01T00:00:00Z"}}]')
    accept(project.db, judge, [Push(project.id, TABLES["incidents"], row)], datetime.now(UTC))
    say("incidents", name)
    deliver_pushed(project)
    export(worker, project)
    write(project, "pull-requests", project.temp / f"{name}.csv")
    back_up(project.home, io.BytesIO(), gzip=False, now=datetime.now(UTC))
    say("turn", name)


def main() -> None:
    with Home.open(Path(sys.argv[1])) as home, Engine(temp_dir=home.temp) as engine:
        project, judge = home.project(), RowValidator(engine)
        worker = new_worker(project)
        say("ready", ".")
        for number in range(1000):
            turn(worker, project, judge, f"{sys.argv[2]}-{number}")


if __name__ == "__main__":
    main()
