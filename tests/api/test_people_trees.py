"""Org trees, their teams, the filters of a team and the sources it uses, over a real socket and on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.people import send
from api.serving import Answer, Client, Served, fill, serving
from leadline.db import settings, sources
from leadline.home import Home
from leadline.people import load_org

TREES = "/v2/org-trees"

NESTED = {
    "members": ["sue@example.org"],
    "children": [
        {"name": "Inside", "key": "team_in", "members": ["x@example.org", "y@example.org"]},
        {"name": "Outside", "key": "a.b", "members": ["y@example.org"]},
    ],
}


@pytest.fixture
def started(database_home: Home, tmp_path: Path) -> Iterator[Served]:
    """A server with the trees Engineering (of a list) and Sales (nested, with keys)."""
    fill(database_home.project(), tmp_path)
    path = tmp_path / "sales.json"
    path.write_text(json.dumps(NESTED))
    load_org(database_home.project(), path, "Sales", now=datetime(2026, 1, 1, tzinfo=UTC))
    with serving(database_home, workers=0) as running:
        yield running


def teams(client: Client, name: str) -> tuple[str, list[dict[str, Any]]]:
    """The address of a tree's teams, and the teams."""
    (tree,) = (row for row in client.get(TREES).json["orgTrees"] if row["name"] == name)
    path = f"{TREES}/{tree['id']}/teams"
    return path, client.get(path + "?there_is_no_cache=true").json["teams"]


def filters(client: Client, tree: str, team: str) -> str:
    path, found = teams(client, tree)
    (ref_id,) = (one["refId"] for one in found if one["name"] == team)
    return f"{path}/{ref_id}/settings/integration_filters"


def integrations(client: Client, tree: str, team: str) -> str:
    return filters(client, tree, team).replace("integration_filters", "integrations")


def configured(home: Home, *names: str) -> list[int]:
    """Configured sources, named by kind and a colon; their ids."""
    project = home.project()
    for name in names:
        sources.add(home.db, project.id, name, name.partition(":")[0], {}, datetime(2026, 1, 1, tzinfo=UTC))
    known = {row.name: row.id for row in sources.listed(home.db, project.id)}
    return [known[name] for name in names]


def put(client: Client, path: str, body: Any) -> Answer:
    return send(client, "PUT", path, body)


def test_trees_and_teams(started: Served) -> None:
    found = started.client.get(TREES).json["orgTrees"]
    assert [(one["name"], one["version"], one["teams"], one["developers"]) for one in found] == [
        ("Engineering", 1, 2, 4),
        ("Sales", 1, 3, 3),
    ]
    assert found[1]["loadedAt"] == "2026-01-01T00:00:00Z"
    _, of_sales = teams(started.client, "Sales")
    root, inside, outside = of_sales
    assert (root["parentRefId"], root["hierarchy"], root["developers"], root["ownDevelopers"], root["leaf"]) == (
        None,
        "Sales",
        3,
        1,
        False,
    )
    assert (inside["key"], inside["hierarchy"], inside["parentRefId"], inside["developers"], inside["leaf"]) == (
        "team_in",
        "Sales/Inside",
        root["refId"],
        2,
        True,
    )
    assert found[1]["rootRefId"] == root["refId"]
    assert outside["depth"] == 1


DOCUMENTED = {
    "groupedFilters": {
        "SCM": [
            {
                "integrationId": 17,
                "integrationName": "Bitbucket-Prod",
                "filterKey": "REPO_ID",
                "operator": "IN",
                "values": ["org/app", "org/web"],
            }
        ]
    },
    "categories": [],
    "insightConfigs": {},
    "metricsUsingDeveloperFilters": [],
}


def test_filters_are_the_settings_of_the_team(started: Served) -> None:
    admin, db, project = started.as_("admin"), started.home.db, started.home.project()
    path = filters(started.client, "Engineering", "Platform")
    ref_id = path.split("/")[-3]
    assert admin.get(path).json == {"groupedFilters": {}, "rules": {}}
    answer = put(admin, path, DOCUMENTED)
    assert answer.status == 200, answer.body
    entry = {"filterKey": "REPO_ID", "operator": "IN", "values": ["org/app", "org/web"]}
    assert answer.json == {
        "groupedFilters": {"SCM": [entry]},
        "rules": {"repository": "equals org/app, org/web"},
    }
    assert settings.stored(db, project.id, "Engineering") == {f"team.{ref_id}.repository": "equals org/app, org/web"}
    merged = put(admin, path, {"rules": {"environment": "equals prod; not contains test", "work_type": "bug = Bug"}})
    assert merged.json["rules"] == {
        "repository": "equals org/app, org/web",
        "environment": "equals prod; not contains test",
        "work_type": "bug = Bug",
    }
    assert [rule["operator"] for rule in merged.json["groupedFilters"]["CD"]] == ["IN", "NOT_CONTAINS"]
    assert merged.json == started.client.get(path).json
    emptied = put(admin, path, {"rules": {"work_type": None}, "groupedFilters": {"x": [{**entry, "values": []}]}})
    assert emptied.json["rules"] == {"environment": "equals prod; not contains test"}
    assert put(admin, path, {}).json == emptied.json


def test_one_teams_filters_put_to_another(started: Served) -> None:
    admin = started.as_("admin")
    source, target = filters(admin, "Engineering", "Platform"), filters(admin, "Sales", "Inside")
    rules = {"service": "starts with shop", "repository": "contains x; not equals x/y"}
    assert put(admin, source, {"rules": rules}).json["rules"] == rules
    copied = put(admin, target, admin.get(source).json)
    assert copied.json == admin.get(source).json
    project = started.home.project()
    assert set(settings.stored(started.home.db, project.id, "Sales")) == {
        "team.team_in.service",
        "team.team_in.repository",
    }


def test_settings_made_elsewhere_are_seen_and_replaced(started: Served) -> None:
    admin, db, project = started.as_("admin"), started.home.db, started.home.project()
    path = filters(admin, "Sales", "Outside")
    ref_id = path.split("/")[-3]
    settings.put(db, project.id, {f"team.{ref_id}.tag": "equals a", "team.a.b.label": "equals z"}, "Sales")
    assert admin.get(path).json["rules"] == {"tag": "equals a", "label": "equals z"}
    assert put(admin, path, {"rules": {"tag": "equals b"}}).json["rules"] == {"tag": "equals b", "label": "equals z"}
    by_key = "/".join([*path.split("/")[:-3], "a.b", *path.split("/")[-2:]])
    assert admin.get(by_key).json == admin.get(path).json
    settings.put(db, project.id, {"team.a.b.service": "equals s"})
    assert admin.get(path).json["rules"]["service"] == "equals s"
    answer = put(admin, path, {"rules": {"service": None, "tag": None}})
    assert (answer.status, answer.json["code"]) == (409, "project_setting")
    assert admin.get(path).json["rules"]["tag"] == "equals b", "nothing was changed"


def entry(**changed: Any) -> dict[str, Any]:
    return {"groupedFilters": {"SCM": [{"filterKey": "REPO_ID", "operator": "IN", "values": ["a"], **changed}]}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (entry(filterKey="STATUS_CATEGORY"), "groupedFilters.SCM[0].filterKey"),
        (entry(filterKey=None), "groupedFilters.SCM[0].filterKey"),
        (entry(operator="LIKE"), "groupedFilters.SCM[0].operator"),
        (entry(values="a"), "groupedFilters.SCM[0].values"),
        (entry(values=["a,b"]), "groupedFilters.SCM[0].values"),
        (entry(values=[""]), "groupedFilters.SCM[0].values"),
        ({"groupedFilters": []}, "groupedFilters"),
        ({"groupedFilters": {"SCM": {}}}, "groupedFilters"),
        ({"groupedFilters": {"SCM": [1]}}, "groupedFilters.SCM[0]"),
        ({"rules": {"colour": "equals red"}}, "rules.colour"),
        ({"rules": {"repository": "about a"}}, "rules.repository"),
        ({"rules": {"repository": 1}}, "rules.repository"),
        ({"rules": {"work_type": "bug"}}, "rules.work_type"),
        ({"rules": []}, "rules"),
        ({**entry(), "rules": {"repository": "equals b"}}, "rules.repository"),
        ({"repository": "equals a"}, "repository"),
    ],
)
def test_filters_that_cannot_be(served: Served, body: dict[str, Any], field: str) -> None:
    admin = served.as_("admin")
    path = filters(admin, "Engineering", "Platform")
    answer = put(admin, path, {"rules": {"tag": "equals t"}, **body} if "rules" not in body else body)
    assert (answer.status, answer.json["code"]) == (400, "invalid_filters"), answer.body
    assert [detail["field"] for detail in answer.json["details"]] == [field]
    assert admin.get(path).json["rules"] == {}


def test_what_means_nothing_here_is_told(served: Served) -> None:
    admin = served.as_("admin")
    path = filters(admin, "Engineering", "Platform")
    answer = put(admin, path, {"categories": ["x"], "insightConfigs": {}})
    assert answer.json["warnings"] == ["categories: ignored, nothing here is filtered by it"]


def test_integrations_are_configured_sources_merged(started: Served) -> None:
    admin, home = started.as_("admin"), started.home
    path = integrations(admin, "Sales", "Inside")
    github, jira = configured(home, "github:acme", "jira:shop")
    assert started.client.get(path).json == {"integrations": []}
    documented = {
        "integrations": [
            {"integrationId": jira, "integrationName": "jira:shop", "type": "IM"},
            {"integrationId": github, "type": "SCM"},
        ]
    }
    scm = {"integrationId": github, "integrationName": "github:acme", "type": "SCM", "kind": "github"}
    tracker = {"integrationId": jira, "integrationName": "jira:shop", "type": "IM", "kind": "jira"}
    assert put(admin, path, documented).json == {"integrations": [scm, tracker]}
    added = put(admin, path, {"integrations": [{"integrationName": "github:acme", "type": " cd"}]})
    assert added.json == {"integrations": [scm, tracker, {**scm, "type": "CD"}]}
    again = put(admin, path, {"integrations": [{"integrationName": "jira:shop", "type": "itsm"}]})
    assert again.json == added.json == started.client.get(path).json
    stored = settings.stored(home.db, home.project().id, "Sales")
    assert stored == {"team.team_in.integrations": "SCM = github:acme; IM = jira:shop; CD = github:acme"}
    assert admin.get(path.replace("integrations", "integration_filters")).json == {"groupedFilters": {}, "rules": {}}
    # What one team answers can be put to another.
    other = integrations(admin, "Engineering", "Platform")
    assert put(admin, other, added.json).json == added.json
    gone = put(admin, path, {"integrations": [{"integrationId": github, "type": None}]})
    assert gone.json == {"integrations": [tracker]}
    assert put(admin, path, {"integrations": []}).json == gone.json
    assert put(admin, path, {"integrations": [{**tracker, "type": None}]}).json == {"integrations": []}
    assert settings.stored(home.db, home.project().id, "Sales") == {}
    assert admin.get(other).json == added.json


def test_a_source_that_is_removed_is_shown_again_when_it_is_added_again(started: Served) -> None:
    admin, home = started.as_("admin"), started.home
    path = integrations(admin, "Engineering", "Platform")
    configured(home, "github:acme", "jenkins:ci")
    used = [{"integrationName": "github:acme", "type": "SCM"}, {"integrationName": "jenkins:ci", "type": "CI"}]
    put(admin, path, {"integrations": used})
    sources.remove(home.db, home.project().id, "github:acme")
    assert [integration["integrationName"] for integration in admin.get(path).json["integrations"]] == ["jenkins:ci"]
    assert put(admin, path, {"integrations": used}).status == 400
    moved = put(admin, path, {"integrations": [{**used[1], "type": "CD"}]})
    assert [integration["type"] for integration in moved.json["integrations"]] == ["CI", "CD"]
    (number,) = configured(home, "github:acme")
    assert admin.get(path).json["integrations"][0]["integrationId"] == number


def test_integrations_of_the_whole_project_cannot_be_taken_away_from_one_team(started: Served) -> None:
    admin, home = started.as_("admin"), started.home
    path = integrations(admin, "Sales", "Inside")
    configured(home, "github:acme")
    settings.put(home.db, home.project().id, {"team.team_in.integrations": "scm = github:acme"})
    (found,) = admin.get(path).json["integrations"]
    assert (found["integrationName"], found["type"]) == ("github:acme", "SCM")
    answer = put(admin, path, {"integrations": [{**found, "type": None}]})
    assert (answer.status, answer.json["code"]) == (409, "project_setting")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["integrations"]),
        ({"integrations": {}}, ["integrations"]),
        ({"integrations": [], "categories": []}, ["categories"]),
        ({"integrations": [1]}, ["integrations[0]"]),
        ({"integrations": [{"type": "SCM"}]}, ["integrations[0].integrationId"]),
        ({"integrations": [{"integrationId": 999, "type": "SCM"}]}, ["integrations[0].integrationId"]),
        ({"integrations": [{"integrationId": True, "type": "SCM"}]}, ["integrations[0].integrationId"]),
        ({"integrations": [{"integrationId": "1", "type": "SCM"}]}, ["integrations[0].integrationId"]),
        ({"integrations": [{"integrationName": "Jira-Prod", "type": "IM"}]}, ["integrations[0].integrationName"]),
        ({"integrations": [{"integrationName": 7, "type": "IM"}]}, ["integrations[0].integrationName"]),
        ({"integrations": [{"integrationName": "git:odd, one", "type": "SCM"}]}, ["integrations[0].integrationName"]),
        ({"integrations": [{"integrationName": "github:acme"}]}, ["integrations[0].type"]),
        ({"integrations": [{"integrationName": "github:acme", "type": "HR"}]}, ["integrations[0].type"]),
        ({"integrations": [{"integrationName": "github:acme", "type": 1}]}, ["integrations[0].type"]),
        (
            {"integrations": [{"integrationName": "github:acme", "type": each} for each in ("SCM", None)]},
            ["integrations[1].type"],
        ),
        (
            {"integrations": [{"integrationName": "github:acme", "type": "SCM", "colour": "red"}, {"type": 1}]},
            ["integrations[0].colour", "integrations[1].integrationId", "integrations[1].type"],
        ),
    ],
)
def test_integrations_that_cannot_be(served: Served, body: dict[str, Any], fields: list[str]) -> None:
    admin = served.as_("admin")
    if not sources.listed(served.home.db, served.home.project().id):
        configured(served.home, "github:acme", "git:odd, one")
    path = integrations(admin, "Engineering", "Platform")
    answer = put(admin, path, body)
    assert (answer.status, answer.json["code"]) == (400, "invalid_integrations"), answer.body
    assert [detail["field"] for detail in answer.json["details"]] == fields
    assert admin.get(path).json == {"integrations": []}


def test_an_id_and_the_name_of_another_are_refused(started: Served) -> None:
    admin = started.as_("admin")
    number, _ = configured(started.home, "github:acme", "jira:shop")
    body = {"integrations": [{"integrationId": number, "integrationName": "jira:shop", "type": "IM"}]}
    answer = put(admin, integrations(admin, "Sales", "Inside"), body)
    assert (answer.status, answer.json["code"]) == (400, "invalid_integrations")
    assert "that is github:acme, not jira:shop" in answer.json["error"]


def test_who_may_do_what(served: Served) -> None:
    path = filters(served.client, "Engineering", "Platform")
    sources_used = integrations(served.client, "Engineering", "Platform")
    for address in (TREES, path.partition("/teams")[0] + "/teams", path, sources_used):
        assert served.client.get(address).status == 200
        assert served.as_("ingestion").get(address).status == 403
        assert Client(served.base).get(address).status == 401
    for role in ("viewer", "ingestion"):
        assert put(served.as_(role), path, {}).status == 403
        assert put(served.as_(role), sources_used, {"integrations": []}).status == 403


@pytest.mark.parametrize("odd", ["999", "x", "%00", "0", "-1", "1" * 400, "%F0%9F%98%80"])
def test_what_is_not_there(served: Served, odd: str) -> None:
    path = filters(served.client, "Engineering", "Platform").partition("/teams")[0]
    for address, code in (
        (f"{TREES}/{odd}/teams", "unknown_org_tree"),
        (f"{TREES}/{odd}/teams/1/settings/integration_filters", "unknown_org_tree"),
        (f"{path}/teams/{odd}/settings/integration_filters", "unknown_team"),
        (f"{path}/teams/{odd}/settings/integrations", "unknown_team"),
    ):
        answer = served.client.get(address)
        assert (answer.status, answer.json["code"]) == (404, code), answer.body
