"""What cleaning removes and what it leaves."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from leadline.db import jobs
from leadline.db.trees import document
from leadline.errors import NotFound
from leadline.exports import service
from leadline.exports.cleaning import clean
from leadline.home import Project
from leadline.metrics.request import Pins
from leadline.people import BEGINNING, load_org, trees

from .conftest import NOW, Clock, files_below, now_of, queue, worker


def age(path: Path, hours: float) -> None:
    instant = (NOW - timedelta(hours=hours)).timestamp()
    os.utime(path, (instant, instant))


def put(path: Path, hours: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    age(path, hours)


def test_expired_files_go_and_their_rows_stay(database_project: Project, clock: Clock) -> None:
    old = queue(database_project)
    assert worker(database_project.home, clock).run_one()
    clock.forward(days=1)
    young = queue(database_project)
    assert worker(database_project.home, clock).run_one()

    assert clean(database_project.home, NOW + timedelta(days=29)) == 0
    assert clean(database_project.home, NOW + timedelta(days=30)) == 1
    assert files_below(database_project) == [f"{young.id}.csv.gz"]
    kept = now_of(database_project, old)
    assert (kept.state, kept.file, kept.row_count) == (jobs.COMPLETED, None, 1)
    assert kept.expired(NOW)
    with pytest.raises(NotFound, match="expired"):
        service.stored_file(database_project, old.id, kind="productivity", now=NOW)
    assert clean(database_project.home, NOW + timedelta(days=30)) == 0


def test_only_what_nobody_needs_is_taken_for_left_behind(database_project: Project, clock: Clock) -> None:
    done = queue(database_project)
    assert worker(database_project.home, clock).run_one()
    running = queue(database_project)
    claim = jobs.claim(database_project.db, "worker", NOW, NOW + timedelta(days=1))
    assert claim is not None
    folder = database_project.folder / "exports"
    age(folder / f"{done.id}.csv.gz", 48)
    put(folder / "exp_orphan.csv.gz", 2)
    put(folder / "exp_young.csv.gz", 0.5)
    works = {
        name: folder / ".work" / name for name in (f"{running.id}-1", f"{running.id}-0", "exp_gone-1", "exp_new-1")
    }
    for name, work in works.items():
        put(work / "half", 2)
        age(work, 0.5 if name == "exp_new-1" else 2)

    assert clean(database_project.home, NOW) == 3
    assert set(files_below(database_project)) == {
        f".work/{running.id}-1/half",
        ".work/exp_new-1/half",
        "exp_young.csv.gz",
        f"{done.id}.csv.gz",
    }


def test_every_project_is_cleaned_by_any_number_at_once(database_project: Project) -> None:
    other = database_project.home.project("default", "other", create=True)
    for project in (database_project, other):
        for number in range(20):
            put(project.folder / "exports" / f"exp_{number}.csv.gz", 2)
    threads = [threading.Thread(target=clean, args=(database_project.home, NOW)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert files_below(database_project) == files_below(other) == []


def test_a_worker_cleans_by_itself(project: Project, clock: Clock) -> None:
    orphan = project.folder / "exports" / "exp_orphan.csv.gz"
    put(orphan, 2)
    stop = threading.Event()
    thread = threading.Thread(target=worker(project.home, clock).run, args=(stop,))
    thread.start()
    for _ in range(200):
        if not orphan.exists():
            break
        threading.Event().wait(0.02)
    stop.set()
    thread.join(10)
    assert not orphan.exists()


def test_org_trees_replaced_long_ago_go_unless_an_unfinished_export_reads_them(
    database_project: Project, tmp_path: Path
) -> None:
    db, file = database_project.db, tmp_path / "people.csv"
    for day, team in enumerate("abcd"):
        people = f"ada@example.com,Ada,,{team}\nben@example.com,Ben,ada@example.com,{team}\n"
        file.write_text(f"email,full_name,manager_email,team\n{people}")
        load_org(database_project, file, "Engineering", now=NOW + timedelta(days=day), since=BEGINNING)
    pins = Pins({}, {"Engineering": 2, "Another": 1}, "1", {}).document()
    running = queue(database_project, pinned=pins)

    (tree,) = trees(database_project)

    def versions_kept() -> list[int]:
        return [version for version in range(1, 6) if document(db, tree.id, version) is not None]

    clean(database_project.home, NOW + timedelta(days=2, hours=1))
    assert versions_kept() == [2, 3, 4]  # 2 replaced 1 on day 1, more than a day ago; 3 replaced 2 an hour ago
    clean(database_project.home, NOW + timedelta(days=90))
    assert versions_kept() == [2, 4]
    assert jobs.cancel(db, database_project.id, running.id, "productivity", NOW)
    clean(database_project.home, NOW + timedelta(days=90))
    assert versions_kept() == [4]
    assert trees(database_project)[0].version == 4
