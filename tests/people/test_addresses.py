"""A developer's address is shown as the list spells it, everywhere, and compares in any letter case."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.running import Leadline
from leadline.home import Project
from leadline.people.records import people_of, records
from leadline.people.store import LoadedTree, load_org

ANN = "Ann.Gross@Example.com"
LISTED = f"email,full_name,manager_email\nLea@Example.com,Lea Berg,\n{ANN},Ann Gross,LEA@EXAMPLE.COM\n"
NESTED = {"name": "Eng", "members": ["Lea@Example.com", {"email": ANN, "full_name": "Ann Gross"}]}
COMMITS = """repository,sha,author_email,authored_at
o/r,a1,ANN.GROSS@example.com,2026-02-02T00:00:00Z
"""
MONTH = ("--start", "2026-02-01", "--end", "2026-02-28")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(params=["developers.csv", "tree.json"])
def company(tmp_path: Path, request: pytest.FixtureRequest) -> Leadline:
    (tmp_path / request.param).write_text(LISTED if request.param == "developers.csv" else json.dumps(NESTED))
    (tmp_path / "commits.csv").write_text(COMMITS)
    leadline = Leadline(tmp_path / "home", tmp_path)
    leadline("org", "load", request.param, "--name", "Eng")
    leadline("import", "commits.csv")
    return leadline


def column(text: str, name: str) -> list[str]:
    return [row[name] for row in csv.DictReader(io.StringIO(text))]


def test_exports_facts_and_lists_have_one_spelling(company: Leadline) -> None:
    export = company(
        "export",
        "productivity",
        "--org-tree",
        "Eng",
        "--level",
        "developer",
        *MONTH,
        "--metric",
        "Coding_Days",
        "-o",
        "-",
    ).stdout
    assert column(export, "Email") == [ANN, "Lea@Example.com"]
    assert column(export, "Coding_Days") == ["1", "0"]
    for asked in ((), ("--developer", "ann.gross@EXAMPLE.com"), ("--org-tree", "Eng")):
        facts = company("facts", "commits", *asked, "-o", "-").stdout
        assert column(facts, "developer") == [ANN], asked
    (team,) = company.json("org", "show", "--people")[0]["teams"]
    assert sorted(team["people"]) == [ANN, "Lea@Example.com"]
    assert ANN in company("org", "show", "--people").stdout
    (account,) = company.json("identities")
    assert (account["account"], account["developer"]) == (ANN.lower(), ANN)


def loaded(project: Project, folder: Path, text: str) -> LoadedTree:
    file = folder / "developers.csv"
    file.write_text(text)
    return load_org(project, file, "Eng", now=NOW)


def test_a_record_is_as_it_was_listed_and_makes_the_same_tree(project: Project, tmp_path: Path) -> None:
    tree = loaded(project, tmp_path, LISTED).tree
    ann, lea = records(tree)
    assert (ann.values["email"], ann.values["manager_email"]) == (ANN, "Lea@Example.com")
    assert (lea.developer.email, lea.developer.address) == ("lea@example.com", "Lea@Example.com")
    assert [person.written for person in people_of(tree)] == [ANN, "Lea@Example.com"]


def test_another_spelling_in_the_list_is_another_version_of_the_tree(project: Project, tmp_path: Path) -> None:
    first = loaded(project, tmp_path, LISTED)
    again = loaded(project, tmp_path, LISTED)
    assert (again.changed, again.version) == (False, first.version)
    other = loaded(project, tmp_path, LISTED.lower())
    assert other.changed
    assert other.tree.developers[ANN.lower()].address == ANN.lower()
    assert [node.ref_id for node in other.tree.nodes] == [node.ref_id for node in first.tree.nodes]
