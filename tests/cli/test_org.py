"""``leadline org``: what it prints; the rules of trees are tested with the people."""

from __future__ import annotations

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
    done = company("org", "show", "Reserch", code=1)
    assert done.stderr.startswith("error: Invalid orgTreeName")
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
    (leadline.cwd / "one.csv").write_text(TWO)
    (leadline.cwd / "two.csv").write_text(TWO + "c@x.example,C,a@x.example,One\n")
    assert "In force from" not in leadline("org", "load", "one.csv", "--name", "T").stdout
    said = leadline("org", "load", "two.csv", "--name", "T", "--from", "2026-02-15").stdout.splitlines()
    assert said[0] == "T, version 2: 1 teams, 3 developers"
    assert said[1].startswith("In force from 2026-02-15; days before stay as they were. `--from beginning` would")

    def developers(*options: str) -> int:
        (tree,) = leadline.json("org", "show", *options)
        return tree["teams"][0]["developers"]

    assert [developers("--at", day) for day in ("beginning", "2026-02-14", "2026-02-15")] == [2, 2, 3]
    assert developers() == 3
    loaded = leadline.json("org", "load", "one.csv", "--name", "T", "--from", "2026-02-01")
    assert (loaded["changed"], loaded["version"]) == (False, 1)
    loaded = leadline.json("org", "load", "two.csv", "--name", "T", "--from", "2026-02-01", "--check")
    assert (loaded["version"], loaded["from"], loaded["until"]) == (None, "2026-02-01", "2026-02-14")
    history = leadline.json("org", "history", "T")
    assert [(one["version"], one["from"], one["until"], one["today"]) for one in history] == [
        (1, None, "2026-02-14", False),
        (2, "2026-02-15", None, True),
    ]
    shown = leadline("org", "history").stdout
    assert "the beginning" in shown
    assert "in force" in shown


def test_what_is_no_day_is_wrong_usage(leadline: Leadline) -> None:
    (leadline.cwd / "one.csv").write_text(TWO)
    for arguments in (("load", "one.csv", "--name", "T", "--from", "2026-02-30"), ("show", "--at", "yesterday")):
        done = leadline("org", *arguments, code=2)
        assert "yyyy-MM-dd" in done.stderr
    assert leadline.json("org", "show") == []
    assert leadline.json("org", "history") == []
