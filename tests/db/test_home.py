"""Projects by any name: each has a folder of its own, below the home, in which its tables live."""

from __future__ import annotations

import os
import stat
from pathlib import Path

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


def test_a_new_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        (tmp_path / "there").mkdir(mode=0o755)
        for name, mode in (("new", 0o700), ("there", 0o755)):
            with Home.open(tmp_path / name) as home:
                assert stat.S_IMODE(home.path.stat().st_mode) == mode
    finally:
        os.umask(before)


def test_no_two_projects_share_a_folder(home: Home) -> None:
    assert len({home.project("default", name, create=True).folder for name in NAMES}) == len(NAMES)
