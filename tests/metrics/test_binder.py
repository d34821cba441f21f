"""Teams are asked for by ref id or by key, and `Team_Id` names them in the export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from leadline.home import Project
from leadline.people import load_org, tree

from .world import NOW, TREE, export_bytes, read_csv

DOCUMENT = {
    "name": TREE,
    "members": ["ceo@example.com"],
    "children": [
        {"name": "Apps", "key": "team_abc123", "members": ["ann@example.com"]},
        {"name": "Core", "members": ["kim@example.com"]},
    ],
}


def body(level: str, **scope: Any) -> dict[str, Any]:
    return {
        "scope": scope,
        "dateRange": {"start": "2026-01-01", "end": "2026-03-31"},
        "metrics": ["PR_Merged"],
        "options": {"aggregationLevel": level},
    }


def test_a_team_by_ref_id_or_key_alone_or_with_its_tree(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    load_org(project, path, TREE, now=NOW)
    nodes = {node.path: node for node in tree(project, TREE).nodes}
    apps = nodes["Engineering/Apps"]

    scopes = [{"teamId": str(apps.ref_id)}, {"teamId": "team_abc123"}, {"teamId": "team_abc123", "orgTreeName": TREE}]
    for level in ("developer", "team"):
        answers = {export_bytes(project, body(level, **scope), tmp_path) for scope in scopes}
        assert len(answers) == 1
        header, *rows = read_csv(answers.pop())
        assert len(rows) == 3
        assert {row[header.index("Team_Hierarchy")] for row in rows} == {"Engineering/Apps"}

    header, *rows = read_csv(export_bytes(project, body("team", orgTreeName=TREE), tmp_path))
    named = [(row[header.index("Team_Hierarchy")], row[header.index("Team_Id")]) for row in rows[:3]]
    assert named[0] == (TREE, str(nodes[TREE].ref_id))
    assert [path for path, _ in named] == [TREE, "Engineering/Apps", "Engineering/Core"]
    assert named[1][1] in {str(apps.ref_id), "team_abc123"}  # either spelling works as a teamId
    assert named[2][1] == str(nodes["Engineering/Core"].ref_id)
