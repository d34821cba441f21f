"""The DORA metrics of a team as agents ask for them: every value is the one that the insight answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.conftest import FIRST, LAST, Agent
from api.serving import Client, Served
from api.test_errors import in_shape

METRICS = {
    "leadtime": ("LTTC_Mean_Days", "LTTC_Rating"),
    "deploymentFrequency": ("Deployment_Frequency", "DF_Rating"),
    "changeFailureRate": ("CFR_Percent", "CFR_Rating"),
    "mttr": ("MTTR_Mean_Days", "MTTR_Rating"),
}
STAGES = ("planning", "coding", "review", "build", "deploy")
DAYS = {"dateStart": FIRST, "dateEnd": LAST}
AMERICAN = {"dateStart": "01/01/2026", "dateEnd": "3/31/2026"}


def path(metric: str) -> str:
    return f"/v2/insights/efficiency/{metric}"


def root(agent: Agent) -> int:
    ref: int = next(team["refId"] for team in agent.teams().values() if team["parentRefId"] is None)
    return ref


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("granularity", ["weekly", "monthly", "yearly"])
def test_every_value_is_the_one_of_the_insight(agent: Agent, metric: str, granularity: str) -> None:
    column, rating = METRICS[metric]
    for team in [root(agent), *(team["refId"] for team in list(agent.teams().values())[:3])]:
        stages = [f"{stage.capitalize()}_Mean_Days" for stage in STAGES] if metric == "leadtime" else []
        asked = {"teamId": team, "metrics": ",".join([column, rating, *stages]), "depth": 0}
        by_period = agent.insight("efficiency", granularity=granularity, **asked)
        whole = agent.insight("efficiency", granularity="total", **asked)["rows"][0]
        answer = agent.post(path(metric), {"teamRefId": team, **DAYS, "granularity": granularity.upper()}).json
        assert [(one["label"], one["start"], one["end"], one["value"], one["count"]) for one in answer["periods"]] == [
            (row["period"], row["startDate"], row["endDate"], row["values"][column], row["n"][column])
            for row in by_period["rows"]
        ]
        for one, row in zip([*answer["periods"], answer["total"]], [*by_period["rows"], whole], strict=True):
            expected = {stage: row["values"][name] for stage, name in zip(STAGES, stages, strict=False)}
            assert one.get("stages", {}) == expected
        assert (answer["total"]["value"], answer["total"]["count"]) == (whole["values"][column], whole["n"][column])
        assert answer["rating"] == whole["values"][rating]
        told = next(one for one in by_period["metrics"] if one["column"] == column)
        assert [answer[name] for name in ("metric", "unit", "definition")] == [column, told["unit"], told["definition"]]
        assert (answer["teamRefId"], answer["team"]) == (team, whole["team"])


def test_the_demo_has_something_to_say(agent: Agent) -> None:
    for metric in METRICS:
        answer = agent.post(path(metric), {"teamRefId": root(agent), **DAYS}).json
        assert answer["granularity"] == "monthly"
        assert [one["label"] for one in answer["periods"]] == ["Jan 2026", "Feb 2026", "Mar 2026"]
        assert answer["total"]["count"] > 0
        assert answer["rating"] in ("Elite", "High", "Medium", "Low")


@pytest.mark.parametrize(
    ("word", "periods"),
    [
        *(("DAY", 90), ("daily", 90), ("WEEK", 14), ("Weekly", 14), ("MONTH", 3), ("month", 3), ("QUARTERLY", 1)),
        *(("quarter", 1), ("YEARLY", 1), ("year", 1), (None, 3)),
    ],
)
def test_all_words_for_periods_in_both_spellings_of_days(agent: Agent, word: str | None, periods: int) -> None:
    said = {} if word is None else {"granularity": word}
    answers = [
        agent.post(path("deploymentFrequency"), {"teamRefId": team, **days, **said}).json
        for team, days in ((root(agent), DAYS), (str(root(agent)), AMERICAN))
    ]
    for answer in answers:
        answer.pop("dataAsOf")
    assert answers[0] == answers[1]
    assert len(answers[0]["periods"]) == answers[0]["periodCount"] == periods


def test_pages_of_periods_are_the_whole_in_parts(agent: Agent) -> None:
    body = {"teamRefId": root(agent), **DAYS, "granularity": "WEEK"}
    whole = agent.post(path("mttr"), body).json["periods"]
    pages = [agent.post(path("mttr"), {**body, "page": page, "pageSize": "5"}).json for page in range(4)]
    assert [one for page in pages for one in page["periods"]] == whole
    assert [len(page["periods"]) for page in pages] == [5, 5, 4, 0]
    assert {(page["pageSize"], page["periodCount"]) for page in pages} == {(5, 14)}
    assert all(page["total"] == pages[0]["total"] for page in pages)


@pytest.mark.parametrize(
    ("metric", "column"), [("deploymentFrequency", "DF_Deployment_Count"), ("changeFailureRate", "CFR_Percent")]
)
def test_drilldowns_are_the_deployments_behind_the_value(agent: Agent, metric: str, column: str) -> None:
    team = root(agent)
    asked = {"teamId": team, "team": team, "metrics": column, "granularity": "total", "depth": 0}
    cell = agent.get("/v2/insights/efficiency/cells", dateFrom=FIRST, dateTo=LAST, column=column, **asked).json
    body = {"teamRefId": team, **DAYS, "pageSize": 40}
    first = agent.post(path(f"{metric}/drilldown"), body).json
    rows = list(first["content"])
    for page in range(1, -(-first["total"] // 40)):
        rows += agent.post(path(f"{metric}/drilldown"), {**body, "page": page}).json["content"]
    assert first["total"] == len(rows) == cell["count"] > 40
    keys = {(row["deployment_id"], row["service"]) for row in rows}
    assert len(keys) == len(rows)
    assert {(row["row"]["deployment_id"], row["row"]["service"]) for row in cell["rows"]} <= keys
    assert all(row["row"] in rows for row in cell["rows"])
    counted = agent.post(path(metric), {"teamRefId": team, **DAYS}).json["total"]["count"]
    assert counted == len(rows)


@pytest.mark.parametrize(
    ("sort", "downwards"),
    [
        ("service", False),
        ("-service", True),
        ("service desc", True),
        ({"field": "service"}, False),
        ({"sortBy": "service", "sortOrder": "DESC"}, True),
    ],
)
def test_drilldowns_are_sorted_as_asked(agent: Agent, sort: Any, downwards: bool) -> None:
    body = {"teamRefId": root(agent), **DAYS, "sortOption": sort}
    services = [row["service"] for row in agent.post(path("deploymentFrequency/drilldown"), body).json["content"]]
    assert len(set(services)) > 1
    assert services == sorted(services, key=str.casefold, reverse=downwards)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"teamRefId": None}, "missing_scope", "teamRefId"),
    ({"teamRefId": 999_999}, "invalid_team_id", "teamRefId"),
    ({"teamRefId": {}}, "invalid_team_id", "teamRefId"),
    ({"teamRefId": "'; DROP TABLE x"}, "invalid_team_id", "teamRefId"),
    ({"dateStart": None}, "missing_field", "dateStart"),
    ({"dateStart": "2026-02-30"}, "invalid_date", "dateStart"),
    ({"dateStart": "13/01/2026"}, "invalid_date", "dateStart"),
    ({"dateEnd": "01.02.2026"}, "invalid_date", "dateEnd"),
    ({"dateEnd": 5}, "invalid_date", "dateEnd"),
    ({"dateStart": "2026-04-01"}, "invalid_date_range", "dateStart to dateEnd"),
    ({"granularity": "HOURLY"}, "unsupported_granularity", "granularity"),
    ({"granularity": 1}, "unsupported_granularity", "granularity"),
    ({"page": -1}, "wrong_type", "page"),
    ({"page": True}, "wrong_type", "page"),
    ({"pageSize": 0}, "wrong_type", "pageSize"),
    ({"pageSize": 1001}, "wrong_type", "pageSize"),
]


@pytest.mark.parametrize(("wrong", "code", "field"), REFUSED)
@pytest.mark.parametrize("address", ["leadtime", "changeFailureRate/drilldown"])
def test_what_is_wrong_is_refused_in_the_words_of_the_body(
    agent: Agent, address: str, wrong: dict[str, Any], code: str, field: str
) -> None:
    answer = agent.post(path(address), {"teamRefId": root(agent), **DAYS, **wrong})
    assert (answer.status, answer.json["code"]) == (400, code), answer.body
    assert in_shape(answer.json)
    assert field in [detail["field"] for detail in answer.json["details"]], answer.body
    assert "dateFrom" not in answer.body.decode()
    assert "scope." not in answer.body.decode()


@pytest.mark.parametrize("sort", ["shoe_size", "service sideways", "", 7, {"direction": "asc"}])
def test_a_sort_option_that_is_none(agent: Agent, sort: Any) -> None:
    body = {"teamRefId": root(agent), **DAYS, "sortOption": sort}
    answer = agent.post(path("deploymentFrequency/drilldown"), body)
    assert answer.status == 400
    assert answer.json["details"][0]["field"] == "sortOption"


def test_it_is_what_an_unmodified_client_sends(served: Served) -> None:
    """With `x-api-key`, under the documented prefix, with a granularity in lower case."""
    client = Client(served.base)
    headers = {"x-api-key": served.keys["viewer"], "Content-Type": "application/json"}
    listed = client.send("GET", "/gateway/sei/api/v2/teams/list", headers=headers)
    team = listed.json["content"][0]["refId"]
    text = json.dumps(
        {"teamRefId": team, "dateStart": "2026-01-01", "dateEnd": "2026-03-31", "granularity": "quarterly"}
    )
    answer = client.send("POST", f"/gateway/sei/api{path('mttr')}", headers=headers, body=text)
    assert (listed.status, answer.status) == (200, 200)
    assert answer.json["periods"][0]["label"] == "Q1 2026"
