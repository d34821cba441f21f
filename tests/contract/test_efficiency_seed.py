"""The vendor page's own curl lines and bodies for efficiency, run as printed with only the placeholders replaced.

``seed_efficiency_create.sh``, ``seed_efficiency_body.json5``, ``seed_report.sh`` and ``seed_report_part.json`` are the
printed text, unchanged. The variables of the printed lines are set in the shell's environment.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from api.serving import EFFICIENCY_EXPORTS, HERE, Client, Served
from contract.printed import BASES, PRINTED, needs_curl, printed, run
from leadline.people import tree

STATUSES = {"QUEUED", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"}


def create(served: Served, folder: Path, base: str = "") -> dict[str, Any]:
    """Run the printed create line; its answer."""
    line = printed("seed_efficiency_create.sh", YOUR_SEI_API_KEY=served.keys["viewer"])
    variables = {"BASE_URL": served.base + base, "PROJECT_ID": "default", "ORG_ID": "default"}
    answer: dict[str, Any] = json.loads(run(["sh"], folder, line, variables).stdout)
    return answer


@needs_curl
def test_the_life_of_an_export_as_printed(served: Served, tmp_path: Path) -> None:
    created = create(served, tmp_path)
    assert created == {
        "exportId": created["exportId"],
        "status": "QUEUED",
        "createdAt": created["createdAt"],
        "message": "Export job created successfully",
    }
    served.efficiency.wait_for(created["exportId"])
    again = create(served, tmp_path)
    assert again == {
        "exportId": created["exportId"],
        "createdAt": created["createdAt"],
        "message": "Using existing export with identical parameters",
    }
    poll = served.client.get(f"{EFFICIENCY_EXPORTS}/{created['exportId']}").json
    printed_members = {"exportId", "status", "createdAt", "completedAt", "downloadUrl"}
    assert printed_members <= set(poll)
    assert poll["status"] == "COMPLETED"
    assert poll["downloadUrl"] == f"{EFFICIENCY_EXPORTS}/{created['exportId']}/download"


@needs_curl
@pytest.mark.parametrize("base", BASES)
def test_the_curl_lines_as_printed(served: Served, tmp_path: Path, base: str) -> None:
    export_id = create(served, tmp_path, base)["exportId"]
    served.efficiency.wait_for(export_id)
    # "GET {BASE_URL}/v2/insights/efficiency/exports/{exportId}" and its "/download", with the documented header.
    url = f"{served.base}{base}/v2/insights/efficiency/exports/{export_id}"
    header = ["-H", f"authorization: ApiKey {served.keys['viewer']}", "-H", "Content-Type: application/json"]
    poll = json.loads(run(["curl", "-s", *header, url], tmp_path).stdout)
    assert poll["status"] == "COMPLETED"
    for address in (f"{url}/download", f"{served.base}{base}{poll['downloadUrl']}?{HERE}"):
        run(["curl", "-s", *header, "-o", "dora.csv.gz", address], tmp_path)
        lines = gzip.decompress((tmp_path / "dora.csv.gz").read_bytes()).decode().split("\r\n")
        assert lines[0].split(",")[:6] == [
            *("Granularity", "Start_Date", "End_Date"),
            *("Team", "Team_Id", "Team_Hierarchy"),
        ]
        assert {"LTTC_Mean_Days", "DF_Deployment_Count", "MTTR_Mean_Days", "CFR_Percent"} <= set(lines[0].split(","))
        assert [line.split(",")[5] for line in lines[1:-1]] == ["Product/Payments"] * 3


def test_the_printed_body_names_two_scopes_and_others_projects(served: Served) -> None:
    """The template shows every member of the scope; as it stands it contradicts itself, and says so itself."""
    text = (PRINTED / "seed_efficiency_body.json5").read_text()
    assert served.efficiency.create(text).status == 403
    mine = text.replace('"orgIdentifier": "string"', '"orgIdentifier": "default"')
    mine = mine.replace('"projectIdentifier": "string"', '"projectIdentifier": "default"')
    both = served.efficiency.create(mine)
    assert (both.status, both.json["code"]) == (400, "conflicting_scope")
    team = served.efficiency.create(mine.replace('"orgTreeName": "string",', ""))
    named = mine.replace('"teamId": "team_abc123",', "").replace('"orgTreeName": "string"', '"orgTreeName": "Product"')
    for answer in (team, served.efficiency.create(named)):
        assert answer.status in (200, 202), answer.body
        assert "warnings" not in answer.json


@pytest.mark.parametrize(
    "group", ["lttc", "work_items", "deployment_frequency", "cfr", "mttr", "rating", "df", "summary"]
)
def test_every_printed_group(served: Served, group: str) -> None:
    answer = served.efficiency.create(
        {
            "scope": {"orgTreeName": "Product"},
            "dateRange": {"start": "2026-01-01", "end": "2026-03-31"},
            "metricGroups": [group],
            "options": {"granularity": "QUARTERLY", "aggregation": "p95"},
        }
    )
    assert answer.status in (200, 202), answer.body


PRINTED_GROUPS = {
    "lttc": ["PLANNING", "CODING", "REVIEW", "BUILD", "DEPLOY", "LTTC"],
    "work_items": ["TOTAL_WORK_ITEMS", "PR_ASSOCIATIONS", "PERCENTAGE_PR_ASSOCIATED"],
    "deployment_frequency": ["DEPLOYMENT_FREQUENCY"],
    "cfr": ["TOTAL_SUCCESS", "TOTAL_FAILURES", "CFR"],
    "mttr": ["MTTR"],
    "rating": ["OVERALL_RATING"],
}


@pytest.mark.parametrize(("group", "names"), PRINTED_GROUPS.items())
def test_every_printed_metric_is_a_column_of_its_group(served: Served, group: str, names: list[str]) -> None:
    metrics = served.client.get("/v2/insights/efficiency/metrics").json["metrics"]
    for name in names:
        (metric,) = [metric for metric in metrics if name in (metric["id"], *metric["aliases"])]
        assert {"deployment_frequency": "df"}.get(group, group) in metric["groups"]
    body = {
        "scope": {"orgTreeName": "Product"},
        "dateRange": {"start": "2026-01-01", "end": "2026-03-31"},
        "metrics": [*names, "LTTC_Mean_Days", "DF_Deployment_Count"],
        "options": {"granularity": "WEEKLY"},
    }
    assert served.efficiency.create(body).status in (200, 202)


@needs_curl
@pytest.mark.parametrize("base", BASES)
def test_the_report_as_printed(served: Served, tmp_path: Path, base: str) -> None:
    line = printed("seed_report.sh", YOUR_API_KEY=served.keys["myproject"])
    nodes = tree(served.home.project("default", "myproject"), "Product").nodes
    assert '"teamRefId": 123,' in line
    line = line.replace('"teamRefId": 123,', f'"teamRefId": {nodes[0].ref_id},')
    run(["sh"], tmp_path, line, {"BASE_URL": served.base + base})
    text = (tmp_path / "efficiency_report.csv").read_bytes().decode()
    assert text == (
        "Collection Name,LEAD_TIME_FOR_CHANGES,DEPLOYMENT_FREQUENCY,MEAN_TIME_TO_RESTORE\r\n"
        "Product,,0.0,\r\n"
        "Payments,,0.0,\r\n"
    )


def test_the_printed_part_of_a_report(served: Served) -> None:
    part = json.loads((PRINTED / "seed_report_part.json").read_text())
    client = Client(served.base, served.keys["viewer"])
    body = {"dateStart": "2025-01-01", "dateEnd": "2025-12-31", "efficiency": part}
    answer = client.send("POST", "/v2/insights/teams/reports?format=csv", body=body)
    assert answer.status == 200
    lines = answer.body.decode().split("\r\n")
    assert lines[0] == "Collection Name,LEAD_TIME_FOR_CHANGES,DEPLOYMENT_FREQUENCY"
    assert float(lines[1].split(",")[2]) > 0


@pytest.mark.parametrize(
    "name",
    [
        *("LEAD_TIME_FOR_CHANGES", "DEPLOYMENT_FREQUENCY", "CHANGE_FAILURE_RATE"),
        *("MEAN_TIME_TO_RESTORE", "OVERALL_DORA"),
    ],
)
@pytest.mark.parametrize("calculation", [None, "MEAN", "MEDIAN", "P90", "P95"])
def test_every_printed_report_metric(served: Served, name: str, calculation: str | None) -> None:
    part: dict[str, Any] = {"metrics": [name], **({"calculationType": calculation} if calculation else {})}
    body = {"dateStart": "2025-01-01", "dateEnd": "2025-12-31", "efficiency": part}
    answer = served.client.send("POST", "/v2/insights/teams/reports?format=csv", body=body)
    assert answer.body.decode().split("\r\n")[0] == f"Collection Name,{name}"
