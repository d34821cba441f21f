"""Repositories and services under several names: facts are those of one, and follow when a name comes to be known."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from random import Random

from leadline.diagnostics.data_quality import oddities
from leadline.engine import Engine
from leadline.facts.names import spellings
from leadline.facts.write import write
from leadline.home import Project
from metrics.world import deliver, rows_of
from metrics.worlds_dora import dora_world

from .stepping import rows_of_steps

BEFORE = {
    "commits": """
repository, sha
acme/old,   aaaa0001
acme/old,   aaaa0002
acme/new,   aaaa0001
acme/new,   aaaa0002
acme/new,   aaaa0003
dave/new,   aaaa0003
dave/new,   dddd0004
""",
    "pull_requests": """
repository, number, merged_at,         merge_commit_sha
acme/old,   1,      2026-01-05T00:00Z, aaaa0002
""",
    "deployments": """
deployment_id, repository, service,  sha,      status,  finished_at
d0,            acme/old,   checkout, aaaa0001, success, 2026-01-02T00:00Z
d2,            ACME/New,   Checkout, aaaa0002, success, 2026-01-11T00:00Z
""",
}
RENAMED = """
repository, former_names
Acme/new,   ACME/old
"""


def delivered(project: Project, tables: dict[str, str]) -> None:
    for table, text in tables.items():
        deliver(project, table, rows_of(table, text))


def shown(project: Project, fact: str, folder: Path) -> list[dict[str, str]]:
    path = folder / f"{fact}.csv"
    write(project, fact, path)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_rename_that_is_told_later_makes_two_histories_one(project: Project, tmp_path: Path) -> None:
    delivered(project, BEFORE)
    (pull,) = shown(project, "pull-requests", tmp_path)
    assert (pull["repository"], pull["deployment_id"]) == ("acme/old", "")
    deliver(project, "repositories", rows_of("repositories", RENAMED))
    (pull,) = shown(project, "pull-requests", tmp_path)
    assert (pull["repository"], pull["deployment_id"]) == ("Acme/new", "d2")
    runs = shown(project, "deployments", tmp_path)
    assert {(run["repository"], run["service"]) for run in runs} == {("Acme/new", "checkout")}
    commits = [row for row in shown(project, "commits", tmp_path) if row["repository"] == "Acme/new"]
    assert [row["sha"] for row in commits] == ["aaaa0001", "aaaa0002", "aaaa0003"]


def test_repositories_with_the_same_commits_are_told_until_they_are_one(project: Project) -> None:
    delivered(project, BEFORE)
    told = [line for line in oddities(project) if " in common" in line]
    assert [line.partition(" in common")[0] for line in told] == [
        "is acme/old now ACME/New? acme/old and ACME/New have all 2 commits of acme/old",
        "ACME/New and dave/new have 1 commit",
    ]
    assert "`acme/old`" not in told[0]
    assert "`ACME/New,acme/old`" in told[0]
    deliver(project, "repositories", rows_of("repositories", RENAMED))
    (fork,) = (line for line in oddities(project) if " in common" in line)
    assert fork.startswith("Acme/new and dave/new have 1 commit in common: taken for a repository and its fork")


def test_same_keys_are_looked_for_only_where_a_rename_makes_any(project: Project, tmp_path: Path) -> None:
    def read() -> tuple[bool, list[tuple[object, ...]]]:
        snapshot = project.lake.snapshot()
        with Engine(temp_dir=project.temp) as engine:
            found = spellings(engine, lambda: snapshot, snapshot.versions, tmp_path / "names")
            engine.bind_snapshot(snapshot, ["work_items"], spellings=found)
            rows = engine.execute("SELECT project, key, title FROM work_items ORDER BY ALL")
            return "work_items" in found.apart, rows

    delivered(project, {"commits": BEFORE["commits"], "repositories": RENAMED})
    deliver(
        project, "work_items", rows_of("work_items", "project, key, title\nacme/old, 1, a\nAcme/new, 2, b\nP, 1, c")
    )
    assert read() == (True, [("Acme/new", "1", "a"), ("Acme/new", "2", "b"), ("P", "1", "c")])
    deliver(project, "work_items", rows_of("work_items", "project, key, title\nacme/old, 2, d"))
    assert read() == (False, [("Acme/new", "1", "a"), ("Acme/new", "2", "b"), ("P", "1", "c")])


def test_steps_follow_names_that_change(project: Project, tmp_path: Path) -> None:
    """Whatever name comes to be known, rows that were kept are those computed from nothing."""
    drawn = dora_world(Random(11)).world
    delivered_rows = {name: rows for name, rows in drawn.tables.items() if rows and name != "repositories"}
    for table, rows in delivered_rows.items():
        deliver(project, table, rows)
    kept, fresh = tmp_path / "kept", tmp_path / "fresh"
    rows_of_steps(project, kept / "facts")
    commit = {**delivered_rows["commits"][0], "repository": "O/B", "sha": "ffff0001ffff"}
    for table, row in (
        ("commits", commit),
        ("repositories", {"repository": "O/a", "former_names": ["o/zero"]}),
        ("repositories", {"repository": "O/a", "former_names": ["o/zero", "o/b"]}),
        ("commits", {**commit, "repository": "o/ZERO", "sha": "ffff0002ffff"}),
        ("deployments", {"deployment_id": "late", "repository": "O/zero", "service": "API", "status": "success"}),
    ):
        deliver(project, table, [row])
        shutil.rmtree(fresh, ignore_errors=True)
        expected, found = (rows_of_steps(project, folder / "facts") for folder in (fresh, kept))
        assert {name for name in expected if found[name] != expected[name]} == set(), (table, row)
