"""What one version of a tree changes against another."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadline.home import Project
from leadline.people import OrgTree, load_org, tree
from leadline.people.difference import Difference, difference

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE = """email,full_name,manager_email,team
ada@example.org,Ada,,
ben@example.org,Ben,ada@example.org,Platform
cyd@example.org,Cyd,ben@example.org,Platform
dan@example.org,Dan,ben@example.org,Platform
eve@example.org,Eve,ada@example.org,Web
fay@example.org,Fay,eve@example.org,Web
"""


def loaded(project: Project, folder: Path, text: str) -> OrgTree:
    path = folder / "people.csv"
    path.write_text(text)
    load_org(project, path, "Engineering", now=NOW)
    return tree(project, "Engineering")


def names(found: Difference) -> dict[str, list[str]]:
    """What is not empty, people by email and what moved by its new place."""
    said: dict[str, list[str]] = {}
    for name, values in vars(found).items():
        if name == "moved_people":
            said[name] = [f"{one.developer.email}: {', '.join(one.before)} > {', '.join(one.after)}" for one in values]
        elif name == "moved_teams":
            said[name] = [f"{one.before} > {one.after}" for one in values]
        else:
            said[name] = [one if isinstance(one, str) else one.email for one in values]
    return {name: texts for name, texts in said.items() if texts}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", {}),
        (
            "cyd@example.org,Cyd,ben@example.org,Platform",
            "cyd@example.org,Cyd,eve@example.org,Web",
            {"moved_people": ["cyd@example.org: Engineering/Platform > Engineering/Web"]},
        ),
        ("cyd@example.org,Cyd", "cyd@example.org,Cyd Crane", {"changed_people": ["cyd@example.org"]}),
        (
            "cyd@example.org,Cyd",
            "gus@example.org,Gus",
            {"new_people": ["gus@example.org"], "gone_people": ["cyd@example.org"]},
        ),
        (
            "eve@example.org,Eve,ada",
            "eve@example.org,Eve,ben",
            {"moved_teams": ["Engineering/Web > Engineering/Platform/Web"], "changed_people": ["eve@example.org"]},
        ),
        (
            ",Web",
            ",Shop",
            {
                "moved_teams": ["Engineering/Web > Engineering/Shop"],
                "changed_people": ["eve@example.org", "fay@example.org"],
            },
        ),
        (
            "fay@example.org,Fay,eve@example.org,Web",
            "fay@example.org,Fay,eve@example.org;ben@example.org,Web",
            {
                "moved_people": ["fay@example.org: Engineering/Web > Engineering/Web, Engineering/Ben's team"],
                "moved_teams": ["Engineering/Platform > Engineering/Ben's team"],
            },
        ),
        (
            "fay@example.org,Fay,eve@example.org,Web\n",
            "fay@example.org,Fay,eve@example.org,Web\ngus@example.org,Gus,fay@example.org,Deep\n",
            {
                "new_teams": ["Engineering/Web/Deep"],
                "new_people": ["gus@example.org"],
                "moved_people": ["fay@example.org: Engineering/Web > Engineering/Web/Deep"],
            },
        ),
    ],
)
def test_what_changes(project: Project, tmp_path: Path, old: str, new: str, expected: dict[str, list[str]]) -> None:
    before = loaded(project, tmp_path, BEFORE)
    after = loaded(project, tmp_path, BEFORE.replace(old, new) if old else BEFORE)
    assert names(difference(before, after)) == expected
    assert difference(before, after).is_none == (not expected)
    back = difference(after, before)
    assert (len(back.new_people), len(back.gone_people)) == (
        len(expected.get("gone_people", [])),
        len(expected.get("new_people", [])),
    )


def test_without_a_tree_all_of_it_is_new(project: Project, tmp_path: Path) -> None:
    found = difference(None, loaded(project, tmp_path, BEFORE))
    assert len(found.new_people) == 6
    assert found.new_teams == ("Engineering", "Engineering/Platform", "Engineering/Web")
    assert (found.moved_people, found.changed_people, found.gone_people) == ((), (), ())
