"""Removes the files of expired exports, what dead workers left behind, org trees that were replaced long ago, and what a machine
still has of people who were forgotten.

Safe in any number of processes at once: a row forgets its file before the file is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from leadline.db import forgotten, jobs, trees
from leadline.exports.files import FOLDER, attempt_of, drop, work_root
from leadline.exports.insights.kept import stored_in
from leadline.home import Home, Project
from leadline.lake.storage import Storage
from leadline.materialize.folders import delete
from leadline.materialize.incremental import RECORD
from leadline.materialize.published import PublishedTables
from leadline.metrics.request import Pins
from leadline.project_faults import ProjectFaults
from leadline.schema import TABLES

GRACE = timedelta(hours=1)
_COPIES_SOUGHT = timedelta(days=2)
"""For how long after somebody was forgotten machines look for copies of what named them."""
TREES_KEPT = timedelta(days=1)
"""How long a version of an org tree is kept that another has replaced; what unfinished exports are pinned to stays."""


def clean(home: Home, now: datetime, faults: ProjectFaults | None = None) -> int:
    """Clean every project of ``home``; returns how many files and folders were removed."""
    faults, removed = faults or ProjectFaults("Cleaning the exports"), 0
    for project in home.projects():
        with faults.kept_apart(project):
            removed += clean_project(project, now)
    return removed


def clean_project(project: Project, now: datetime) -> int:
    """Clean one project; returns how many files and folders were removed."""
    db = project.db
    _prune_trees(project, now)
    storage = project.files
    expired = jobs.expire(db, project.id, now)
    # The files are read before the rows: one that a row names by then stays.
    there = [f"{FOLDER}/{name}" for name in storage.names(FOLDER)]
    named = jobs.files(db, project.id)
    orphans = [name for name in there if name not in named and _is_old(storage, name, now)]
    for name in {*expired, *orphans}:
        drop(storage, name)
    storage.forget(FOLDER, (now - GRACE).timestamp())
    abandoned = [*_abandoned(project, now), *_of_the_forgotten(project, now)]
    for path in abandoned:
        delete(path)
    return len({*expired, *orphans}) + len(abandoned)


def _prune_trees(project: Project, now: datetime) -> None:
    needed: dict[str, set[int]] = {}
    for pinned in jobs.pinned(project.db, project.id):
        for name, version in Pins.of(pinned).trees.items():
            needed.setdefault(name, set()).add(version)
    trees.prune(project.db, project.id, now - TREES_KEPT, needed)


def _abandoned(project: Project, now: datetime) -> list[Path]:
    """Work folders of attempts that nobody is at any more."""
    folders = {path: attempt_of(path) for path in _older(work_root(project.folder), now)}
    running = jobs.processing(project.db, [attempt[0] for attempt in folders.values() if attempt is not None])
    return [path for path, attempt in folders.items() if attempt not in running]


def _of_the_forgotten(project: Project, now: datetime) -> list[Path]:
    """Tables and answers that this machine computed before somebody was forgotten, which another machine did: it deletes its own.
    Copies of files of the lake that went by that go, too."""
    moment = forgotten.last(project.db, project.id)
    if moment is None or PublishedTables.of(project) is None:
        return []
    if now < moment + _COPIES_SOUGHT:
        for name, table in TABLES.items():
            if table.personal:
                project.lake.storage.forget(name, (now - GRACE).timestamp())
    # What was computed meanwhile may follow from rows of before.
    settled = (moment + GRACE).timestamp()
    tables = (folder for folder in _older(project.computed, now) if _written(folder / RECORD) < settled)
    return [*tables, *(file for file in _older(stored_in(project), now) if _written(file) < settled)]


def _written(path: Path) -> float:
    """When a file was last changed; at no time, if it is not there."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _is_old(storage: Storage, name: str, now: datetime) -> bool:
    """Whether a file is there that was not changed within the grace."""
    try:
        return storage.stored(name).modified < (now - GRACE).timestamp()
    except FileNotFoundError:  # another cleaner was faster
        return False


def _older(folder: Path, now: datetime) -> Iterable[Path]:
    """What lies in ``folder`` and was not changed within the grace."""
    limit = (now - GRACE).timestamp()
    try:
        entries = list(folder.iterdir())
    except FileNotFoundError:
        return
    for path in entries:
        try:
            if path.stat().st_mtime < limit:
                yield path
        except FileNotFoundError:  # another cleaner was faster
            continue
