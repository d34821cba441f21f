"""Org trees, their teams and the filters of a team, over a real socket and on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.people import send
from api.serving import Answer, Client, Served, fill, serving
from leadline.db import settings
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
    load_org(database_home.db, database_home.project().id, path, "Sales", now=datetime(2026, 1, 1, tzinfo=UTC))
    with serving(database_home, workers=0) as running:
        yield running


def teams(client: Client, name: str) -> tuple[str, list[dict[str, Any]]]:
    """The address of a tree's teams, and the teams."""
    (tree,) = (each for each in client.get(TREES).json if each["name"] == name)
    path = f"{TREES}/{tree['id']}/teams"
    return path, client.get(path + "?there_is_no_cache=true").json


def filters(client: Client, tree: str, team: str) -> str:
    path, found = teams(client, tree)
    (ref_id,) = (each["refId"] for each in found if each["name"] == team)
    return f"{path}/{ref_id}/settings/integration_filters"


def put(client: Client, path: str, body: Any) -> Answer:
    return send(client, "PUT", path, body)


def test_trees_and_teams(started: Served) -> None:
    found = started.client.get(TREES).json
    assert [(each["name"], each["version"], each["teams"], each["developers"]) for each in found] == [
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
    assert [each["operator"] for each in merged.json["groupedFilters"]["CD"]] == ["IN", "NOT_CONTAINS"]
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
    assert [each["field"] for each in answer.json["details"]] == [field]
    assert admin.get(path).json["rules"] == {}


def test_what_means_nothing_here_is_told(served: Served) -> None:
    admin = served.as_("admin")
    path = filters(admin, "Engineering", "Platform")
    answer = put(admin, path, {"categories": ["x"], "insightConfigs": {}})
    assert answer.json["warnings"] == ["categories: ignored, nothing here is filtered by it"]


def test_who_may_do_what(served: Served) -> None:
    path = filters(served.client, "Engineering", "Platform")
    for address in (TREES, path.partition("/teams")[0] + "/teams", path):
        assert served.client.get(address).status == 200
        assert served.as_("ingestion").get(address).status == 403
        assert Client(served.base).get(address).status == 401
    for role in ("viewer", "ingestion"):
        assert put(served.as_(role), path, {}).status == 403


@pytest.mark.parametrize("odd", ["999", "x", "%00", "0", "-1", "1" * 400, "%F0%9F%98%80"])
def test_what_is_not_there(served: Served, odd: str) -> None:
    path = filters(served.client, "Engineering", "Platform").partition("/teams")[0]
    for address, code in (
        (f"{TREES}/{odd}/teams", "unknown_org_tree"),
        (f"{TREES}/{odd}/teams/1/settings/integration_filters", "unknown_org_tree"),
        (f"{path}/teams/{odd}/settings/integration_filters", "unknown_team"),
    ):
        answer = served.client.get(address)
        assert (answer.status, answer.json["code"]) == (404, code), answer.body
