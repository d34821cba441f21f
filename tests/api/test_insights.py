"""Insights over HTTP: the rows at once, what is said of them, what is refused, and the second look."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any
from urllib.parse import urlencode

import pytest

from api.serving import BODY, EXPORTS, Answer, Client, Served, pull_request, put
from api.test_errors import in_shape
from leadline.api import insights as answering
from leadline.db import settings
from leadline.exports.insights import cells

YEAR = {"orgTreeName": "Engineering", "dateFrom": "2025-01-01", "dateTo": "2025-12-31"}


def ask(client: Client, kind: str = "productivity", headers: dict[str, str] | None = None, **asked: Any) -> Answer:
    given = {name: value for name, value in {**YEAR, **asked}.items() if value is not None}
    return client.send("GET", f"/v2/insights/{kind}?{urlencode(given, doseq=True)}", headers=headers)


def test_rows_with_what_their_columns_mean(served: Served) -> None:
    answer = ask(served.client, level="team", groups="velocity,volume", granularity="quarterly")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json
    assert body["request"] == {
        "orgTreeName": "Engineering",
        "team": None,
        "startDate": "2025-01-01",
        "endDate": "2025-12-31",
        "level": "team",
        "granularity": "quarterly",
        "aggregation": "mean",
    }
    velocity = next(metric for metric in body["metrics"] if metric["column"] == "PR_Velocity")
    assert (velocity["title"], velocity["of"], velocity["better"]) == ("PR velocity", "merged pull requests", "higher")
    first = body["rows"][0]
    assert (first["period"], first["startDate"], first["endDate"]) == ("Q1 2025", "2025-01-01", "2025-03-31")
    assert first["values"]["PR_Velocity"] == 0.75  # three of four people
    assert first["n"]["PR_Velocity"] == 3
    assert body["total"] == len(body["rows"]) == 4 * len({row["team"]["refId"] for row in body["rows"]})


def test_one_team_over_the_whole_range(served: Served) -> None:
    rows = ask(served.client, level="team", granularity="total").json["rows"]
    platform = next(row["team"] for row in rows if row["team"]["name"] == "Platform")
    body = ask(served.client, orgTreeName=None, teamId=platform["refId"], granularity="TOTAL", metrics="pr_merged").json
    assert body["request"]["team"] == platform
    assert [row["developer"]["name"] for row in body["rows"]] == ["Ben Brook", "Cyd Crane", "Dee Doyle"]
    assert [row["values"] for row in body["rows"]] == [{"PR_Merged": n} for n in (0, 6, 6)]
    assert {(row["startDate"], row["endDate"]) for row in body["rows"]} == {("2025-01-01", "2025-12-31")}


def test_sorted_cut_and_compared(served: Served) -> None:
    half = {"dateFrom": "2025-07-01", "granularity": "total", "metrics": "PR_Merged"}
    body = ask(served.client, **half, sort="-PR_Merged", limit=2, compare="previous").json
    assert [row["developer"]["name"] for row in body["rows"]] == ["Cyd Crane", "Dee Doyle"]
    assert body["total"] == 4
    assert body["request"]["previous"] == {"startDate": "2025-01-01", "endDate": "2025-06-30"}
    assert [row["previous"]["values"]["PR_Merged"] for row in body["rows"]] == [3, 3]


def test_a_period_by_its_distance_from_today(served: Served) -> None:
    body = ask(served.client, dateFrom=None, dateTo=None, period="last-3-months").json
    assert len({row["period"] for row in body["rows"]}) == 3


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("productivity", {"orgTreeName": None}, "missing_scope", "teamId"),
    ("productivity", {"orgTreeName": "Nowhere"}, "invalid_org_tree_name", "orgTreeName"),
    ("productivity", {"teamId": "999"}, "invalid_team_id", "teamId"),
    ("productivity", {"dateFrom": None}, "missing_field", "dateFrom"),
    ("productivity", {"dateFrom": "2025-13-01"}, "invalid_date", "dateFrom"),
    ("productivity", {"dateFrom": "2026-01-01"}, "invalid_date_range", "dateFrom to dateTo"),
    ("productivity", {"period": "last-month"}, "conflicting_date_range", "dateFrom to dateTo"),
    ("productivity", {"dateFrom": None, "dateTo": None, "period": "soon"}, "invalid_period", "period"),
    ("productivity", {"groups": "velocty"}, "unknown_metric_group", "groups"),
    ("productivity", {"metrics": "PR_Mergd"}, "unknown_metric", "metrics"),
    ("productivity", {"granularity": "hourly"}, "unsupported_granularity", "granularity"),
    ("productivity", {"aggregation": "mode"}, "unsupported_aggregation", "aggregation"),
    ("productivity", {"level": "office"}, "unsupported_metric_level", "level"),
    ("productivity", {"level": "team", "aggregationLevel": "developer"}, "conflicting_levels", "level"),
    ("productivity", {"sort": "-Shoe_Size"}, "unknown_column", "sort"),
    ("productivity", {"compare": "next"}, "unsupported_compare", "compare"),
    ("productivity", {"limit": "0"}, "invalid_parameter", "limit"),
    ("productivity", {"level": ["team", "developer"]}, "invalid_parameter", "level"),
    ("productivity", {"splitBy": "team"}, "unsupported_split_by", "splitBy"),
    ("efficiency", {"groups": "df", "level": "service", "splitBy": "ai"}, "split_not_at_level", "splitBy"),
    ("efficiency", {"groups": None}, "missing_field", "groups"),
    ("efficiency", {"groups": "df", "level": "developer"}, "unsupported_metric_level", "level"),
]


@pytest.mark.parametrize(("kind", "asked", "code", "field"), REFUSED)
def test_refusals_speak_of_the_parameters(
    served: Served, kind: str, asked: dict[str, Any], code: str, field: str
) -> None:
    answer = ask(served.client, kind, **asked)
    body = answer.json
    assert in_shape(body)
    assert (answer.status, body["code"]) == (400, code), body
    assert field in [detail["field"] for detail in body["details"]], body
    assert "scope." not in answer.body.decode()
    assert "options." not in answer.body.decode()


def test_more_rows_than_are_answered_at_once(served: Served) -> None:
    settings.put(served.home.db, served.home.project().id, {"exports.max_range_days": "4000"})
    long = {"dateFrom": "2017-01-01", "granularity": "daily", "metrics": "PR_Merged"}
    answer = ask(served.client, **long)
    body = answer.json
    assert in_shape(body)
    assert (answer.status, body["code"]) == (400, "too_many_rows")
    assert "13,148 rows" in body["error"]
    assert "POST /v2/insights/productivity/exports" in body["error"]
    some = ask(served.client, **long, sort="-PR_Merged", limit=12).json
    assert some["total"] == 13_148
    assert {row["values"]["PR_Merged"] for row in some["rows"]} == {1}


def test_the_second_look_computes_nothing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ask(served.client, metrics="PR_Merged,Coding_Days")
    tag = first.headers["etag"]
    with monkeypatch.context() as patched:
        patched.setattr(answering, "answers", None)
        again = ask(served.client, metrics=["coding_days", "pr_merged"])
        assert ask(served.client, metrics="PR_Merged,Coding_Days", headers={"If-None-Match": tag}).status == 304
    assert (again.json["rows"], again.headers["etag"]) == (first.json["rows"], tag)


def test_the_second_look_at_rows_computes_nothing_either(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = {"level": "team", "team": "1", "column": "PR_Missing_Tickets", "granularity": "total"}
    page = "/v2/facts/pull-requests?limit=3"
    first = behind(served.client, **cell).json, served.client.get(page).json
    monkeypatch.setattr(answering, "cell", None)
    monkeypatch.setattr(answering, "fact_page", None)
    again = behind(served.client, **cell).json, served.client.get(page).json
    for before, after in zip(first, again, strict=True):
        assert {**after, "dataAsOf": before["dataAsOf"]} == before


def test_new_data_are_in_the_next_answer(served: Served) -> None:
    asked = {
        "granularity": "total",
        "level": "team",
        "metrics": "PR_Merged",
        "dateFrom": "2024-01-01",
        "dateTo": "2024-12-31",
    }
    before = ask(served.client, **asked)
    merged = "2024-05-06T12:00:00Z"
    row = {
        "repository": "org/app",
        "number": 900,
        "author": "cyd@example.org",
        "merged_at": merged,
        "created_at": merged,
    }
    pushed = served.as_("ingestion").send(
        "POST", "/v2/ingest/pull_requests", body={"rows": [{**row, "state": "merged"}]}
    )
    assert pushed.status in (200, 202), pushed.body
    after = ask(served.client, **asked)
    assert after.headers["etag"] != before.headers["etag"]
    assert [row["values"]["PR_Merged"] for row in (before.json["rows"][0], after.json["rows"][0])] == [0, 1]


# -- cells -------------------------------------------------------------------------------------------------------------


def behind(client: Client, kind: str = "productivity", **asked: Any) -> Answer:
    return ask(client, f"{kind}/cells", **asked)


def test_the_rows_behind_a_value(served: Served) -> None:
    body = behind(served.client, level="team", team="1", column="PR_Cycle_Time_Days_Avg", granularity="total").json
    assert (body["facts"], body["aggregation"], body["metric"]["title"]) == ("pull-requests", "mean", "PR cycle time")
    body = behind(served.client, level="team", team="1", column="pr_merged", granularity="quarterly").json
    assert (body["value"], body["n"], body["count"], body["next"]) == (3, 3, 3, None)
    assert [row["row"]["merged_at"][:10] for row in body["rows"]] == ["2025-01-10", "2025-02-10", "2025-03-10"]
    assert {row["row"]["repository"] for row in body["rows"]} == {"org/app"}
    later = {"level": "team", "team": "1", "column": "PR_Merged", "granularity": "quarterly", "startDate": "2025-10-01"}
    assert behind(served.client, **later).json["rows"][0]["row"]["merged_at"] == "2025-10-10T12:00:00Z"
    own = behind(served.client, developer="cyd@example.org", column="PR_Merged", granularity="total").json
    assert {row["row"]["developer"] for row in own["rows"]} == {"cyd@example.org"}
    assert own["count"] == 6


def test_the_rows_behind_a_cell_of_an_export_as_it_read_them(served: Served) -> None:
    client = served.client
    export = client.completed({**BODY, "metrics": ["PR_Merged"], "options": {"aggregationLevel": "team"}})
    lines = client.get(f"{EXPORTS}/{export}/download", Accept_Encoding="identity").body.decode().splitlines()
    cell = client.get(f"{EXPORTS}/{export}/cells?row=2&column=PR_Merged").json
    value = lines[3].split(",")[lines[0].split(",").index("PR_Merged")]
    assert str(cell["value"]) == value
    assert cell["count"] == len(cell["rows"]) == cell["value"]
    poll = client.get(f"{EXPORTS}/{export}").json
    assert (cell["tableVersions"], cell["dataAsOf"]) == (poll["tableVersions"], poll["dataAsOf"])
    missing = client.get(f"{EXPORTS}/{export}/cells?row=99&column=PR_Merged")
    assert (missing.status, missing.json["code"]) == (404, "unknown_row")
    assert client.get(f"{EXPORTS}/exp_none/cells?row=1&column=PR_Merged").status == 404


def test_pages_of_a_cell_go_on_where_they_were_and_tell_when_they_cannot(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "MOST_ROWS", 5)
    asked = {"level": "team", "team": "1", "column": "PR_Merged", "granularity": "total"}
    pages = [behind(served.client, **asked).json]
    put(served.home.project(), pull_requests=[{**pull_request(0), "number": 901}])
    while pages[-1]["next"]:
        pages.append(behind(served.client, **asked, cursor=pages[-1]["next"]).json)
    assert [len(page["rows"]) for page in pages] == [5, 5, 2]
    assert {page["value"] for page in pages} == {12}
    assert len({row["row"]["number"] for page in pages for row in page["rows"]}) == 12
    assert behind(served.client, **asked).json["value"] == 13
    settings.put(served.home.db, served.home.project().id, {"pr_size.small": "11"})
    gone = behind(served.client, **asked, cursor=pages[0]["next"])
    assert (gone.status, gone.json["code"]) == (410, "versions_gone")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"team": "1"}, 400, "invalid_parameter"),
        ({"column": "PR_Merged"}, 400, "invalid_parameter"),
        ({"column": "PR_Merged", "team": "1", "developer": "cyd@example.org"}, 400, "invalid_parameter"),
        ({"column": "PR_Mergd", "team": "1"}, 400, "unknown_column"),
        ({"column": "PR_Merged", "team": "77"}, 404, "unknown_row"),
        ({"column": "PR_Merged", "team": "1", "startDate": "2025-01-02"}, 404, "unknown_row"),
        ({"column": "PR_Merged", "team": "1", "startDate": "yesterday"}, 400, "invalid_parameter"),
        ({"column": "PR_Merged", "team": "1", "cursor": "AAAA"}, 400, "invalid_cursor"),
        ({"column": "PR_Merged", "team": "1", "cursor": "?"}, 400, "invalid_cursor"),
    ],
)
def test_refusals_of_cells(served: Served, asked: dict[str, Any], status: int, code: str) -> None:
    answer = behind(served.client, level="team", **asked)
    assert in_shape(answer.json)
    assert (answer.status, answer.json["code"]) == (status, code)


def forged(**members: Any) -> str:
    document = {"tables": {}, "trees": {}, "today": None, "state": "", "as_of": "2026-01-01T00:00:00Z", "offset": 0}
    packed = zlib.compress(json.dumps({**document, **members}).encode())
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def test_no_cursor_reaches_what_is_no_table(served: Served) -> None:
    for text in (forged(tables={"../../etc": 1}), forged(tables={"commits": -1}), forged(trees={"99": 1}), "x" * 9000):
        answer = behind(served.client, level="team", column="PR_Merged", team="1", cursor=text)
        assert (answer.status, answer.json["code"]) == (400, "invalid_cursor")
