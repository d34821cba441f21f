"""``set_identity``: one account mapped by hand, as the latest word, to a known developer only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from leadline.engine import Engine
from leadline.errors import InvalidRequest
from leadline.home import Project
from leadline.ingest.delivery import Receipt, ingest
from leadline.ingest.identities import set_identity
from leadline.people import load_org
from leadline.schema import table_named

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def put(project: Project, source: str, account: str, email: str, minutes: int = 0) -> Receipt:
    return set_identity(
        project,
        source=source,
        account=account,
        email=email,
        now=NOW + timedelta(minutes=minutes),
    )


def stored(project: Project) -> list[tuple]:
    with Engine(temp_dir=project.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot(), ["identities"])
        return sorted(engine.execute("SELECT source, account, email FROM identities"))


@pytest.fixture
def peopled(project: Project, tmp_path: Path) -> Project:
    """A project with Ada and Ben in an org tree, and Zoe among the imported developers."""
    file = tmp_path / "people.csv"
    file.write_text("email,full_name,manager_email\nada@x.example,Ada,\nben@x.example,Ben,ada@x.example\n")
    load_org(project, file, "Acme", now=NOW)
    developers = table_named("developers")
    rows = pa.RecordBatch.from_pylist([{"email": "Zoe@x.example", "full_name": "Zoe"}], schema=developers.arrow_schema)
    ingest(project, developers, [rows])
    return project


def test_the_latest_word_holds(peopled: Project):
    assert put(peopled, "GitHub", " Octo ", "Ada@x.example").added == 1
    assert put(peopled, "github", "octo", "zoe@x.example", minutes=1).updated == 1
    put(peopled, "jira", "octo", "ben@x.example")
    assert stored(peopled) == [("github", "octo", "zoe@x.example"), ("jira", "octo", "ben@x.example")]


def test_an_email_of_nobody_is_refused_with_the_nearest(peopled: Project):
    with pytest.raises(
        InvalidRequest, match=r"adda@x\.example is no developer's email; near: ada@x\.example"
    ) as caught:
        put(peopled, "github", "octo", "adda@x.example")
    assert caught.value.code == "unknown_developer"
    with pytest.raises(InvalidRequest, match="source, account must not be empty"):
        put(peopled, "", " ", "ada@x.example")
    assert stored(peopled) == []
