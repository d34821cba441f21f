"""Every case file, held against the oracle and against leadline."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadline.home import Project

from . import oracle
from .case import Case, case_files
from .world import body_of, export_bytes, load, read_csv, wanted

ALL = pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)


@ALL
def test_the_oracle_agrees_with_the_case(path: Path) -> None:
    case = Case(path)
    header, rows = oracle.export(case.world, case.request)
    assert case.check([header, *([wanted(cell) for cell in row] for row in rows)]) == []


@ALL
def test_leadline_agrees_with_the_case(path: Path, project: Project, tmp_path: Path) -> None:
    case = Case(path)
    load(project, case.world, tmp_path, case.nested)
    assert case.check(read_csv(export_bytes(project, body_of(project, case.request), tmp_path))) == []


def test_there_are_enough_cases() -> None:
    assert len(case_files()) >= 45
