"""A tool's teams as a nested tree: keys that are unique and stay, people at their first place with a name, strangers told."""

from __future__ import annotations

from leadline.people.tool_teams import Membership, Person, team_tree

PEOPLE = {"ada": Person("ada@example.com", "Ada"), "ben": Person("ben@example.com")}


def test_a_tree_of_teams() -> None:
    memberships = [
        Membership("acme/web/shop", ["Web", "Shop"], "ben"),
        Membership("acme/web", ["Web"], "ada"),
        Membership("acme/web/shop", ["Web", "Shop"], "ada"),
        Membership("acme/data", ["Data"], "zoe"),
    ]
    document, unknown = team_tree("acme", memberships, PEOPLE)
    assert unknown == ["zoe"]
    shop = {"name": "Shop", "key": "shop", "members": ["ada@example.com", "ben@example.com"]}
    ada = {"email": "ada@example.com", "full_name": "Ada"}
    assert document == {
        "name": "acme",
        "children": [
            {"name": "Data", "key": "data"},
            {"name": "Web", "key": "web", "members": [ada], "children": [shop]},
        ],
    }


def test_a_slug_of_several_teams_gives_way_to_their_paths() -> None:
    paths = ("acme/web/core", "acme/data/core", "acme/core", "acme/7")
    document, _ = team_tree("acme", [Membership(path, path.split("/")[1:], "ada") for path in paths], PEOPLE)
    keys = [(team["key"], [child["key"] for child in team.get("children", ())]) for team in document["children"]]
    assert keys == [("team-7", []), ("core", []), ("data", ["data--core"]), ("web", ["web--core"])]
