"""Org trees given directly: the form of JSON and TOML files, and every violation at once."""

from __future__ import annotations

import json

import pytest

from leadline.errors import InvalidInput

from .files import nested_tree_of, outline

ENGINEERING = {
    "key": "eng",
    "manager": {"email": "Ada@example.com", "full_name": "Ada Lund"},
    "members": ["gus@example.com"],
    "children": [
        {
            "name": "Platform",
            "key": "team_abc123",
            "manager": "ben@example.com",
            "members": [
                {"email": "cleo@example.com", "full_name": "Cleo Hart", "role": "SRE", "level": 3, "remote": True},
                {"email": "dan@example.com", "full_name": "Dan Wu"},
            ],
        },
        {"name": "Apps", "members": ["dan@example.com", {"email": "ben@example.com", "full_name": "Ben Moss"}]},
        {"name": "Empty"},
    ],
}


def refused(document: object, *, text: str | None = None, toml: bool = False) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        nested_tree_of(json.dumps(document) if text is None else text, toml=toml)
    return [(detail.field, detail.message) for detail in caught.value.details]


def test_nodes_keys_and_people_of_a_nested_file():
    tree = nested_tree_of(json.dumps(ENGINEERING), name="Engineering")
    assert outline(tree) == [
        ("Engineering", "ada gus"),
        ("Engineering/Apps", "dan ben"),
        ("Engineering/Empty", ""),
        ("Engineering/Platform", "ben cleo dan"),
    ]
    assert [node.key for node in tree.nodes] == ["eng", None, None, "team_abc123"]
    assert tree.find("team_abc123") is tree.nodes[3]
    # The first node in the file is the primary team, wherever it sorts.
    assert tree.by_ref[tree.developers["dan@example.com"].team].name == "Platform"
    assert tree.developers["ben@example.com"].full_name == "Ben Moss"
    assert tree.developers["gus@example.com"].full_name == "gus@example.com"
    assert tree.developers["cleo@example.com"].attributes == {"role": "SRE", "level": "3", "remote": "true"}


def test_toml_says_the_same():
    text = """
        members = [{email = "ada@example.com", full_name = "Ada"}]
        [[children]]
        name = "Platform"
        key = "platform"
        members = ["ben@example.com"]
        [[children.children]]
        name = "Storage"
    """
    tree = nested_tree_of(text, toml=True)
    assert outline(tree) == [("Acme", "ada"), ("Acme/Platform", "ben"), ("Acme/Platform/Storage", "")]


def test_all_violations_are_reported_at_once():
    violations = refused(
        {
            "children": [
                {"key": "a", "members": ["x"]},
                {"name": "B", "key": "a", "childs": [], "members": [{"email": "b@x.example"}, "b@x.example"]},
                {"name": "C", "key": "456", "members": "c@x.example", "manager": 7},
                {
                    "name": "D",
                    "members": [{"email": "d@x.example", "full_name": "D", "tags": ["x"]}, {"full_name": "E"}],
                },
                {"name": "E", "members": [{"email": "d@x.example", "full_name": "Dee"}]},
                "F",
            ],
        }
    )
    assert [
        (where.removeprefix("org.json: root.children"), message.split(": ")[-2]) for where, message in violations
    ] == [
        ("[0]", "REQUIRED_VALUE_MISSING"),
        ("[0].members[0]", "INVALID_EMAIL"),
        ("[1]", "DUPLICATE_KEY"),
        ("[1]", "UNKNOWN_KEY"),
        ("[1].members[0]", "REQUIRED_VALUE_MISSING"),
        ("[1].members[1]", "DUPLICATE_EMAIL"),
        ("[2]", "INVALID_KEY"),
        ("[2].manager", "INVALID_VALUE"),
        ("[2]", "INVALID_VALUE"),
        ("[3].members[0]", "INVALID_VALUE"),
        ("[3].members[1]", "REQUIRED_VALUE_MISSING"),
        ("[4].members[0]", "CONFLICTING_VALUE"),
        ("[5]", "INVALID_VALUE"),
    ]


@pytest.mark.parametrize(
    ("text", "toml", "where", "message"),
    [
        (" ", False, "org.json", "EMPTY_FILE"),
        ('{"name": "A",\n  }', False, "org.json:", "MALFORMED_JSON"),
        ('{"members": ["a@x.example"], "members": []}', False, "org.json", "MALFORMED_JSON: 'members' is given twice"),
        ('{"key": NaN}', False, "org.json", "MALFORMED_JSON: NaN"),
        ("[" * 200_000, False, "org.json", "TOO_DEEP"),
        ("[]", False, "org.json: root", "INVALID_VALUE"),
        ("members = [", True, "org.toml", "MALFORMED_TOML"),
        ('{"name": "A"}', False, "org.json", "NO_TEAM"),
        ('{"members": ["a@x.example"], "key": "\\ud800"}', False, "org.json: root", "key: INVALID_TEXT"),
    ],
)
def test_what_cannot_be_read_is_one_clear_finding(text: str, toml: bool, where: str, message: str):
    violations = refused(None, text=text, toml=toml)
    assert len(violations) == 1
    assert violations[0][0].startswith(where)
    assert violations[0][1].startswith(message)


def test_more_levels_than_any_organization_has_are_refused():
    document: dict = {"name": "leaf", "members": ["a@x.example"]}
    for level in range(100):
        document = {"name": f"level {level}", "children": [document]}
    ((_, message),) = refused(document)
    assert message.startswith("TOO_DEEP: level 101")


def test_nodes_that_nothing_tells_apart_need_keys():
    twins = {"children": [{"name": "Web", "members": ["a@x.example"]}, {"name": "Web", "members": ["b@x.example"]}]}
    ((where, message),) = refused(twins)
    assert where == "org.json: root.children[1]"
    assert message == "AMBIGUOUS_NODE: root.children[0] has the same names; give both a key"
    for number, child in enumerate(twins["children"]):
        child["key"] = f"web_{number}"
    assert len(nested_tree_of(json.dumps(twins)).nodes) == 3


def test_one_manager_of_several_nodes_does_not_make_them_one():
    both = {"children": [{"name": name, "manager": "a@x.example"} for name in ("Web", "Mobile")]}
    assert outline(nested_tree_of(json.dumps(both))) == [("Acme", ""), ("Acme/Mobile", "a"), ("Acme/Web", "a")]
