"""The use of AI coding assistants as agents ask for it: every value is that of the insight, which has those of exports."""

from __future__ import annotations

from typing import Any

import pytest

from agents.conftest import LAST, Agent
from leadline.api.agents.assistants import ADOPTION, PULL_REQUESTS, REWORK, USAGE

PATH = "/v2/insights/coding-assistant"
DAYS = {"startDate": "01/01/2026", "endDate": LAST}
TOOLS = ["claude-code", "copilot"]
"""Those of the demo."""
VENDOR = ["cursor", "windsurf"]
"""What the vendor's server sends for all tools."""


def some_team(agent: Agent) -> int:
    return int(next(team["refId"] for team in agent.teams().values() if not team["leaf"] and team["parentRefId"]))


def ask(agent: Agent, route: str, **asked: Any) -> dict[str, Any]:
    answer = agent.post(f"{PATH}/{route}", {"teamRefId": some_team(agent), **DAYS, **asked})
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json
    return found


def insight(agent: Agent, columns: Any, **asked: Any) -> list[dict[str, Any]]:
    level = {"level": "team", "depth": 0, "granularity": "total", **asked}
    level = {name: value for name, value in level.items() if value is not None}
    rows: list[dict[str, Any]] = agent.insight("productivity", teamId=some_team(agent), metrics=list(columns), **level)[
        "rows"
    ]
    return rows


def values(row: dict[str, Any]) -> dict[str, Any]:
    return {"values": row["values"], "counts": row["n"]}


def cut(period: dict[str, Any]) -> dict[str, Any]:
    return {name: period[name] for name in ("values", "counts")}


@pytest.mark.parametrize(("route", "columns"), [("adoptions", ADOPTION), ("usage/metrics", USAGE)])
@pytest.mark.parametrize("tools", [None, VENDOR, ["Copilot"], ["windsurf"]])
def test_every_value_is_the_one_of_the_insight(
    agent: Agent, route: str, columns: tuple[str, ...], tools: list[str] | None
) -> None:
    only = {} if tools in (None, VENDOR) else {"tools": tools}
    months = insight(agent, columns, granularity="monthly", **only)
    (whole,) = insight(agent, columns, **only)
    body = ask(agent, route, integrationType=tools)
    assert [cut(period) for period in body["periods"]] == [values(row) for row in months]
    assert (cut(body["total"]), body["periodCount"], body["granularity"]) == (values(whole), 3, "monthly")
    assert {metric["column"] for metric in body["metrics"]} == set(columns)
    assert body["tools"] == (None if not only else [tool.lower() for tool in only["tools"]])
    if tools == ["windsurf"]:  # which was never read
        assert set(whole["values"].values()) == {None}
    else:
        assert body["total"]["values"][columns[0]]
    page = ask(agent, route, integrationType=tools, page=1, pageSize=2)
    assert page["periods"] == body["periods"][2:]


def test_tools_add_up_where_days_do_not(agent: Agent) -> None:
    """Lines of all tools are the sum of theirs; days of use are not, as people use two on one day."""
    by_tool = ask(agent, "usage/summary", integrationType=TOOLS)["byTool"]
    (whole,) = insight(agent, USAGE)
    assert list(by_tool) == TOOLS
    known = [one["values"]["AI_Lines_Accepted"] for one in by_tool.values()]
    assert whole["values"]["AI_Lines_Accepted"] == sum(value or 0 for value in known) > 0
    days = [one["values"]["AI_Active_Days"] or 0 for one in by_tool.values()]
    assert max(days) <= whole["values"]["AI_Active_Days"] <= sum(days)


@pytest.mark.parametrize(("route", "columns"), [("adoptions", ADOPTION), ("usage", USAGE)])
def test_a_summary_is_beside_the_days_before_and_tells_tools_apart(
    agent: Agent, route: str, columns: tuple[str, ...]
) -> None:
    days = {"startDate": "2026-02-01", "endDate": "2026-02-28"}
    body = ask(agent, f"{route}/summary", integrationType=VENDOR, **days)
    february = {"dateFrom": "2026-02-01", "dateTo": "2026-02-28"}
    (now,) = insight(agent, columns, compare="previous", **february)
    assert cut(body["total"]) == values(now)
    assert cut(body["previous"]) == values(now["previous"])
    assert (body["previous"]["start"], body["previous"]["end"]) == ("2026-01-01", "2026-01-31")
    for tool in VENDOR:
        (alone,) = insight(agent, columns, tools=tool, **february)
        assert cut(body["byTool"][tool]) == values(alone)
    assert set(body["byTool"]["windsurf"]["values"].values()) == {None}
    assert ask(agent, f"{route}/summary", **days)["byTool"] == {}


def test_breakdowns_are_by_team_or_by_developer(agent: Agent) -> None:
    team = some_team(agent)
    body = ask(agent, "adoptions/breakdown")
    below = insight(agent, ADOPTION, depth=1)
    assert body["groupBy"] == "TEAM"
    assert [(row["team"], cut(row)) for row in body["content"]] == [
        (row["team"], values(row)) for row in below if row["team"]["refId"] != str(team)
    ]
    body = ask(agent, "usage/breakdown", pageSize=3, page=1)
    people = insight(agent, USAGE, level="developer", depth=None)
    assert (body["groupBy"], body["total"]) == ("DEVELOPER", len(people))
    assert [(row["developer"], cut(row)) for row in body["content"]] == [
        (row["developer"], values(row)) for row in people[3:6]
    ]
    assert ask(agent, "adoptions/breakdown", groupBy="developer")["content"][0]["developer"]


@pytest.mark.parametrize(("route", "columns"), [("pr-velocity/summary", PULL_REQUESTS), ("rework/summary", REWORK)])
def test_work_with_and_without_tools_is_that_of_split_exports(
    agent: Agent, route: str, columns: tuple[str, ...]
) -> None:
    body = ask(agent, route, integrationType=VENDOR)
    (whole,) = insight(agent, columns)
    assert set(body["parts"]) == {"assisted", "none", "all"}
    assert body["parts"]["all"]["values"] == whole["values"]
    if "PR_Merged" in columns:
        parts = [body["parts"][name]["values"]["PR_Merged"] for name in ("assisted", "none", "all")]
        assert parts[0] + parts[1] == parts[2]
        assert min(parts) > 0
    assert "warnings" not in body
    assert ask(agent, route, integrationType=["cursor"])["warnings"][0].startswith("integrationType")


def test_one_metric_by_its_name(agent: Agent) -> None:
    body = ask(agent, "usage/metrics", metricType="acceptanceRatePercentage", granularity="WEEKLY")
    weeks = insight(agent, ["AI_Acceptance_Percent"], granularity="weekly")
    assert [cut(period) for period in body["periods"]] == [values(row) for row in weeks]
    users = ask(agent, "usage/metrics", metricType="daily_active_users", pageSize=100)
    days = insight(agent, ["AI_Adoption_Percent"], granularity="daily")
    assert [period["values"]["DAILY_ACTIVE_USERS"] for period in users["periods"]] == [
        None if row["values"]["AI_Adoption_Percent"] is None else row["n"]["AI_Adoption_Percent"] for row in days
    ]
    assert any(period["values"]["DAILY_ACTIVE_USERS"] for period in users["periods"])


@pytest.mark.parametrize(
    ("route", "wrong", "code", "field"),
    [
        ("adoptions", {"teamRefId": 999_999}, "invalid_team_id", "teamRefId"),
        ("adoptions", {"startDate": None}, "missing_field", "startDate"),
        ("adoptions", {"granularity": "hourly"}, "unsupported_granularity", "granularity"),
        ("adoptions/breakdown", {"groupBy": "TOOL"}, "unsupported_group_by", "groupBy"),
        ("usage/metrics", {"metricType": "linesAddedPerContributor"}, "unsupported_metric_type", "metricType"),
        (
            "usage/metrics",
            {"metricType": "DAILY_ACTIVE_USERS", "granularity": "WEEK"},
            "unsupported_granularity",
            "granularity",
        ),
        ("usage/summary", {"integrationType": "cursor"}, "wrong_type", "integrationType"),
        ("rework/summary", {"endDate": "2025-01-01"}, "invalid_date_range", "startDate to endDate"),
    ],
)
def test_what_is_wrong_is_refused_in_the_words_of_the_body(
    agent: Agent, route: str, wrong: dict[str, Any], code: str, field: str
) -> None:
    answer = agent.post(f"{PATH}/{route}", {"teamRefId": some_team(agent), **DAYS, **wrong})
    assert (answer.status, answer.json["code"]) == (400, code), answer.body
    assert field in [detail["field"] for detail in answer.json["details"]]
