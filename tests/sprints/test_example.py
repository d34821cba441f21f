"""The example of the specification and of the guide, to the digit: every column of both sprints in both modes, and January."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadline.home import Project
from sprints.asking import export, fill, same
from sprints.example import COLUMNS, EXPECTED, PEOPLE, TABLES

LINES = [[cell.strip() for cell in line.split("|")] for line in EXPECTED.strip("\n").splitlines()]
HEADER = LINES[0][1:]
JANUARY = {"STORY_POINTS": ("10", "4.2426", "16.2849"), "TICKETS": ("3", "1.4142", "9.4281")}


@pytest.fixture(scope="module")
def filled(module_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    fill(module_project, tmp_path_factory.mktemp("example"), PEOPLE, TABLES)
    return module_project


@pytest.mark.parametrize("line", LINES[1:], ids=[line[0] for line in LINES[1:]])
@pytest.mark.parametrize("granularity", ["SPRINT", "WEEKLY", "MONTHLY", "QUARTERLY"])
def test_each_sprint_to_the_digit(filled: Project, tmp_path: Path, line: list[str], granularity: str) -> None:
    sprint, mode = line[0].split()
    rows = export(filled, tmp_path, metricLevel="sprint", granularity=granularity, computationMode=mode)
    (row,) = (row for row in rows if row["Sprint_Id"] == sprint)
    told = {name: (row[COLUMNS[name]], expected) for name, expected in zip(HEADER, line[1:], strict=True)}
    assert {name: pair for name, pair in told.items() if not same(*pair)} == {}
    label = {"WEEKLY": "2026-W03", "MONTHLY": "Jan 2026", "QUARTERLY": "Q1 2026"}.get(granularity, f"Sprint {sprint}")
    if sprint == "101":
        days = ("2026-01-05", "2026-01-16")
        assert [row[name] for name in ("Granularity", "Start_Date", "End_Date", "Sprint", "Board")] == [
            *(label, *days),
            *("Sprint 101", "A"),
        ]


@pytest.mark.parametrize("mode", JANUARY)
def test_january_of_the_team(filled: Project, tmp_path: Path, mode: str) -> None:
    (row,) = export(filled, tmp_path, computationMode=mode)
    names = ("Sprint_Velocity", "Predictability_Delivery_Consistency", "Predictability_Reliability_Of_Commitment")
    assert all(same(row[name], expected) for name, expected in zip(names, JANUARY[mode], strict=True)), row
    assert (row["Sprints"], row["Granularity"], row["Start_Date"]) == ("2", "Jan 2026", "2026-01-01")
    assert "Tickets_Removed_Mid_Sprint" not in row
