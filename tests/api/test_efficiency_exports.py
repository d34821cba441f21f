"""Efficiency exports over HTTP: the life cycle of productivity's in their own words and casing."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.serving import (
    EFFICIENCY_BODY,
    EFFICIENCY_EXPORTS,
    EXPORTS,
    HERE,
    Client,
    Served,
    fill,
    fill_delivery,
    make_keys,
    serving,
)
from api.test_errors import said
from leadline.home import Home

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the small organization and its deployments."""
    folder = tmp_path_factory.mktemp("delivered")
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        fill_delivery(home.project())
        with serving(home) as running:
            yield running


def changed(**members: Any) -> dict[str, Any]:
    return {key: value for key, value in {**EFFICIENCY_BODY, **members}.items() if value is not None}


def test_a_new_export_is_202_and_an_identical_one_200(delivered: Served) -> None:
    body = changed(dateRange={"start": "2025-01-01", "end": "2025-03-31"})
    new = delivered.efficiency.create(body)
    assert new.status == 202
    assert new.json == {
        "exportId": new.json["exportId"],
        "status": "QUEUED",
        "createdAt": new.json["createdAt"],
        "message": "Export job created successfully",
    }
    assert INSTANT.fullmatch(new.json["createdAt"])
    again = delivered.efficiency.create({**body, "options": {"granularity": "quarterly", "aggregation": "Mean"}})
    assert again.status == 200
    assert again.json == {
        "exportId": new.json["exportId"],
        "createdAt": new.json["createdAt"],
        "message": "Using existing export with identical parameters",
    }


def test_unknown_fields_are_reported(delivered: Served) -> None:
    answer = delivered.efficiency.create(changed(metricGroup=["df"]), cache_control="no-cache")
    assert (answer.status, answer.json["status"]) == (202, "QUEUED")
    assert answer.json["warnings"] == ["metricGroup: unknown field, ignored; did you mean metricGroups?"]


def test_poll_and_download(delivered: Served) -> None:
    export = delivered.efficiency.completed()
    poll = delivered.client.get(f"{EFFICIENCY_EXPORTS}/{export}").json
    url = f"{EFFICIENCY_EXPORTS}/{export}/download"
    assert (poll["status"], poll["downloadUrl"], poll["rowCount"]) == ("COMPLETED", url, 2 * 4)
    assert poll["download"] == {
        "url": url,
        "filename": "team-efficiency-2025.csv",
        "contentType": "text/csv",
    }
    answer = delivered.client.get(url)
    assert answer.headers["content-encoding"] == "gzip"
    lines = gzip.decompress(answer.body).decode().split("\r\n")
    assert lines[0] == (
        "Granularity,Start_Date,End_Date,Team,Team_Id,Team_Hierarchy,"
        "LTTC_Mean_Days,DF_Deployment_Count,CFR_Percent,MTTR_Mean_Days,"
        "LTTC_Rating,DF_Rating,CFR_Rating,MTTR_Rating,Overall_Rating"
    )
    first = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    assert (first["Granularity"], first["Team"], first["Team_Hierarchy"]) == ("Q1 2025", "Engineering", "Engineering")
    # Two of three deployments are good; the incident took three hours.
    assert (first["DF_Deployment_Count"], first["CFR_Percent"], first["MTTR_Mean_Days"]) == ("2", "33.3333", "0.125")
    plain = delivered.client.get(url, Accept_Encoding="identity")
    assert "content-encoding" not in plain.headers


def test_listing_in_upper_case_words(delivered: Served) -> None:
    export = delivered.efficiency.completed()
    answer = delivered.client.get(f"{EFFICIENCY_EXPORTS}?status=COMPLETED&limit=100").json
    listed = {entry["exportId"]: entry for entry in answer["exports"]}
    assert listed[export]["status"] == "COMPLETED"
    assert listed[export]["downloadUrl"].endswith(f"{export}/download")
    assert all(entry["exportId"] != export for entry in delivered.client.get(EXPORTS).json["exports"])


def test_the_kinds_do_not_see_each_other(delivered: Served) -> None:
    export = delivered.efficiency.completed()
    for path in ("", "/download"):
        assert delivered.client.get(f"{EXPORTS}/{export}{path}").status == 404
    assert delivered.client.send("DELETE", f"{EXPORTS}/{export}").status == 404


def test_cancel(home: Home, tmp_path: Any) -> None:
    fill(home.project(), tmp_path)
    with serving(home, workers=0) as running:
        created = running.efficiency.create().json
        poll = running.client.get(f"{EFFICIENCY_EXPORTS}/{created['exportId']}").json
        assert (poll["status"], poll["completedAt"]) == ("QUEUED", None)
        assert "downloadUrl" not in poll
        answer = running.client.send("POST", f"{EFFICIENCY_EXPORTS}/{created['exportId']}/cancel")
        assert (answer.status, answer.json["status"]) == (200, "CANCELLED")
        again = running.client.send("DELETE", f"{EFFICIENCY_EXPORTS}/{created['exportId']}")
        assert (again.status, again.json["status"], again.json["code"]) == (409, "failed", "export_cancelled")


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (changed(scope={"teamId": "1", "orgTreeName": "Engineering"}), "must not both be given", "scope"),
    (changed(scope={}), "scope.orgTreeName or scope.teamId is required", "scope"),
    (changed(scope={"teamId": "999"}), "Invalid teamId", "scope.teamId"),
    (changed(scope={"orgTreeName": "Marketing"}), "Invalid orgTreeName", "scope.orgTreeName"),
    (changed(metricGroups=None), "metricGroups (or metrics) is required", "metricGroups"),
    (changed(metricGroups=["ltcc"]), "did you mean lttc", "metricGroups"),
    (changed(metrics=["LTTC_Mean_Day"]), "did you mean LTTC_Mean_Days", "metrics"),
    (changed(options=None), "options.granularity is required", "options.granularity"),
    (changed(options={}), "options.granularity is required", "options.granularity"),
    (changed(options={"granularity": "daily"}), 'Unsupported granularity: "daily"; supported: WEEKLY', "options"),
]


@pytest.mark.parametrize(("body", "sentence", "field"), REFUSED)
def test_wrong_requests_are_found_at_creation(
    delivered: Served, body: dict[str, Any], sentence: str, field: str
) -> None:
    before = delivered.client.get(EFFICIENCY_EXPORTS).json["total"]
    answer = delivered.efficiency.create(body)
    assert (answer.status, answer.json["status"]) == (400, "failed")
    assert sentence in said(answer.json)
    assert any(detail["field"].startswith(field) for detail in answer.json["details"]), answer.json
    assert delivered.client.get(EFFICIENCY_EXPORTS).json["total"] == before


def test_identifiers_in_the_scope(delivered: Served) -> None:
    own = {"orgTreeName": "Engineering", "orgIdentifier": "default", "projectIdentifier": "default"}
    assert delivered.efficiency.create(changed(scope=own)).status in (200, 202)
    answer = delivered.efficiency.create(changed(scope={**own, "projectIdentifier": "other"}))
    assert (answer.status, answer.json["error"]) == (403, "Insufficient permissions")
    assert [detail["field"] for detail in answer.json["details"]] == ["scope.projectIdentifier"]


def test_keys_and_tenants(delivered: Served) -> None:
    client = delivered.efficiency
    assert client.send("POST", EFFICIENCY_EXPORTS, body=EFFICIENCY_BODY).json["code"] == "missing_identifier"
    wrong = client.send("POST", f"{EFFICIENCY_EXPORTS}?{HERE.replace('default', 'x')}", body=EFFICIENCY_BODY)
    assert wrong.status == 403
    assert Client(delivered.base, None, EFFICIENCY_EXPORTS).create().status == 401
    assert Client(delivered.base, delivered.keys["ingestion"], EFFICIENCY_EXPORTS).create().status == 403
    export = client.completed()
    other = Client(delivered.base, make_keys(delivered.home.project("default", "other", create=True))["viewer"])
    hidden = other.get(f"{EFFICIENCY_EXPORTS}/{export}")
    unknown = other.get(f"{EFFICIENCY_EXPORTS}/exp_0")
    assert hidden.status == unknown.status == 404
    assert hidden.json["error"].replace(export, "exp_0") == unknown.json["error"]
