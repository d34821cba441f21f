"""Teams and org trees as agents ask for them: what the routes of org trees and developers say, too."""

from __future__ import annotations

from typing import Any

import pytest

from agents.conftest import Agent
from api.people import send
from api.serving import Client, Served
from leadline.settings.profile import SETTINGS


def of_tree(agent: Agent) -> tuple[int, list[dict[str, Any]]]:
    """The tree, and its teams as its own route lists them."""
    tree = agent.get("/v2/org-trees").json["orgTrees"][0]["id"]
    return tree, agent.get(f"/v2/org-trees/{tree}/teams").json["teams"]


def test_the_list_has_the_teams_of_the_tree(agent: Agent) -> None:
    tree, teams = of_tree(agent)
    listed = agent.get("/v2/teams/list", pageSize=100).json
    assert (listed["total"], listed["page"], listed["pageSize"]) == (len(teams), 0, 100)
    for one, team in zip(listed["content"], teams, strict=True):
        assert one.items() >= {name: team[name] for name in team.keys() & one.keys()}.items()
        assert one["orgTreeId"] == tree
        assert agent.get(f"/v2/teams/{one['refId']}/team_info").json == one
    leaves = agent.get("/v2/teams/list", leafTeamsOnly="true", size=100).json["content"]
    assert leaves == [one for one in listed["content"] if one["leaf"]]
    assert 0 < len(leaves) < len(teams)
    pages = [agent.get("/v2/teams/list", page=page, pageSize=4).json["content"] for page in range(len(teams) // 4 + 1)]
    assert [one for page in pages for one in page] == listed["content"]


def test_teams_are_nested_beside_their_list(agent: Agent) -> None:
    tree, teams = of_tree(agent)
    (root,) = agent.get(f"/v2/org-trees/{tree}/teams").json["nested"]

    def walk(team: dict[str, Any], parent: int | None) -> list[tuple[int, str, int | None]]:
        below = [entry for child in team["children"] for entry in walk(child, team["refId"])]
        return [(team["refId"], team["name"], parent), *below]

    assert walk(root, None) == [(team["refId"], team["name"], team["parentRefId"]) for team in teams]


def test_one_tree_is_as_it_is_listed(agent: Agent) -> None:
    (listed,) = agent.get("/v2/org-trees").json["orgTrees"]
    assert agent.get(f"/v2/org-trees/{listed['id']}").json == listed
    for path in ("", "/integrations", "/efficiency_profile", "/productivity_profile", "/businessAlignmentProfile"):
        answer = agent.get(f"/v2/org-trees/999{path}")
        assert (answer.status, answer.json["code"]) == (404, "unknown_org_tree")


def test_developers_of_a_team_are_those_of_it_and_below(agent: Agent) -> None:
    for team in agent.teams().values():
        answer = agent.get(f"/v2/teams/{team['refId']}/developers", size=100).json
        assert answer["total"] == len(answer["content"]) == team["developers"]
        inside = [
            one["email"]
            for one in agent.get("/v2/developers", limit=1000).json["developers"]
            if any((of["hierarchy"] + "/").startswith(team["hierarchy"] + "/") for of in one["teams"])
        ]
        assert [one["email"] for one in answer["content"]] == inside
    first = agent.get(f"/v2/teams/{team['refId']}/developers", page=0, pageSize=1).json
    assert (first["pageSize"], len(first["content"])) == (1, 1)


def test_a_profile_has_the_settings_in_force(served: Served, agent: Agent) -> None:
    tree, _ = of_tree(agent)
    name = agent.get(f"/v2/org-trees/{tree}").json["name"]
    admin = Client(served.base, served.keys["admin"])
    changed = send(admin, "PATCH", f"/v2/settings?orgTreeName={name}", {"values": {"lead_time.order": "exceptions"}})
    assert changed.status == 200
    try:
        profiles = {
            kind: agent.get(f"/v2/org-trees/{tree}/{kind}").json
            for kind in ("efficiency_profile", "productivity_profile", "businessAlignmentProfile")
        }
    finally:
        send(admin, "PATCH", f"/v2/settings?orgTreeName={name}", {"values": {"lead_time.order": None}})
    assert {profile["profileRefId"] for profile in profiles.values()} == {tree}
    efficiency, productivity, _ = (profile["settings"] for profile in profiles.values())
    assert efficiency["lead_time.order"] == "exceptions"
    assert efficiency["ratings.lead_time.elite"] == SETTINGS["ratings.lead_time.elite"].default
    assert productivity["pr_size.small"] == "10"
    assert not efficiency.keys() & productivity.keys() - {"timezone"}


def test_sources_and_filters_of_a_team(served: Served, agent: Agent) -> None:
    tree, teams = of_tree(agent)
    admin = Client(served.base, served.keys["admin"])
    identifiers = "orgIdentifier=default&projectIdentifier=default"
    source = {"kind": "pagerduty", "token": {"file": "pagerduty"}, "name": "calls"}
    made = send(admin, "POST", f"/v2/sources?{identifiers}", source)
    assert made.status == 200, made.body
    team = teams[1]["refId"]
    settings = f"/v2/org-trees/{tree}/teams/{team}/settings"
    used = [{"integrationName": "calls", "type": "INCIDENT"}]
    filters = {"SCM": [{"filterKey": "REPO_ID", "operator": "IN", "values": ["acme/shop"]}]}
    filters["CD"] = [{"filterKey": "SERVICE", "operator": "IN", "values": ["shop"]}]
    assert send(admin, "PUT", f"{settings}/integrations", {"integrations": used}).status == 200
    assert send(admin, "PUT", f"{settings}/integration_filters", {"groupedFilters": filters}).status == 200
    own = agent.get(f"{settings}/integrations").json
    assert (
        agent.get(f"/v2/teams/{team}/integrations").json == own == agent.get(f"/v2/org-trees/{tree}/integrations").json
    )
    assert own["integrations"][0].items() >= {"integrationName": "calls", "kind": "pagerduty"}.items()
    whole = agent.get(f"/v2/teams/{team}/integration_filters").json
    assert whole == agent.get(f"{settings}/integration_filters").json
    for word, groups in (
        ("SCM", ["SCM"]),
        ("cd", ["CD"]),
        ("CI", ["CD"]),
        ("IM", []),
        ("pagerduty", []),
        ("github", []),
    ):
        answer = agent.get(f"/v2/teams/{team}/integration_filters", integrationType=word).json
        assert list(answer["groupedFilters"]) == groups
        assert len(answer["rules"]) == len(groups)


@pytest.mark.parametrize("route", ["team_info", "developers", "integrations", "integration_filters"])
def test_a_team_that_there_is_not(agent: Agent, route: str) -> None:
    for team in ("999999", "never", "%2e", "0123"):
        answer = agent.get(f"/v2/teams/{team}/{route}")
        assert (answer.status, answer.json["code"]) == (404, "unknown_team")


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/v2/teams/list", {"pageSize": 101}, "pageSize"),
        ("/v2/teams/list", {"page": "one"}, "page"),
        ("/v2/teams/list", {"leafTeamsOnly": "perhaps"}, "leafTeamsOnly"),
        ("/v2/teams/{team}/developers", {"size": 0}, "size"),
        ("/v2/teams/{team}/integration_filters", {"integrationType": "Fax"}, "integrationType"),
    ],
)
def test_parameters_that_are_none(agent: Agent, path: str, query: dict[str, Any], field: str) -> None:
    team = next(iter(agent.teams().values()))["refId"]
    answer = agent.get(path.format(team=team), **query)
    assert (answer.status, answer.json["code"]) == (400, "invalid_parameter")
    assert answer.json["details"][0]["field"] == field
