"""Uploads as rows, on both databases: what is forgotten, what stays, and that putting one in force is all or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leadline.db import Database
from leadline.db import developer_uploads as uploads
from leadline.db import trees as rows
from leadline.db.developer_uploads import KEEP_DRAFTS, MOST_DRAFTS, Upload
from leadline.errors import InvalidInput
from leadline.home import Project
from leadline.people import changes, versions
from leadline.people.lookup import in_force

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

LIST = b"email,full_name,manager_email\nada@x.example,Ada,\nben@x.example,Ben,ada@x.example\n"


def draft(project_id: int, name: str, minutes: float = 0, **values: object) -> Upload:
    kept: dict[str, object] = {
        "id": name,
        "project_id": project_id,
        "tree": "Acme",
        "filename": "people.csv",
        "content": "x",
        "mappings": {"b": "email", "a": ""},
        "base_version": None,
        "tree_version": None,
        "created_by": "key",
        "created_at": NOW + timedelta(minutes=minutes),
        **values,
    }
    return Upload(**kept)  # type: ignore[arg-type]


def test_a_draft_comes_back_as_it_was(database: Database, project_id: int):
    upload = draft(project_id, "v1")
    uploads.insert(database, upload)
    assert uploads.find(database, project_id, "v1") == upload
    assert list(uploads.find(database, project_id, "v1").mappings) == ["b", "a"]  # type: ignore[union-attr]
    assert uploads.find(database, project_id + 1, "v1") is None


def test_old_drafts_and_too_many_are_forgotten(database: Database, project_id: int):
    uploads.insert(database, draft(project_id, "old"))
    later = KEEP_DRAFTS.total_seconds() / 60 + 1
    for number in range(MOST_DRAFTS + 2):
        uploads.insert(database, draft(project_id, f"v{number}", later + number))
    kept = [number for number in range(MOST_DRAFTS + 2) if uploads.find(database, project_id, f"v{number}")]
    assert kept == list(range(2, MOST_DRAFTS + 2))
    assert uploads.find(database, project_id, "old") is None


def test_one_put_in_force_is_kept_and_the_texts_of_former_ones_dropped(database: Database, project_id: int):
    for number in (1, 2):
        upload = draft(project_id, f"v{number}", number)
        uploads.insert(database, upload)
        with database.write() as connection:
            uploads.activated(connection, upload, {"m": f"field{number}"}, number, upload.created_at)
    uploads.insert(database, draft(project_id, "new", 10**6))
    first, second = (uploads.find(database, project_id, name) for name in ("v1", "v2"))
    assert first is not None
    assert second is not None
    assert (first.content, first.tree_version, second.content, second.tree_version) == (None, 1, "x", 2)
    assert uploads.newest_mappings(database, project_id, "Acme") == {"m": "field2"}
    assert uploads.newest_mappings(database, project_id, "Other") == {}


def test_a_version_and_its_tree_come_together_or_not_at_all(database_project: Project, monkeypatch: pytest.MonkeyPatch):
    kept = versions.upload(database_project, LIST, "p.csv", tree_name="Acme", upload_id="v", created_by="key", now=NOW)
    assert kept.review is not None

    def failing(*_: object) -> None:
        raise InvalidInput("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(uploads, "activated", failing)
        with pytest.raises(InvalidInput, match="disk"):
            versions.map_fields(database_project, "v", {}, now=NOW)
    assert in_force(database_project, "Acme") is None
    assert rows.listed(database_project.db, database_project.id) == []
    assert versions.version(database_project, "v").upload.tree_version is None
    assert versions.map_fields(database_project, "v", {}, now=NOW).active
    assert versions.version(database_project, "v").upload.tree_version == 1


def test_many_developers_at_once(database_project: Project):
    """20,000 people: an upload, a change and a removal each take seconds, not minutes."""
    lines = ["email,full_name,manager_email"] + [
        f"p{n}@x.example,P {n},{f'p{n // 10}@x.example' if n else ''}" for n in range(20_000)
    ]
    versions.upload(
        database_project, "\n".join(lines).encode(), "p.csv", tree_name=None, upload_id="v", created_by="k", now=NOW
    )
    assert versions.map_fields(database_project, "v", {}, now=NOW).active
    new = [{"email": f"q{n}@x.example", "name": "Q", "managerEmail": "p1@x.example"} for n in range(5_000)]
    assert len(changes.upsert(database_project, new, tree_name=None, now=NOW).added) == 5_000
    leaving = [str(row["email"]) for row in new]
    assert len(changes.delete(database_project, leaving, tree_name=None, now=NOW).removed) == 5_000
