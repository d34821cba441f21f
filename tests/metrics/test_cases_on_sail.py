"""Cases with the stored tables computed on Sail: the bytes of the export are DuckDB's.

``pytest tests/metrics/test_cases_on_sail.py --sail-cases=all`` runs every case, which takes long; without, it is a few, always the
same. What rows all of them have is computed on Sail in every run (``tests/facts/test_portable_steps.py``)."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from leadline.home import Home, Project
from leadline.materialize.computed_by import computed_by
from stubs.sail import sail_address

from .case import Case, case_files
from .world import body_of, export_bytes, load


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    files = sorted(case_files(), key=lambda path: hashlib.sha256(path.stem.encode()).digest())
    number = str(metafunc.config.getoption("--sail-cases"))
    metafunc.parametrize("path", files if number == "all" else files[: int(number)], ids=lambda path: path.stem)


def test_the_export_of_a_case_is_the_same(path: Path, project: Project, tmp_path: Path) -> None:
    case = Case(path)
    load(project, case.world, tmp_path, case.nested)
    body = body_of(project, case.request)
    here = export_bytes(project, body, tmp_path, case.request.insight, case.request.today)
    shutil.rmtree(project.computed)
    home = project.home
    on_sail = Home(replace(home.settings, cluster=sail_address(), cluster_from_rows=0), home.db).project()
    assert export_bytes(on_sail, body, tmp_path, case.request.insight, case.request.today) == here
    assert {row.who for row in computed_by([on_sail.computed])} - {"leadline", "DuckDB"}, "some of it was Sail's"
