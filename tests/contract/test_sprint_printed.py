"""The bodies that the vendor's page on sprint exports prints: what is sent as printed is taken, and the answers to create, poll and
list have the printed members, of the printed kinds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.serving import HERE, SPRINT_EXPORTS, Client, Served
from contract.printed import PRINTED
from leadline.db import keys
from leadline.people import tree

SPRINTS = SPRINT_EXPORTS.replace("/sprint/", "/sprints/")
CREATED: dict[str, Any] = {
    "exportId": "exp_7a8b9c0d",
    "createdAt": "2025-12-29T10:00:00Z",
    "createdBy": {"userId": "user_123", "name": "John Doe", "email": None},
    "metadata": {
        "scope": {"teamId": "1", "teamName": "Platform Team"},
        "dateRange": {"start": "2026-01-01", "end": "2026-03-31"},
        "metricGroups": ["work", "delivery", "deliveryAnalysis", "analysis"],
        "options": {
            "computationMode": "STORY_POINTS",
            "metricLevel": "team",
            "granularity": "SPRINT",
            "format": "csv",
            "compression": "gzip",
        },
    },
    "message": "Export created successfully",
}
POLLED: dict[str, Any] = {
    "exportId": "exp_7a8b9c0d",
    "status": "completed",
    "createdAt": "2025-12-29T10:00:00Z",
    "completedAt": "2025-12-29T10:02:15Z",
    "createdBy": {"userId": "user_123", "name": "John Doe", "email": None},
    "scope": {"teamId": "team_456", "teamName": "Platform Team"},
    "download": {
        "url": "/v2/insights/sprints/exports/exp_7a8b9c0d/download",
        "filename": "sprint-insights-platform-team-2024.csv.gz",
        "sizeBytes": 245672,
        "contentType": "text/csv",
        "compression": "gzip",
    },
    "metadata": {
        "dateRange": {"start": "2024-01-01", "end": "2024-12-31"},
        "options": {"metricLevel": "sprint", "granularity": "weekly", "format": "csv", "compression": "gzip"},
    },
}


def lacking(printed: Any, answered: Any, at: str = "") -> list[str]:
    """Where an answer has not what is printed: a member, or one of its kind."""
    if isinstance(printed, dict):
        if not isinstance(answered, dict):
            return [at]
        return [
            where
            for name, value in printed.items()
            for where in (
                lacking(value, answered[name], f"{at}.{name}") if name in answered else [f"{at}.{name} is not there"]
            )
        ]
    return [] if type(printed) is type(answered) else [f"{at} is {answered!r}"]


@pytest.fixture(scope="module")
def client(served: Served) -> Client:
    return Client(served.base, served.keys["viewer"], SPRINT_EXPORTS)


@pytest.fixture(scope="module")
def created(served: Served, client: Client) -> dict[str, Any]:
    root = tree(served.home.project(), "Engineering").root
    body = json.loads((PRINTED / "printed_sprint_body.json").read_text())
    body["scope"]["teamId"] = str(root.ref_id)
    answer = client.create(body)
    assert answer.status == 202, answer.body
    client.wait_for(answer.json["exportId"])
    answered: dict[str, Any] = answer.json
    return answered


def test_the_answer_to_create_is_as_printed(served: Served, created: dict[str, Any]) -> None:
    assert lacking(CREATED, created) == []
    assert set(created) == set(CREATED)
    assert created["metadata"]["options"] == CREATED["metadata"]["options"]
    assert created["metadata"]["metricGroups"] == CREATED["metadata"]["metricGroups"]
    assert created["metadata"]["scope"]["teamName"] == "Engineering"
    key = next(key for key in keys.listed(served.home.db, served.home.project().id) if key.role == "viewer")
    assert created["createdBy"] == {"userId": key.id, "name": key.name, "email": None}


@pytest.mark.parametrize("path", [SPRINT_EXPORTS, SPRINTS])
def test_the_poll_answer_is_as_printed_under_both_paths(client: Client, created: dict[str, Any], path: str) -> None:
    export = created["exportId"]
    polled = client.get(f"{path}/{export}").json
    assert lacking(POLLED, polled) == []
    assert polled["status"] == "completed"
    assert polled["createdBy"] == created["createdBy"]
    download = polled["download"]
    assert download["url"] == f"{SPRINTS}/{export}/download"
    assert download["filename"] == "sprint-insights-engineering-2026-01-01_2026-03-31.csv.gz"
    file = client.get(f"{path}/{export}/download", accept_encoding="gzip")
    assert int(file.headers["content-length"]) == download["sizeBytes"]
    assert 'filename="sprint-insights-engineering-2026-01-01_2026-03-31.csv"' in file.headers["content-disposition"]
    assert client.get(f"{path}/{export}?{HERE}").status == 200


@pytest.mark.parametrize("path", [SPRINT_EXPORTS, SPRINTS])
def test_lists_have_it_under_both_paths(client: Client, created: dict[str, Any], path: str) -> None:
    listed = client.get(f"{path}?{HERE}").json
    (entry,) = (entry for entry in listed["exports"] if entry["exportId"] == created["exportId"])
    assert lacking(POLLED, entry) == []


@pytest.mark.parametrize("path", [SPRINT_EXPORTS, SPRINTS])
def test_what_is_finished_is_not_cancelled_under_either_path(
    client: Client, created: dict[str, Any], path: str
) -> None:
    assert client.send("POST", f"{path}/{created['exportId']}/cancel").status == 409
    assert client.send("DELETE", f"{path}/{created['exportId']}").status == 409


def test_the_template_contradicts_itself_until_one_scope_is_left(client: Client) -> None:
    text = (PRINTED / "printed_sprint_template.json5").read_text()
    assert client.create(text).status == 403  # identifiers of others
    text = text.replace('"orgIdentifier": "string"', '"orgIdentifier": "default"')
    text = text.replace('"projectIdentifier": "string"', '"projectIdentifier": "default"')
    refused = client.create(text)
    assert (refused.status, refused.json["code"]) == (400, "conflicting_scope")
    taken = client.create(text.replace('"orgTreeName": "string",', ""))
    assert taken.status == 202, taken.body
    client.wait_for(taken.json["exportId"])
    file = client.get(f"{SPRINTS}/{taken.json['exportId']}/download", accept_encoding="identity")
    header = file.body.decode().splitlines()[0].split(",")
    # Groups and names, merged: of `deliveryAnalysis` nothing was asked for.
    assert {"Sprint_Commit", "Sprint_Velocity", "Churn_Rate"} <= set(header)
    assert "Committed_Work_Delivered_Percent" not in header


def test_the_catalogue(client: Client) -> None:
    entries = client.get(f"/v2/insights/sprint/metrics?{HERE}").json["metrics"]
    groups = {(entry["column"], entry["group"], *entry["levels"]) for entry in entries}
    printed = {
        ("Sprint_Commit", "work", "team", "sprint"),
        ("Sprint_Velocity", "delivery", "team"),
        ("Total_Delivered_Work_Vs_Committed_Work", "delivery", "team", "sprint"),
        ("Committed_Work_Delivered_Percent", "deliveryAnalysis", "team", "sprint"),
        ("Tickets_Removed_Mid_Sprint", "analysis", "sprint"),
        ("Predictability_Delivery_Consistency", "analysis", "team"),
    }
    assert printed <= groups


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"options": {}}, "missing_field"),
        ({"options": {"granularity": "DAILY"}}, "unsupported_granularity"),
        ({"options": {"granularity": "sprint", "computationMode": "HOURS"}}, "unsupported_computation_mode"),
        ({"metricGroups": ["speed"]}, "unknown_metric_group"),
        ({"metrics": ["Velocity_Of_Light"]}, "unknown_metric"),
        ({"metric": ["Tickets_Removed_Mid_Sprint"]}, "metric_not_at_level"),
        (
            {"options": {"granularity": "weekly", "metricLevel": "team", "aggregationLevel": "sprint"}},
            "conflicting_levels",
        ),
        ({"scope": {}}, "missing_scope"),
    ],
)
def test_what_is_refused(client: Client, changes: dict[str, Any], code: str) -> None:
    body = {
        "scope": {"orgTreeName": "Engineering"},
        "dateRange": {"start": "2026-01-01", "end": "2026-03-31"},
        "options": {"granularity": "weekly"},
    }
    answer = client.create({**body, **changes})
    assert answer.status == 400
    assert answer.json["code"] == code, answer.json


def test_any_case_and_twice_the_same(client: Client) -> None:
    scope = {"scope": {"orgTreeName": "Engineering"}, "dateRange": {"start": "2026-02-01", "end": "2026-02-28"}}
    first = client.create(
        {**scope, "metrics": ["sprint_commit"], "options": {"granularity": "Sprint", "computationMode": "tickets"}}
    )
    second = client.create(
        {**scope, "metric": ["SPRINT_COMMIT"], "options": {"granularity": "SPRINT", "computationMode": "TICKETS"}}
    )
    assert (first.status, second.status) == (202, 200)
    assert second.json["exportId"] == first.json["exportId"]
    assert second.json["message"] == "Using existing export with identical parameters"
