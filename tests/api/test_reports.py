"""Reports over HTTP: one synchronous CSV, its refusals, its time limit, and whom it serves."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.serving import HERE, REPORTS, Answer, Client, Served, fill, fill_delivery, make_keys, serving
from api.test_errors import in_shape, said
from leadline.exports.reports import parse_report, run_report
from leadline.home import Home
from leadline.metrics.request import Control
from leadline.metrics.run import Runner
from leadline.people import tree

BODY: dict[str, Any] = {
    "dateStart": "2025-01-01",
    "dateEnd": "2025-12-31",
    "efficiency": {"metrics": ["DEPLOYMENT_FREQUENCY", "CHANGE_FAILURE_RATE", "MEAN_TIME_TO_RESTORE"]},
}


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the small organization and its deployments, and another project with an organization of its own."""
    folder = tmp_path_factory.mktemp("delivered")
    with Home.open(folder / "home") as home:
        for project in (home.project(), home.project("default", "other", create=True)):
            fill(project, folder)
        fill_delivery(home.project())
        with serving(home, workers=0) as running:
            yield running


def changed(**members: Any) -> dict[str, Any]:
    return {key: value for key, value in {**BODY, **members}.items() if value is not None}


def ask(client: Client, body: Any = None, query: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = BODY if body is None else body
    return client.send("POST", f"{REPORTS}{query and '?' + query}", headers=named, body=given)


def team(served: Served, name: str = "Platform", project: str = "default") -> int:
    found = served.home.project("default", project)
    return next(node.ref_id for node in tree(found, "Engineering").nodes if node.name == name)


def test_one_row_per_team(delivered: Served) -> None:
    answer = ask(delivered.client, query="format=csv&projectIdentifier=default")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/csv"
    assert answer.headers["content-disposition"] == 'attachment; filename="efficiency-report-2025.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert "content-encoding" not in answer.headers
    assert "leadline-warnings" not in answer.headers
    # Eight good deployments in 365 days, four bad ones; one incident of three hours.
    assert answer.body.decode().split("\r\n")[:2] == [
        "Collection Name,DEPLOYMENT_FREQUENCY,CHANGE_FAILURE_RATE,MEAN_TIME_TO_RESTORE",
        "Engineering,0.1534,33.3333,0.125",
    ]


def test_the_bytes_are_those_of_the_library(delivered: Served) -> None:
    project = delivered.home.project()
    for body in (
        changed(productivity={"metrics": []}, includeRatings=True, granularity="monthly"),
        changed(efficiency=None, productivityContributors={"metrics": []}),
    ):
        report, _ = parse_report(project, body)
        with Runner(delivered.home) as runner:
            expected = run_report(runner, project, report, Control()).text
        assert ask(delivered.client, body).body == expected


def test_a_team_by_number_or_text(delivered: Served) -> None:
    ref_id = team(delivered)
    answers = {
        ask(delivered.client, changed(**scope)).body
        for scope in ({"teamRefId": ref_id}, {"collectionId": str(ref_id)}, {"teamRefId": str(ref_id)})
    }
    (text,) = answers
    assert [line.partition(",")[0] for line in text.decode().split("\r\n")] == ["Collection Name", "Platform", ""]


@pytest.mark.parametrize("query", ["", HERE, "format=CSV", "format=", "orgIdentifier=default"])
def test_what_the_query_may_say(delivered: Served, query: str) -> None:
    assert ask(delivered.client, query=query).status == 200


def test_comments_and_trailing_commas_are_read(delivered: Served) -> None:
    text = json.dumps(BODY)[:-1] + ", // a comment\n}"
    assert ask(delivered.client, text, Content_Type="application/json").status == 200


def test_what_was_ignored_is_told_in_a_header(delivered: Served) -> None:
    answer = ask(delivered.client, changed(granularty="daily", größe=1))
    told = json.loads(answer.headers["leadline-warnings"])
    assert told[0] == "granularty: unknown field, ignored; did you mean granularity?"
    assert told[1].startswith("größe: ")
    many = ask(delivered.client, changed(**{f"unknown{number}" + "x" * 60: 1 for number in range(500)}))
    assert many.status == 200
    assert len(many.headers["leadline-warnings"]) <= 2000
    assert json.loads(many.headers["leadline-warnings"])[-1] == "further warnings were left out"


REFUSED: list[tuple[Any, str, str, str]] = [
    ({}, "missing_field", "dateStart is required", "dateStart"),
    (changed(dateEnd="2025-13-01"), "invalid_date", "Invalid date", "dateEnd"),
    (changed(dateStart="2026-01-01"), "invalid_date_range", "must not be after", "dateStart to dateEnd"),
    (changed(dateStart="2015-01-01"), "date_range_too_long", "at most 1830", "dateStart to dateEnd"),
    (changed(teamRefId=999), "invalid_team_id", "Invalid teamId", "teamRefId"),
    (changed(collectionId="x"), "invalid_team_id", "Invalid teamId", "collectionId"),
    (changed(teamRefId=1, collectionId="2"), "conflicting_scope", "must not differ", "collectionId"),
    (changed(granularity="yearly"), "unsupported_granularity", "Unsupported granularity", "granularity"),
    (changed(efficiency=None), "missing_field", "is required", "efficiency"),
    (changed(efficiency={}), "missing_field", "efficiency.metrics is required", "efficiency.metrics"),
    (changed(efficiency={"metrics": ["DEPLOYMENT_FREQUENCIES"]}), "unknown_metric", "DEPLOYMENT_FREQUENCY", "efficiency"),
    (changed(efficiency={"metrics": [], "calculationType": "MODE"}), "unsupported_calculation_type", "MEDIAN", "efficiency"),
    (changed(productivity={"metrics": ["X"]}), "unknown_metric", '"X"', "productivity"),
    (changed(productivityContributors={"metrics": []}), "conflicting_sections", "per developer", "productivityContributors"),
    (changed(includeRatings=1), "wrong_type", "true or false", "includeRatings"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "sentence", "field"), REFUSED)
def test_refused(delivered: Served, body: Any, code: str, sentence: str, field: str) -> None:
    answer = ask(delivered.client, body)
    assert (answer.status, answer.json["code"]) == (400, code), answer.body
    assert in_shape(answer.json)
    assert sentence in said(answer.json)
    assert any(detail["field"].startswith(field) for detail in answer.json["details"])


@pytest.mark.parametrize("query", ["format=xlsx", "format=csv&format=json", "format=%F0%9F%98%80"])
def test_other_formats_are_refused(delivered: Served, query: str) -> None:
    answer = ask(delivered.client, query=query)
    assert (answer.status, answer.json["code"]) == (400, "unsupported_format")
    assert said(answer.json).endswith("supported: csv")


@pytest.mark.parametrize(("text", "status"), [("{", 400), ("[]", 400), ("", 400), ("x" * (1 << 20) + "x", 413)])
def test_bodies_that_are_none(delivered: Served, text: str, status: int) -> None:
    answer = ask(delivered.client, text, Content_Type="application/json")
    assert answer.status == status
    assert in_shape(answer.json)


def test_who_may_ask(delivered: Served) -> None:
    assert ask(Client(delivered.base)).status == 401
    assert ask(delivered.as_("ingestion")).status == 403
    assert ask(delivered.as_("admin")).status == 200
    for query in ("projectIdentifier=other", "orgIdentifier=other"):
        answer = ask(delivered.client, query=query)
        assert (answer.status, answer.json["error"]) == (403, "Insufficient permissions")


def test_a_project_sees_its_own_teams_and_numbers(delivered: Served) -> None:
    other = Client(delivered.base, make_keys(delivered.home.project("default", "other"))["viewer"])
    hidden = ask(other, changed(teamRefId=team(delivered)))
    assert (hidden.status, hidden.json["code"]) == (400, "invalid_team_id")
    own = ask(other, changed(teamRefId=team(delivered, project="other")))
    # It has no deployments and no incidents: a rate of nothing is 0, a ratio and a mean of nothing are empty.
    assert own.body.decode().split("\r\n")[1] == "Platform,0.0,,"


@pytest.mark.parametrize(
    ("body", "ways"),
    [
        (BODY, "POST /v2/insights/efficiency/exports"),
        (changed(efficiency=None, productivity={"metrics": []}), "POST /v2/insights/productivity/exports"),
        (
            changed(productivity={"metrics": []}),
            "POST /v2/insights/efficiency/exports or POST /v2/insights/productivity/exports",
        ),
    ],
)
def test_a_report_that_takes_too_long_names_the_export(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any], ways: str
) -> None:
    fill(home.project(), tmp_path)
    monkeypatch.setenv("LEADLINE_REPORT_SECONDS", "0.001")
    with Home.open(home.path) as opened, serving(opened, workers=0) as running:
        answer = ask(running.client, body)
        assert (answer.status, answer.json["code"]) == (503, "report_timeout")
        assert in_shape(answer.json)
        assert "0.001 seconds" in answer.json["error"]
        assert f"with {ways}, which" in answer.json["error"]
        assert Client(running.base).get("/healthz").status == 200


def test_a_client_that_goes_away_stops_its_report(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(home.project(), tmp_path)
    began, ended = threading.Event(), threading.Event()

    def endless(_runner: Any, _project: Any, _report: Any, control: Control) -> None:
        began.set()
        try:
            while not ended.wait(0.005):
                control.check()
        finally:
            ended.set()

    monkeypatch.setattr("leadline.api.exports.reports.run_report", endless)
    with serving(home, workers=0) as running:
        address = urlsplit(running.base)
        text = json.dumps(BODY).encode()
        head = (
            f"POST {REPORTS} HTTP/1.1\r\nHost: x\r\nSEI_API_KEY: {running.keys['viewer']}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        )
        with socket.create_connection((address.hostname, address.port), timeout=120) as connection:
            connection.sendall(head.encode() + text)
            assert began.wait(60)
            assert not ended.is_set()
        assert ended.wait(60)
        assert Client(running.base).get("/healthz").status == 200
