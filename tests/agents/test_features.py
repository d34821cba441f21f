"""Productivity features as agents ask for them: every value is one of the insight's, or a sum of them over developers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agents.conftest import FIRST, LAST, Agent
from api.test_errors import in_shape

PATH = "/v2/productivityv3/feature_metrics"
DAYS = {"startDate": FIRST, "endDate": LAST}
OF_TEAMS = {
    "PR_VELOCITY": "PR_Velocity",
    "PR_CYCLE_TIME": "PR_Cycle_Time_Days_Avg",
    "WORK_COMPLETED": "Work_Completed",
    "CODING_DAYS": "Coding_Days",
    "NUMBER_OF_COMMENTS_PER_PR": "Review_Comments_Per_PR_Avg",
    "AVG_TIME_TO_FIRST_COMMENT": "Review_Time_To_First_Comment_Hrs_Avg",
}
OF_DEVELOPERS = {**OF_TEAMS, "PR_VELOCITY": "PR_Merged", "LINES_OF_CODE": "LOC_Added"}
PARTS = {
    ("PR_VELOCITY", "SIZE"): ["PR_Merged_Small", "PR_Merged_Medium", "PR_Merged_Large"],
    ("PR_VELOCITY", "WORK_TYPE"): ["PR_Merged_Features", "PR_Merged_Bugs", "PR_Merged_Other"],
    ("WORK_COMPLETED", "WORK_TYPE"): ["Work_Features_Completed", "Work_Bugs_Completed", "Work_Other_Completed"],
    ("PR_CYCLE_TIME", "STAGE"): [
        f"PR_{stage}_Time_Days_Avg" for stage in ("Creation", "First_Review", "Approval", "Merge")
    ],
}


def middle(agent: Agent) -> dict[str, Any]:
    """A team with others below it, which is not the root."""
    return next(team for team in agent.teams().values() if not team["leaf"] and team["parentRefId"] is not None)


def leaf(agent: Agent) -> dict[str, Any]:
    return next(team for team in agent.teams().values() if team["leaf"])


def ask(agent: Agent, **body: Any) -> dict[str, Any]:
    answer = agent.post(PATH, {**DAYS, "granularity": "MONTHLY", **body})
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json
    return found


def by_period(rows: list[dict[str, Any]], value: Callable[[dict[str, Any]], Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row["period"], []).append(value(row))
    return found


@pytest.mark.parametrize("feature", OF_TEAMS)
def test_of_a_team_it_is_the_value_of_the_insight(agent: Agent, feature: str) -> None:
    column = OF_TEAMS[feature]
    for team in (middle(agent), leaf(agent)):
        asked = {"teamId": team["refId"], "level": "team", "metrics": column, "depth": 0}
        insight = agent.insight("productivity", granularity="monthly", **asked)
        answer = ask(agent, featureType=feature.lower(), teamRefIds=[team["refId"]])
        assert [(one["label"], one["value"], one["count"]) for one in answer["periods"]] == [
            (row["period"], row["values"][column], row["n"][column]) for row in insight["rows"]
        ]
        told = insight["metrics"][0]
        assert [answer[name] for name in ("metric", "unit", "definition", "featureType")] == [
            *(told[name] for name in ("column", "unit", "definition")),
            feature,
        ]
        assert answer["stackBy"] is None
        assert not any("stacks" in one for one in answer["periods"])


def test_weeks_and_velocity_of_the_only_tree_go_without_saying(agent: Agent) -> None:
    answer = agent.post(PATH, DAYS).json
    insight = agent.insight("productivity", level="team", metrics="PR_Velocity", orgTreeName=tree(agent), depth=0)
    weeks = agent.insight(
        "productivity", level="team", metrics="PR_Velocity", orgTreeName=tree(agent), depth=0, granularity="weekly"
    )
    assert (answer["featureType"], answer["granularity"], answer["periodCount"]) == ("PR_VELOCITY", "weekly", 14)
    assert [one["value"] for one in answer["periods"]] == [row["values"]["PR_Velocity"] for row in weeks["rows"]]
    assert insight["rows"] != weeks["rows"]


def tree(agent: Agent) -> str:
    name: str = agent.get("/v2/org-trees").json["orgTrees"][0]["name"]
    return name


@pytest.mark.parametrize(("feature", "stack"), PARTS)
def test_stacked_by_what_it_is_made_of(agent: Agent, feature: str, stack: str) -> None:
    columns, team = PARTS[feature, stack], middle(agent)["refId"]
    asked = {"teamId": team, "level": "team", "metrics": ",".join(columns), "depth": 0}
    insight = agent.insight("productivity", granularity="monthly", **asked)
    answer = ask(agent, featureType=feature, teamRefIds=[str(team)], stackBy=stack.lower())
    assert answer["stackBy"] == stack
    assert [list(one["stacks"].values()) for one in answer["periods"]] == [
        [row["values"][column] for column in columns] for row in insight["rows"]
    ]
    # The value stays the feature's own.
    assert answer["metric"] == OF_TEAMS[feature]


@pytest.mark.parametrize("word", ["DEVELOPER", "contributor"])
@pytest.mark.parametrize("feature", ["PR_VELOCITY", "CODING_DAYS", "LINES_OF_CODE"])
def test_stacked_by_developer(agent: Agent, feature: str, word: str) -> None:
    team, column = leaf(agent)["refId"], OF_DEVELOPERS[feature]
    insight = agent.insight("productivity", teamId=team, level="developer", metrics=column, granularity="monthly")
    answer = ask(agent, featureType=feature, teamIds=[team], stackBy=word)
    expected = by_period(insight["rows"], lambda row: (row["developer"]["email"], row["values"][column]))
    assert {one["label"]: list(one["stacks"].items()) for one in answer["periods"]} == expected
    assert answer["stackBy"] == "DEVELOPER"


def test_lines_of_a_team_are_the_sum_over_its_developers(agent: Agent) -> None:
    team = middle(agent)["refId"]
    metrics = "LOC_Added,LOC_Removed"
    rows = agent.insight("productivity", teamId=team, level="developer", metrics=metrics, granularity="monthly")["rows"]
    answer = ask(agent, featureType="LINES_OF_CODE", teamRefIds=[team], stackBy="KIND")
    for one in answer["periods"]:
        own = [row["values"] for row in rows if row["period"] == one["label"]]
        added, removed = (sum(values[column] for values in own) for column in ("LOC_Added", "LOC_Removed"))
        assert (one["value"], one["stacks"]) == (added, {"Added": added, "Removed": removed})
        assert added > 0


def test_stacked_by_the_teams_below(agent: Agent) -> None:
    team = middle(agent)
    asked = {"teamId": team["refId"], "level": "team", "metrics": "PR_Velocity", "granularity": "monthly"}
    rows = agent.insight("productivity", **asked, depth=1)["rows"]
    below = [row for row in rows if row["team"]["path"] != team["hierarchy"]]
    answer = ask(agent, teamRefIds=[team["refId"]], stackBy="TEAM")
    expected = by_period(below, lambda row: (row["team"]["path"], row["values"]["PR_Velocity"]))
    assert {one["label"]: list(one["stacks"].items()) for one in answer["periods"]} == expected
    assert all(one["value"] is not None for one in answer["periods"])


def test_several_teams_are_stacked_and_have_no_value_together(agent: Agent) -> None:
    teams = list(agent.teams().values())[1:4]
    answer = ask(agent, featureType="WORK_COMPLETED", teamRefIds=[team["refId"] for team in teams])
    assert answer["stackBy"] == "TEAM"
    for number, one in enumerate(answer["periods"]):
        assert (one["value"], one["count"]) == (None, None)
        for team in teams:
            alone = ask(agent, featureType="WORK_COMPLETED", teamRefIds=[team["refId"]])["periods"][number]
            assert one["stacks"][team["hierarchy"]] == alone["value"]


def test_developers_by_email(agent: Agent) -> None:
    team = leaf(agent)["refId"]
    insight = agent.insight("productivity", teamId=team, level="developer", metrics="PR_Merged", granularity="monthly")
    emails = list(dict.fromkeys(row["developer"]["email"] for row in insight["rows"]))[:2]
    own = by_period(insight["rows"], lambda row: (row["developer"]["email"], row["values"]["PR_Merged"]))
    both = ask(agent, teamRefIds=[team], developerIds=[emails[0].upper(), emails[1]])
    assert both["stackBy"] == "DEVELOPER"
    for one in both["periods"]:
        assert one["value"] is None
        assert list(one["stacks"].items()) == [pair for pair in own[one["label"]] if pair[0] in emails]
    single = ask(agent, developerIds=[emails[0]], stackBy="SIZE")
    assert [one["value"] for one in single["periods"]] == [
        dict(own[one["label"]])[emails[0]] for one in single["periods"]
    ]
    assert all(sum(one["stacks"].values()) == one["value"] for one in single["periods"])


def test_pages(agent: Agent) -> None:
    whole = agent.post(PATH, DAYS).json["periods"]
    pages = [agent.post(PATH, {**DAYS, "page": page, "pageSize": 6}).json["periods"] for page in range(3)]
    assert [one for page in pages for one in page] == whole


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"startDate": None}, "missing_field", "startDate"),
    ({"endDate": "2025-12-31"}, "invalid_date_range", "startDate to endDate"),
    ({"featureType": "STORY_POINTS"}, "unsupported_feature_type", "featureType"),
    ({"granularity": "fortnightly"}, "unsupported_granularity", "granularity"),
    ({"stackBy": "REPOSITORY"}, "unsupported_stack_by", "stackBy"),
    ({"stackBy": "STAGE"}, "unsupported_stack_by", "stackBy"),
    ({"featureType": "LINES_OF_CODE", "stackBy": "TEAM"}, "unsupported_stack_by", "stackBy"),
    ({"teamRefIds": [1, 2], "stackBy": "SIZE"}, "conflicting_stack_by", "stackBy"),
    ({"teamRefIds": [999_999]}, "invalid_team_id", "teamRefIds"),
    ({"teamRefIds": 5}, "wrong_type", "teamRefIds"),
    ({"teamRefIds": ["1"] * 51}, "wrong_type", "teamRefIds"),
    ({"teamRefIds": [1, 2], "developerIds": ["a"]}, "conflicting_scope", "teamRefIds"),
    ({"developerIds": ["nobody@example.com"]}, "unknown_developer", "developerIds"),
    ({"developerIds": [7]}, "wrong_type", "developerIds[0]"),
]


@pytest.mark.parametrize(("wrong", "code", "field"), REFUSED)
def test_what_is_wrong_is_refused(agent: Agent, wrong: dict[str, Any], code: str, field: str) -> None:
    answer = agent.post(PATH, {**DAYS, **wrong})
    assert (answer.status, answer.json["code"]) == (400, code), answer.body
    assert in_shape(answer.json)
    assert field in [detail["field"] for detail in answer.json["details"]], answer.body
