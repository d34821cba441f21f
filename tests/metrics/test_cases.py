"""Every case file, held against the oracle and against leadline."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadline.home import Project

from .case import Case, case_files
from .world import body_of, export_bytes, load, read_csv

ALL = pytest.mark.parametrize("path", case_files(), ids=lambda path: path.stem)


@ALL
def test_the_oracle_agrees_with_the_case(path: Path) -> None:
    case = Case(path)
    assert case.check(case.answer()) == []


@ALL
def test_leadline_agrees_with_the_case(path: Path, project: Project, tmp_path: Path) -> None:
    case = Case(path)
    load(project, case.world, tmp_path, case.nested)
    body = body_of(project, case.request)
    assert case.check(read_csv(export_bytes(project, body, tmp_path, case.request.insight, case.request.today))) == []


def test_there_are_enough_cases() -> None:
    efficiency = [path for path in case_files() if path.name.startswith("dora-")]
    assert len(efficiency) >= 45
    assert len(case_files()) - len(efficiency) >= 45
