"""Rows of a former state that are kept: whatever has changed, they are those that computing from nothing gives."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from facts.stepping import rows_of_steps
from leadline.db import settings as stored_settings
from leadline.home import Project
from leadline.materialize.folders import Folders, share
from leadline.materialize.incremental import BuildRecord
from metrics.changes import change, drawn
from metrics.world import deliver, load

ROUNDS = 4


@pytest.mark.slow
def test_kept_rows_are_those_computed_from_nothing(project: Project, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    world, mine = drawn(random)
    _, other = drawn(random)
    load(project, world, tmp_path)
    kept, fresh = tmp_path / "kept", tmp_path / "fresh"
    rows_of_steps(project, kept / "facts")
    done = []
    for _ in range(ROUNDS):
        done.append(change(project, random, mine, other))
        if random.random() < 0.1:
            stored_settings.put(project.db, project.id, {"rework.window_days": str(random.randint(1, 40))})
        shutil.rmtree(fresh, ignore_errors=True)
        expected = rows_of_steps(project, fresh / "facts")
        found = rows_of_steps(project, kept / "facts")
        assert {name for name in expected if found[name] != expected[name]} == set(), done


def records(folder: Path) -> Iterator[tuple[str, BuildRecord]]:
    for path in folder.iterdir():
        if (record := BuildRecord.of(path)) is not None:
            yield path.name.rpartition("-")[0], record


def test_only_what_a_new_comment_changes_is_computed_anew(project: Project, tmp_path: Path) -> None:
    world, mine = drawn(Random(7))
    load(project, world, tmp_path)
    facts = tmp_path / "cache" / "facts"
    rows_of_steps(project, facts)
    assert all(record.previous is None for _, record in records(facts))
    # A comment counts that is another developer's, between ready and merge.
    people = [row["email"] for row in world.developers]
    request = next(
        row for row in mine["pull_requests"] if row["author"] in people and row["merged_at"] and not row.get("ready_at")
    )
    others = [email for email in people if email != request["author"]]
    comment = {
        "repository": request["repository"],
        "number": request["number"],
        "comment_id": "one more",
        "author": others[0],
        "kind": "review",
        "created_at": request["created_at"] + timedelta(minutes=1),
    }
    deliver(project, "comments", [comment])
    before = {folder.name for folder in facts.iterdir()}
    rows_of_steps(project, facts)
    made = {name: record for name, record in records(facts) if record.previous in before}
    assert {name for name, record in made.items() if record.rebuilt} == {"comments", "pull_requests", "pull_touches"}
    assert made["comments"].rebuilt == (request["repository"],)
    anew = {folder.name.rpartition("-")[0] for folder in facts.iterdir() if folder.name not in before} - set(made)
    assert anew - {"state"} == {"direct_accounts"}
    # What stays is not even copied.
    for name in ("accounts", "commits", "reviews", "work_items"):
        files = [path for folder in facts.glob(f"{name}-*") for path in folder.glob("*.parquet")]
        assert {path.stat().st_nlink for path in files} == {2}


def test_a_record_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert BuildRecord.of(tmp_path) is None
    for text in ("", "[]", '{"base": 1, "odd": 2}', "{"):
        (tmp_path / "record.json").write_text(text)
        assert BuildRecord.of(tmp_path) is None
    record = BuildRecord("base", {"commits": 1, "reviews": None}, {"accounts": "accounts-1"}, "earlier", ("a", "b"))
    record.write(tmp_path)
    assert BuildRecord.of(tmp_path) == record
    assert json.loads((tmp_path / "record.json").read_text())["rebuilt"] == ["a", "b"]


def test_folders_that_somebody_else_deletes_or_finishes_are_left_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = [tmp_path / f"commits-{number}" for number in range(9)]
    folders = Folders(tmp_path)
    monkeypatch.setattr(folders, "of_table", lambda _table: gone)
    folders.forget("commits")


def test_files_are_copied_where_the_disk_cannot_share_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    (tmp_path / "here").write_text("rows")
    monkeypatch.setattr(os, "link", refused)
    share(tmp_path / "here", tmp_path / "there")
    assert (tmp_path / "there").read_text() == "rows"
