"""``leadline org``: what it prints; the rules of trees are tested with the people."""

from __future__ import annotations

import sqlalchemy as sa

from leadline.home import Home

from .running import Leadline


def test_show_as_json_has_the_documented_shape(company: Leadline) -> None:
    (tree,) = company.json("org", "show")
    assert set(tree) == {"orgTreeName", "teams"}
    assert tree["orgTreeName"] == "Research"
    root, engines = tree["teams"]
    assert (root["name"], root["hierarchy"], root["developers"], root["key"]) == ("Research", "Research", 4, None)
    assert (engines["name"], engines["hierarchy"], engines["developers"]) == ("Engines", "Research/Engines", 2)
    assert isinstance(root["refId"], int)


def test_show_for_people(company: Leadline) -> None:
    lines = company("org", "show", "Research").stdout.splitlines()
    assert lines[0].split() == ["team", "ref", "id", "key", "developers"]
    assert lines[2].startswith("  Engines ")


def test_an_unknown_tree(company: Leadline) -> None:
    done = company("org", "show", "Reserch", code=2)
    assert done.stderr.startswith("error: Invalid TREE")
    assert "Research" in done.stderr


def test_every_violation_at_once_and_nothing_changed(company: Leadline) -> None:
    rows = "".join(f"p{number}@example.com,P {number},nobody{number}@example.com\n" for number in range(30))
    (company.cwd / "bad.csv").write_text("email,full_name,manager_email\n" + rows)
    before = company.json("org", "show")
    done = company("org", "load", "bad.csv", "--name", "Research", code=1)
    findings = [line for line in done.stderr.splitlines() if line.startswith("  ")]
    assert len(findings) == 21
    assert findings[0].startswith("  bad.csv:2")
    assert findings[-1] == "  … and 10 more"
    assert company.json("org", "show") == before


def test_check_changes_nothing(leadline: Leadline) -> None:
    (leadline.cwd / "d.csv").write_text("email,full_name,manager_email\na@x.example,A,\nb@x.example,B,a@x.example\n")
    assert "is good: 1 teams, 2 developers" in leadline("org", "load", "d.csv", "--name", "T", "--check").stdout
    assert leadline.json("org", "show") == []
    assert leadline.json("org", "load", "d.csv", "--name", "T")["version"] == 1
    assert leadline.json("org", "load", "d.csv", "--name", "T")["changed"] is False


def test_a_missing_file_is_named(leadline: Leadline) -> None:
    assert "none.csv" in leadline("org", "load", "none.csv", "--name", "T", code=1).stderr


def test_data_cannot_drive_the_terminal(leadline: Leadline) -> None:
    (leadline.cwd / "d.csv").write_text(
        "email,full_name,manager_email,team\na@x.example,A,,[bold]\x1b[31mX\nb@x.example,B,a@x.example,[bold]\x1b[31mX\n"
        "c@x.example,C,b@x.example,\ud83d\n".encode("utf-8", "replace").decode()
    )
    leadline("org", "load", "d.csv", "--name", "T")
    out = leadline("org", "show").stdout
    assert "\x1b" not in out


TWO = "email,full_name,manager_email,team\na@x.example,A,,One\nb@x.example,B,a@x.example,One\n"


def test_a_tree_from_a_day(leadline: Leadline) -> None:
    _people(leadline, "one.csv", "ben")
    _people(leadline, "two.csv", "cleo")
    leadline("org", "load", "one.csv", "--name", "A")
    leadline("org", "load", "two.csv", "--name", "A", "--from", "2026-02-01")
    leadline("org", "load", "one.csv", "--name", "B")
    leadline("settings", "timezone", "Europe/Paris", "--org-tree", "A")
    (first,) = leadline.json("org", "show", "A")
    assert "2 versions" in leadline("org", "remove", "A", "--yes").stdout
    assert [tree["orgTreeName"] for tree in leadline.json("org", "show")] == ["B"]
    with Home.open(leadline.home) as home, home.db.read() as connection:
        for name in ("org_tree_versions", "developer_uploads", "settings", "org_trees"):
            kept = [str(row) for row in connection.execute(sa.text(f"SELECT * FROM {name}"))]
            assert not [row for row in kept if "cleo@example.com" in row or "Europe/Paris" in row], name
    leadline("org", "load", "one.csv", "--name", "A", "--from", "2026-03-01")
    (again,) = leadline.json("org", "show", "A")
    assert leadline("settings", "timezone", "--org-tree", "A").stdout == "UTC\n"
    assert not {team["refId"] for team in again["teams"]} & {team["refId"] for team in first["teams"]}
    leadline("status", "--check")


def test_a_tree_that_a_source_loads_is_not_removed(leadline: Leadline) -> None:
    leadline("org", "load", _people(leadline, "people.csv", "ben"), "--name", "A")
    leadline(
        *("sources", "add", "files", "--table", "developers", "--org-tree", "A", "--name", "hr"),
        "https://hr.example.com/people.csv",
    )
    assert "hr" in leadline("org", "remove", "A", "--yes", code=1).stderr
    leadline("sources", "remove", "hr", "--yes")
    leadline("org", "remove", "A", "--yes")
    assert leadline.json("org", "show") == []


def test_an_unknown_tree_is_not_removed(company: Leadline) -> None:
    done = company("org", "remove", "Reserch", "--yes", code=2)
    assert done.stderr.startswith("error: Invalid TREE")
    assert len(company.json("org", "show")) == 1


def _people(leadline: Leadline, name: str, report: str) -> str:
    """A list of Ada and who reports to her."""
    rows = ("email,full_name,manager_email", "ada@example.com,Ada,", f"{report}@example.com,{report},ada@example.com")
    (leadline.cwd / name).write_text("\n".join((*rows, "")))
    return name


def test_columns_are_said_and_dropped_names_told(leadline: Leadline) -> None:
    rows = "Lea,lea@x.test,,Board\nAnn,ann@x.test,lea@x.test,Web\nBo,bo@x.test,ann@x.test,Web\nCy,cy@x.test,ann@x.test,App\n"
    (leadline.cwd / "list.csv").write_text("Who,Address,Boss,Team\n" + rows)
    load = ("org", "load", "list.csv", "--name", "All")
    said = ("--map", "Who=full_name", "--map", "Address=email", "--map", "Boss=manager_email")
    assert "MISSING_COLUMN: email" in leadline(*load, code=1).stderr
    assert "--map" in leadline(*load, "--map", "Who", code=2).stderr
    done = leadline(*load, *said)
    assert "No team is called App, Web" in done.stderr
    assert leadline.json(*load, *said)["unusedTeams"] == ["App", "Web"]
    facts = leadline("facts", "commits", "--team", "All/Ann's team", "-o", "-")
    assert facts.stdout.startswith("repository,sha,")
