"""Team rules: which is in force where, and what it matches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from leadline.errors import InvalidRequest
from leadline.people import load_org, tree
from leadline.people.team_rules import TeamRule, by_developer, deployment_thing, production_of_people, team_rules
from leadline.people.tree import OrgTree
from leadline.settings.event_sources import DeploymentSource, deployment_sources
from leadline.settings.profile import Profile, split_key
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


def test_what_developers_have_of_the_nearest_team_with_a_value(org: OrgTree) -> None:
    """Of the primary team, each setting by itself, by ref id or key; an empty value is one, too."""
    root, web = org.root.ref_id, node(org, "Web")
    name = "pull_requests.base_branches"
    profile = Profile.of(
        {f"team.{root}.{name}": "main", f"team.{web}.{name}": "", f"team.{web}.work_type": "bug = Bug"}
    )
    names = {email.split("@")[0]: text for email, text in by_developer([org], profile, name).items()}
    assert names == {"top": "main", "bob": "main", "abe": "main", "ann": "", "wil": "", "wes": ""}
    assert {email[:3] for email in by_developer([org], profile, "work_type")} == {"ann", "wil", "wes"}
    assert by_developer([org], Profile.of({f"team.999.{name}": "main"}), name) == {}


def test_rules_that_no_deployment_can_be_held_against_are_none(org: OrgTree) -> None:
    web = node(org, "Web")
    profile = Profile.of({f"team.{web}.project": "equals WEB", f"team.{web}.work_type": "feature = Epic"})
    assert team_rules(org, profile).rules == ()


def test_the_environment_rule_of_the_primary_team(org: OrgTree) -> None:
    web, api = node(org, "Web"), node(org, "Bob")
    profile = Profile.of({f"team.{web}.environment": "equals blue", f"team.{api}.service": "equals api"})
    blue = ("equals blue", 0)
    assert production_of_people(org, profile) == dict.fromkeys(
        ("ann@example.com", "wil@example.com", "wes@example.com"), blue
    )


def test_the_nearest_team_says_where_deployments_and_incidents_come_from(org: OrgTree) -> None:
    web, api, root = node(org, "Web"), node(org, "Bob"), org.root.ref_id
    profile = Profile.of(
        {
            f"team.{root}.deployments.source": "merges",
            f"team.{root}.incident.project": "equals OPS",
            f"team.{web}.releases.tags": "v*",
            f"team.{web}.service": "equals web",
        }
    )
    sources = deployment_sources(profile)
    rules = team_rules(org, profile)
    assert sources[rules.sources_of(root).deployments] == DeploymentSource("merges")
    assert sources[rules.sources_of(web).deployments] == DeploymentSource("auto", tags=("v*",))
    assert rules.sources_of(api) == replace(rules.sources_of(root), claims=False)
    assert rules.sources_of(root).claims
    assert [rule.deployments for rule in rules.rules] == [rules.sources_of(web).deployments]
    people = production_of_people(org, profile)
    assert people["wil@example.com"] == (None, rules.sources_of(web).deployments)
    assert people["abe@example.com"] == (None, rules.sources_of(root).deployments)


def test_a_rule_above_is_in_force_with_the_sources_of_those_below(org: OrgTree) -> None:
    web, root = node(org, "Web"), org.root.ref_id
    profile = Profile.of({f"team.{root}.service": "equals x", f"team.{web}.deployments.source": "releases"})
    rules = team_rules(org, profile)
    assert [(rule.node, rule.deployments) for rule in rules.rules] == [(root, 0), (root, 1)]
    assert rules.of_node[web] == 1


def test_names_of_rules_with_a_dot() -> None:
    assert split_key("team.a.b.incident.project") == ("team", "a.b", "incident.project")
    assert split_key("team.4.project") == ("team", "4", "project")
    for key in ("team.deployments.source", "team.4.source", "team..repository", "squad.4.repository"):
        with pytest.raises(InvalidRequest, match="There is no setting"):
            split_key(key)


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
