"""The documented request for time in status, and the answers as they are printed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.serving import HERE, Client, Served
from contract.printed import BASES

PATH = "/v2/insights/ticket-data/exports"
BODY = """{
  "scope": {"teamId": "team_abc123", "orgIdentifier": "default", "projectIdentifier": "default"},
  "dateRange": {"start": "2025-01-01", "end": "2025-12-31"},
  "issueStatuses": ["In Progress", "In Review"], // any letter case
  "options": {"aggregationLevel": "team", "granularity": "monthly", "terminalDateColumn": "issue_resolved_at"},
}"""


def body() -> dict[str, Any]:
    """The same as plain JSON."""
    read: dict[str, Any] = json.loads(BODY.replace(" // any letter case", "").replace("},\n}", "}\n}"))
    return read


@pytest.fixture
def client(served: Served) -> Client:
    return Client(served.base, served.keys["viewer"], PATH)


def test_the_answers_as_printed(client: Client) -> None:
    created = client.create(BODY)
    assert created.status == 202
    assert created.json == {
        "exportId": created.json["exportId"],
        "status": "QUEUED",
        "createdAt": created.json["createdAt"],
        "message": "Export job created successfully",
    }
    export = created.json["exportId"]
    poll = client.wait_for(export)
    assert poll["status"] == "COMPLETED"
    assert poll["downloadUrl"] == f"{PATH}/{export}/download"
    again = client.create(BODY.replace("In Progress", "IN PROGRESS").replace("monthly", "MONTHLY"))
    assert again.status == 200
    assert again.json == {
        "exportId": export,
        "status": "COMPLETED",
        "createdAt": created.json["createdAt"],
        "createdBy": again.json["createdBy"],
        "message": "Duplicate request - returning existing export",
    }
    assert set(again.json["createdBy"]) == {"userId", "name", "email"}
    assert again.json["createdBy"]["userId"] == poll["createdBy"]
    assert again.json["createdBy"]["name"] == "a viewer"


def test_the_header_is_in_lower_case_and_rows_are_dense(client: Client) -> None:
    export = client.completed(body())
    text = client.get(f"{PATH}/{export}/download", accept_encoding="identity").body.decode()
    header, *lines = text.split("\r\n")[:-1]
    assert header == (
        "granularity,team,team_hierarchy,total_issues,in_progress_hours,in_review_hours,total_lead_time_hours,"
        "start_date,end_date,team_id,in_progress_issues,in_progress_hours_median,in_progress_hours_p90,"
        "in_review_issues,in_review_hours_median,in_review_hours_p90"
    )
    assert [line.split(",")[0] for line in lines[:2]] == ["Jan 2025", "Feb 2025"]
    assert len(lines) == 12


def test_a_row_per_sprint(client: Client) -> None:
    export = client.completed({**body(), "options": {"aggregationLevel": "SPRINT"}})
    text = client.get(f"{PATH}/{export}/download", accept_encoding="identity").body.decode()
    header = text.split("\r\n")[0]
    assert header.startswith("granularity,team,team_hierarchy,sprint,sprint_id,board,total_issues,in_progress_hours,")


@pytest.mark.parametrize("base", BASES)
def test_under_every_documented_base(served: Served, base: str) -> None:
    created = Client(served.base, served.keys["viewer"], base + PATH).create(BODY)
    assert created.status in (200, 202)


def refused(client: Client, **members: Any) -> tuple[int, str]:
    answer = client.create({**body(), **members})
    return answer.status, answer.json["code"]


def test_what_is_refused(client: Client) -> None:
    assert refused(client, options={"aggregationLevel": "developer"}) == (400, "unsupported_aggregation_level")
    assert refused(client, options={"granularity": "yearly"}) == (400, "unsupported_granularity")
    assert refused(client, scope={"teamId": "team_abc123", "orgTreeName": "Product"}) == (400, "conflicting_scope")
    assert refused(client, scope={"teamId": "team_abc123", "projectIdentifier": "other"})[0] == 403
    assert refused(client, options={"terminalDateColumn": "created"})[0] == 400
    assert refused(client, issueStatuses="In Progress")[0] == 400
    assert client.get(f"{PATH}?{HERE}").status == 200
