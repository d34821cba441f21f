"""The vendor's printed request for business alignment and its answers: the life of an export, and the header of its file."""

from __future__ import annotations

import gzip
from typing import Any

from api.serving import BUSINESS_EXPORTS, HERE, Client, Served

BODY: dict[str, Any] = {
    "scope": {"orgTreeName": "Engineering"},
    "dateRange": {"start": "2025-01-01", "end": "2025-03-31"},
    "metricGroups": ["CATEGORIZED", "UNCATEGORIZED"],
    "options": {"granularity": "MONTHLY", "format": "CSV", "compression": "GZIP"},
}
CATEGORIES = ("Security_and_Compliance", "New_Capability", "KTLO", "Quality_Improvements", "Uncategorized")
HEADER = [
    *("Granularity", "Team", "Team_Hierarchy", "Start_Date", "End_Date"),
    *(f"{category}_{measure}" for category in CATEGORIES for measure in ("story_points", "tickets")),
    "Team_Id",
]


def test_the_life_of_an_export(served: Served) -> None:
    client = Client(served.base, served.keys["viewer"], BUSINESS_EXPORTS)
    created = client.send("POST", f"{BUSINESS_EXPORTS}?{HERE}", body=BODY)
    assert created.status == 202
    assert created.json == {
        "exportId": created.json["exportId"],
        "status": "QUEUED",
        "createdAt": created.json["createdAt"],
        "message": "Export job created successfully",
    }
    export = created.json["exportId"]
    client.wait_for(export)
    poll = client.get(f"{BUSINESS_EXPORTS}/{export}").json
    assert poll["status"] == "COMPLETED"
    assert poll["downloadUrl"] == f"{BUSINESS_EXPORTS}/{export}/download"
    assert poll["metricGroups"] == ["CATEGORIZED", "UNCATEGORIZED"]
    assert poll["options"]["effortUnit"] == "TICKETS"
    again = client.send(
        "POST", f"{BUSINESS_EXPORTS}?{HERE}", body={**BODY, "metricGroups": ["uncategorized", "categorized"]}
    )
    assert again.json["exportId"] == export
    file = client.get(poll["downloadUrl"], accept_encoding="gzip")
    header, *rows = gzip.decompress(file.body).decode().splitlines()
    assert header.split(",") == HEADER
    assert len(rows) == poll["rowCount"] > 0


def test_what_the_vendor_refuses(served: Served) -> None:
    client = Client(served.base, served.keys["viewer"], BUSINESS_EXPORTS)
    for changes, code in (
        ({"options": {}}, "missing_field"),
        ({"options": {"granularity": "DAILY"}}, "unsupported_granularity"),
        ({"metricGroups": ["lttc"]}, "unknown_metric_group"),
        ({"scope": {"orgTreeName": "Engineering", "teamId": "1"}}, "conflicting_scope"),
    ):
        refused = client.send("POST", f"{BUSINESS_EXPORTS}?{HERE}", body={**BODY, **changes})
        assert (refused.status, refused.json["code"]) == (400, code)
