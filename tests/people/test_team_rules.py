"""Team rules: which is in force where, and what it matches."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadline.people import load_org, tree
from leadline.people.team_rules import TeamRule, deployment_thing, environment_rules, team_rules
from leadline.people.tree import OrgTree
from leadline.settings.profile import Profile
from leadline.settings.rules import integrations_text, parse_filters, parse_integrations

DEVELOPERS = """email,full_name,manager_email,team
top@example.com,Top,,
ann@example.com,Ann,top@example.com,Web
bob@example.com,Bob,top@example.com,Api
wil@example.com,Wil,ann@example.com,Web
wes@example.com,Wes,ann@example.com;bob@example.com,Web
abe@example.com,Abe,bob@example.com,Api
"""


@pytest.fixture
def org(home, project, tmp_path: Path) -> OrgTree:  # type: ignore[no-untyped-def]
    from datetime import UTC, datetime

    path = tmp_path / "people.csv"
    path.write_text(DEVELOPERS)
    load_org(project, path, "Org", now=datetime(2026, 1, 1, tzinfo=UTC))
    return tree(project, "Org")


def node(org: OrgTree, name: str) -> int:
    return next(node.ref_id for node in org.nodes if node.name.startswith(name))


def test_a_rule_is_in_force_below_until_a_team_has_its_own(org: OrgTree) -> None:
    root, web, api = org.root.ref_id, node(org, "Web"), node(org, "Bob")
    profile = Profile.of({f"team.{root}.service": "equals all", f"team.{web}.service": "equals web"})
    rules = team_rules(org, profile)
    in_force = {ref_id: rules.rules[rule].node for ref_id, rule in rules.of_node.items()}
    assert in_force == {root: root, web: web, api: root}
    assert [rules.rules[rule].node for rule in rules.within(org.nodes)] == [root, web]


def test_without_a_rule_above_a_team_has_none(org: OrgTree) -> None:
    web = node(org, "Web")
    rules = team_rules(org, Profile.of({f"team.{web}.pipeline": "contains deploy"}))
    assert rules.of_node == {web: 0}


def test_rules_that_no_deployment_can_be_held_against_are_none(org: OrgTree) -> None:
    web = node(org, "Web")
    profile = Profile.of({f"team.{web}.project": "equals WEB", f"team.{web}.work_type": "feature = Epic"})
    assert team_rules(org, profile).rules == ()


def test_the_environment_rule_of_the_primary_team(org: OrgTree) -> None:
    web, api = node(org, "Web"), node(org, "Bob")
    profile = Profile.of({f"team.{web}.environment": "equals blue", f"team.{api}.service": "equals api"})
    assert environment_rules(org, profile) == {
        "ann@example.com": "equals blue",
        "wil@example.com": "equals blue",
        "wes@example.com": "equals blue",
    }


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("equals a, b", ["B"], True),
        ("equals a, b", ["ab"], False),
        ("equals a", [None], False),
        ("equals a", [], False),
        ("not equals a, b", ["c"], True),
        ("not equals a, b", ["b"], False),
        ("not equals a", [None], True),
        ("not equals a", ["b", "a"], False),
        ("contains ay", ["Payments"], True),
        ("not contains ay", ["Payments"], False),
        ("starts with acme/", ["acme/web"], True),
        ("ends with -api", ["web-api"], True),
        ("starts with acme/; not contains api", ["acme/web-api"], False),
        ("starts with acme/; not contains api", ["acme/web"], True),
    ],
)
def test_filters(text: str, values: list[str | None], expected: bool) -> None:
    assert TeamRule(1, {"service": parse_filters(text)}).matches({"service": values}) is expected


def test_all_sets_must_match_and_tags_answer_for_labels() -> None:
    rule = TeamRule(1, {"repository": parse_filters("equals o/r"), "label": parse_filters("equals team-a")})
    assert rule.matches(deployment_thing(["o/r"], "web", None, "prod", "x;team-a"))
    assert not rule.matches(deployment_thing(["o/r"], "web", None, "prod", "x"))
    assert not rule.matches(deployment_thing(["o/q"], "web", None, "prod", "team-a"))
    # An incident has no labels: the set over these is not asked, and whoever asks can see so.
    assert rule.matches({"repository": ["o/r"], "service": [None]})
    assert rule.asks_beyond({"repository": ["o/r"], "service": [None]})


def test_integrations_of_a_team_as_text():
    used = parse_integrations("im = jira:shop, jira:web,; SCM = github:a=b ; im = jira:shop;")
    assert used == {"SCM": ("github:a=b",), "IM": ("jira:shop", "jira:web")}
    assert integrations_text(used) == "SCM = github:a=b; IM = jira:shop, jira:web"
    assert parse_integrations(integrations_text(used)) == used
    assert integrations_text({}) == integrations_text({"CD": ()}) == ""


@pytest.mark.parametrize("text", ["", " ; ", "SCM =", "SCM", "HR = people", "github:example"])
def test_what_is_no_list_of_integrations(text: str):
    with pytest.raises(ValueError, match=r"SCM|at least one source"):
        parse_integrations(text)
