"""A path stands for one team, whatever teams are called, and can be taken apart."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.home import Project
from leadline.people import load_org, tree
from leadline.people.lookup import find_team
from leadline.people.tree import Node, OrgTree, path_part, with_paths

NOW = datetime(2026, 4, 1, tzinfo=UTC)
NAMES = st.lists(
    st.sampled_from(["Web", "Web/App", "Web;App", "a%2Fb", "a/b", "C#12", "C#", "C", "100%", "%", "Ünï"]), max_size=9
)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Platform", "Platform"),
        ("Web / Mobile", "Web %2F Mobile"),
        ("R&D; Core", "R&D%3B Core"),
        ("100% remote", "100% remote"),
        ("a%2Fb", "a%252Fb"),
        ("C#", "C#"),
        ("Core#12", "Core%2312"),
    ],
)
def test_names_in_paths(name: str, part: str) -> None:
    assert path_part(name) == part
    assert unquote(part) == name


@given(names=NAMES, data=st.data())
def test_paths_are_unique_and_can_be_taken_apart(names: list[str], data: st.DataObject) -> None:
    nodes = [Node(1, None, "Root", None, "", 0, 0, None, ())]
    for at, name in enumerate(names, start=2):
        above = data.draw(st.sampled_from(nodes))
        nodes.append(Node(at, None, name, above.ref_id, "", above.depth + 1, at, None, ()))
    made = OrgTree(1, "Root", 1, with_paths(nodes), {})
    assert len({node.path for node in made.nodes}) == len(nodes)
    for node in made.nodes:
        parts = node.path.split("/")
        parts[-1] = parts[-1].removesuffix(f"#{node.ref_id}")
        assert unquote(parts[-1]) == node.name
        assert len(parts) == node.depth + 1
        assert ";" not in node.path
        assert made.find(str(node.ref_id)) == node
        assert node.depth == 0 or made.find(node.path) == node


def test_siblings_of_one_name_keep_their_paths(project: Project, tmp_path: Path) -> None:
    def load(*rows: str) -> dict[str, int]:
        file = tmp_path / "list.csv"
        file.write_text("email,full_name,manager_email,team\n" + "\n".join(rows) + "\n")
        load_org(project, file, "All", now=NOW)
        return {node.path: node.ref_id for node in tree(project, "All").nodes}

    top = ["ada@x.test,Ada,,", "b1@x.test,B1,ada@x.test,Web; Core", "b2@x.test,B2,b1@x.test,Web; Core"]
    first = load(*top)
    twin = ["a1@x.test,A1,ada@x.test,Web; Core", "a2@x.test,A2,a1@x.test,Web; Core"]
    both = load(*top, *twin)
    assert first == {"All": both["All"], "All/Web%3B Core": both["All/Web%3B Core"]}
    (other,) = both.keys() - first.keys()
    assert other == f"All/Web%3B Core#{both[other]}"
    assert find_team(project, other)[1].manager == "a1@x.test"
    assert find_team(project, "All/Web%3B Core")[1].manager == "b1@x.test"


def test_a_tree_that_was_stored_before_has_such_paths(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "tree.json"
    child = {"name": "Web / App", "members": [{"email": "ada@x.test", "full_name": "Ada"}]}
    file.write_text(json.dumps({"name": "All", "children": [child]}))
    load_org(project, file, "All", now=NOW)
    with project.db.write() as connection:
        text = connection.exec_driver_sql("SELECT content FROM org_tree_versions").scalar_one()
        before = text.replace("All/Web %2F App", "All/Web / App")
        assert before != text
        connection.exec_driver_sql("UPDATE org_tree_versions SET content = ?", (before,))
    assert [node.path for node in tree(project, "All").nodes] == ["All", "All/Web %2F App"]
    assert not load_org(project, file, "All", now=NOW, check=True).changed
