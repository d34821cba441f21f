"""What else a project keeps that names people is without those who are forgotten: settings, names, views, uploads, sessions."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from textwrap import dedent
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from api.serving import put
from leadline.administration.erasure import foresee, forget
from leadline.db import developer_uploads, saved_views, sessions, settings
from leadline.db.models import api_keys, exports, inbox_refused, sources
from leadline.db.models import saved_views as views
from leadline.db.sessions import SignedIn
from leadline.home import Project
from leadline.ingest.forgetting import recognized
from leadline.people import tree
from leadline.people.forgotten import forgotten_of
from leadline.people.versions import activate, map_fields, upload, version
from leadline.schema import TABLES, ColumnType, Table

NOW = datetime(2026, 4, 1, tzinfo=UTC)
LIST = """\
    email,full_name,manager_email,team,phone
    ada@example.com,Ada Byron,,Core,1
    ben@example.com,Ben Ito,ada@example.com,Core,emp-0470115-bi
    cleo@example.com,Cleo Ray,ben@example.com,Core,backs up Ben Ito
    """


def _uploaded(project: Project, name: str) -> str:
    data = dedent(LIST).encode()
    terms = {"tree_name": "Research", "upload_id": name, "created_by": "key", "now": NOW}
    return upload(project, data, "list.csv", **terms).upload.id


def _keep(project: Project) -> None:
    """Everything that may name Ben beside rows and trees."""
    db = project.db
    settings.put(db, project.id, {"bots": "ci-runner, ben-ito, ben-itos"})
    who = SignedIn(project.id, subject="oidc|1", name="Ben Ito", role="viewer")
    sessions.create(db, who, NOW)
    sessions.create(db, SignedIn(project.id, subject="oidc|2", name="Ada Byron", role="viewer"), NOW)
    view = {"address": "/developers?developer=ben%40example.com&period=last-month", "team": 1, "now": NOW}
    saved_views.save(db, project.id, name="Ben Ito's", who=("ben@example.com", "Ben Ito"), **view)
    refused = {"project_id": project.id, "table_name": "reviews", "rows": 1, "received_at": NOW, "refused_at": NOW}
    line = json.dumps({"repository": "a/b", "number": 1, "author": "ben-ito", "source": "github"})
    source = {"project_id": project.id, "name": "x", "kind": "files", "configured": False, "created_at": NOW}
    key = {"id": "k", "project_id": project.id, "role": "viewer", "prefix": "p", "hash": "h", "created_at": NOW}
    with db.write() as connection:
        connection.execute(inbox_refused.insert(), {**refused, "content": line, "reason": "gone"})
        connection.execute(
            sources.insert(), {**source, "settings": {}, "outcome": {"skipped": ["row of ben@example.com"]}}
        )
        connection.execute(api_keys.insert(), {**key, "name": "Ben Ito's laptop"})


def test_notes_and_uploads_name_them_no_more(database_project: Project) -> None:
    project = database_project
    put(project, identities=[{"source": "github", "account": "ben-ito", "email": "ben@example.com"}])
    used = _uploaded(project, "used")
    map_fields(project, used, {}, now=NOW, save=True)
    draft = _uploaded(project, "draft")
    _keep(project)
    foreseen = foresee(project, "ben@example.com")
    done = forget(project, "ben@example.com", NOW)
    assert (done.uploads, done.notes, done.sessions, done.trees) == (2, 6, 1, {"Research": 1})
    assert (foreseen.uploads, foreseen.notes, foreseen.sessions, foreseen.trees) == (2, 6, 1, {"Research": 1})
    pseudonym, name = done.pseudonym, f"Forgotten {done.pseudonym[10:18]}"

    def column(of: sa.Column[object]) -> list[object]:
        return [row[0] for row in project.db.rows(sa.select(of))]

    assert settings.stored(project.db, project.id)["bots"] == f"ci-runner, {pseudonym}, ben-itos"
    assert column(sessions.sessions.c.name) == ["Ada Byron"]
    assert column(views.c.name) == [f"{name}'s"]
    assert (column(views.c.creator), column(views.c.created_by)) == ([name], [pseudonym])
    address = f"/developers?developer={pseudonym.replace('@', '%40')}&period=last-month"
    assert column(views.c.address) == [address]
    assert json.loads(str(column(inbox_refused.c.content)[0]))["author"] == pseudonym
    assert column(sources.c.outcome) == [{"skipped": [f"row of {pseudonym}"]}]
    assert column(api_keys.c.name) == [f"{name}'s laptop"]
    for upload_id in (used, draft):
        stored = developer_uploads.find(project.db, project.id, upload_id)
        assert stored is not None
        assert (stored.content or "").splitlines()[2:] == [
            f"{pseudonym},{name},ada@example.com,Core,",
            f"cleo@example.com,Cleo Ray,{pseudonym},Core,backs up {name}",
        ]
    assert version(project, used).active
    assert activate(project, draft, now=NOW).active


def test_a_list_that_comes_later_is_kept_without_them(database_project: Project) -> None:
    project = database_project
    used = _uploaded(project, "used")
    map_fields(project, used, {}, now=NOW, save=True)
    pseudonym = forget(project, "ben@example.com", NOW).pseudonym
    before = tree(project, "Research")
    later = _uploaded(project, "later")
    stored = developer_uploads.find(project.db, project.id, later)
    assert stored is not None
    assert "ben" not in (stored.content or "").lower()
    review = version(project, later).review
    assert review is not None
    assert review.changes is not None
    assert (review.changes.added, review.changes.removed) == ((), ())
    assert set(before.developers) == {"ada@example.com", "cleo@example.com", pseudonym}
    assert [node.name for node in before.nodes] == ["Research", "Core"]


def test_exports_are_made_anew(database_project: Project) -> None:
    project = database_project
    used = _uploaded(project, "used")
    map_fields(project, used, {}, now=NOW, save=True)
    row = {
        "project_id": project.id,
        "kind": "productivity",
        "request_hash": "h",
        "compression": "gzip",
        "created_by": "k",
    }
    row |= {"created_at": NOW, "attempts": 1, "request": {"developer": "ben@example.com"}, "pinned": {"trees": {}}}
    file = project.folder / "exports" / "done.csv.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    with project.db.write() as connection:
        done = {"id": "done", "state": "completed", "file": "exports/done.csv.gz", "worker": None}
        at_work = {"id": "at-work", "state": "processing", "file": None, "worker": "w"}
        connection.execute(exports.insert(), [row | done, row | at_work])
    assert foresee(project, "ben@example.com").exports == 1
    assert file.exists()
    erasure = forget(project, "ben@example.com", NOW)
    assert erasure.exports == 1
    assert not file.exists()
    columns = sa.select(
        exports.c.id, exports.c.state, exports.c.file, exports.c.worker, exports.c.pinned, exports.c.request
    )
    asked = {"developer": erasure.pseudonym}
    assert [tuple(one) for one in project.db.rows(columns.order_by(exports.c.id))] == [
        ("at-work", "queued", None, None, None, asked),
        ("done", "completed", None, None, {"trees": {}}, asked),
    ]


FILLED: dict[ColumnType, Any] = {
    ColumnType.TEXT: "ben@example.com",
    ColumnType.LIST: ["ben@example.com", "x"],
    ColumnType.INTEGER: 1,
    ColumnType.DECIMAL: 0.5,
    ColumnType.BOOLEAN: True,
    ColumnType.INSTANT: NOW,
}


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_rows_with_every_column_filled_name_them_no_more(project: Project, table: Table) -> None:
    rows = [{column.name: FILLED[column.type] for column in table.columns} for _ in range(2)]
    about_ada = {column.name: "ada@example.com" for column in table.columns if column.type is ColumnType.TEXT}
    rows[1] |= about_ada
    map_fields(project, _uploaded(project, "used"), {}, now=NOW, save=True)
    forgotten = forgotten_of(project)
    assert not forgotten
    forget(project, "ben@example.com", NOW)
    batch = pa.RecordBatch.from_pylist(rows, schema=table.arrow_schema)
    after = recognized(project, table, batch).to_pylist()
    for column in table.personal:
        assert "ben@example.com" not in str(after[0][column.name])
        if column.type not in (ColumnType.TEXT, ColumnType.LIST):
            assert after[1][column.name] == FILLED[column.type]  # of somebody else
