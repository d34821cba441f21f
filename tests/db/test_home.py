"""Projects by any name: each has a folder of its own, below the home, in which its tables live."""

from __future__ import annotations

import pyarrow as pa
import pytest

from leadline.home import Home
from leadline.ingest.delivery import ingest
from leadline.schema import TABLES

NAMES = (
    "plain",
    "acme.com",
    "a b",
    "a/b",
    "..",
    ".",
    "ä",
    "100%",
    "a%20b",
    "a@20b",
    "a#b",
    "a?b=c",
    "a*[b]",
    "~a",
    "a\\b",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_project_may_be_called_anything(home: Home, name: str) -> None:
    table = TABLES["incidents"]
    batch = pa.RecordBatch.from_pylist([{"incident_id": "I-1"}], schema=table.arrow_schema)
    project = home.project(name, name, create=True)
    assert ingest(project, table, [batch]).added == 1
    assert ingest(home.project(name, name), table, [batch]).unchanged == 1
    assert project.lake.snapshot().row_counts() == {"incidents": 1}
    assert project.folder.parent.parent == home.path / "projects"


def test_no_two_projects_share_a_folder(home: Home) -> None:
    assert len({home.project("default", name, create=True).folder for name in NAMES}) == len(NAMES)
