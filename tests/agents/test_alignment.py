"""Business alignment as agents ask for it: every value is that of the insight, which has those of exports."""

from __future__ import annotations

from typing import Any

import pytest

from agents.conftest import FIRST, Agent
from leadline.settings.categories import column_form

DAYS = {"dateStart": FIRST, "dateEnd": "03/31/2026"}
MEMBERS = {
    "tickets": "tickets",
    "storyPoints": "story_points",
    "timeSpentHours": "time_spent_hours",
    "percent": "percent",
    "fte": "fte",
}
EVERY = ["CATEGORIZED", "UNCATEGORIZED", "SHARE", "EFFORT"]


def some_team(agent: Agent) -> int:
    return int(next(team["refId"] for team in agent.teams().values() if not team["leaf"] and team["parentRefId"]))


def told(values: dict[str, Any], category: str) -> dict[str, Any]:
    """What an answer says of a category, by the columns of exports."""
    columns = {member: f"{column_form(category)}_{measure}" for member, measure in MEMBERS.items()}
    return {"category": category, **{member: values.get(column) for member, column in columns.items()}}


def names(agent: Agent) -> list[str]:
    (profile,) = agent.get("/v2/insights/ba/profiles").json["content"]
    return [*profile["categories"], "Uncategorized", "Unlinked"]


def test_profiles_are_those_of_the_org_trees(agent: Agent) -> None:
    body = agent.get("/v2/insights/ba/profiles").json
    trees = agent.get("/v2/org-trees").json
    listed = trees["content"] if isinstance(trees, dict) and "content" in trees else trees
    assert body["total"] == len(body["content"]) == 1
    assert {"KTLO", "New Capability"} <= set(body["content"][0]["categories"])
    assert str(body["content"][0]["profileId"]) in str(listed)


@pytest.mark.parametrize(("word", "granularity"), [(None, "monthly"), ("WEEKLY", "weekly"), ("quarter", "quarterly")])
@pytest.mark.parametrize("unit", [None, "fte"])
def test_every_value_is_the_one_of_the_insight(
    agent: Agent, word: str | None, granularity: str, unit: str | None
) -> None:
    team = some_team(agent)
    shape = {} if unit is None else {"effortUnit": unit}
    insight = agent.insight("ba", teamId=team, depth=0, granularity=granularity, groups=EVERY, **shape)
    asked = {"teamRefId": team, "granularity": word, **DAYS, **shape}
    body = agent.post("/v2/insights/ba/feature_metrics", asked).json
    assert (body["teamRefId"], body["granularity"], body["periodCount"]) == (team, granularity, len(insight["rows"]))
    assert body["effortUnit"] == insight["request"]["effortUnit"]
    for period, row in zip(body["periods"], insight["rows"], strict=True):
        assert (period["label"], period["start"], period["end"]) == (row["period"], row["startDate"], row["endDate"])
        assert period["categories"] == [told(row["values"], name) for name in names(agent)]
    assert {one["measure"] for one in body["measures"]} == set(MEMBERS.values())
    assert any(category["tickets"] for period in body["periods"] for category in period["categories"])
    page = agent.post("/v2/insights/ba/feature_metrics", {**asked, "page": 1, "pageSize": 1}).json
    assert page["periods"] == body["periods"][1:2]


def test_the_summary_is_the_range_beside_the_one_before(agent: Agent) -> None:
    team = some_team(agent)
    days = {"dateStart": "2026-02-01", "dateEnd": "2026-02-28"}
    whole = {"teamId": team, "depth": 0, "granularity": "total", "groups": EVERY}
    now = agent.insight("ba", **{**whole, "dateFrom": "2026-02-01", "dateTo": "2026-02-28"})["rows"][0]
    before = agent.insight("ba", **{**whole, "dateFrom": "2026-01-01", "dateTo": "2026-01-31"})["rows"][0]
    body = agent.post("/v2/insights/ba/feature_summary", {"teamRefId": str(team), **days}).json
    assert body["categories"] == [
        {**told(now["values"], name), "previous": told(before["values"], name)} for name in names(agent)
    ]
    assert (body["start"], body["end"]) == (days["dateStart"], days["dateEnd"])


def test_drilldowns_are_the_items_behind_the_values(agent: Agent) -> None:
    team = some_team(agent)
    summary = agent.post("/v2/insights/ba/feature_summary", {"teamRefId": team, **DAYS}).json["categories"]
    keys = set()
    for one in summary[:-1]:
        body = agent.post(
            "/v2/insights/ba/drilldown",
            {
                "teamRefId": team,
                "category": one["category"].upper(),
                "pageSize": 1000,
                "sortOption": "-completed_at",
                **DAYS,
            },
        ).json
        assert body["total"] == len(body["content"]) == one["tickets"]
        instants = [row["completed_at"] for row in body["content"]]
        assert instants == sorted(instants, reverse=True)
        keys |= {row["key"] for row in body["content"]}
    everything = agent.post("/v2/insights/ba/drilldown", {"teamRefId": team, "pageSize": 1000, **DAYS}).json
    assert {row["key"] for row in everything["content"]} == keys
    assert everything["total"] == sum(one["tickets"] for one in summary[:-1])


def test_a_profile_says_the_org_tree(agent: Agent) -> None:
    (profile,) = agent.get("/v2/insights/ba/profiles").json["content"]
    whole = agent.post("/v2/insights/ba/feature_summary", DAYS)
    named = agent.post("/v2/insights/ba/feature_summary", {"profileId": profile["profileId"], **DAYS})
    assert (named.status, named.json["categories"]) == (200, whole.json["categories"])
    assert named.json["profileId"] == profile["profileId"]
    with_team = agent.post(
        "/v2/insights/ba/feature_summary",
        {"profileId": str(profile["profileId"]), "teamRefId": some_team(agent), **DAYS},
    )
    assert with_team.status == 200


@pytest.mark.parametrize(
    ("route", "wrong", "code", "field"),
    [
        ("feature_metrics", {"teamRefId": 999_999}, "invalid_team_id", "teamRefId"),
        ("feature_metrics", {"profileId": "999"}, "unknown_profile", "profileId"),
        ("feature_metrics", {"granularity": "hourly"}, "unsupported_granularity", "granularity"),
        ("feature_summary", {"dateStart": "2026-04-01"}, "invalid_date_range", "dateStart to dateEnd"),
        ("feature_summary", {"effortUnit": "hours"}, "unsupported_effort_unit", "effortUnit"),
        ("feature_summary", {"dateEnd": None}, "missing_field", "dateEnd"),
        ("drilldown", {"category": "KTL"}, "unknown_category", "category"),
        ("drilldown", {"category": "Unlinked"}, "unknown_category", "category"),
        ("drilldown", {"sortOption": "shoe_size"}, "unknown_column", "sortOption"),
    ],
)
def test_what_is_wrong_is_refused_in_the_words_of_the_body(
    agent: Agent, route: str, wrong: dict[str, Any], code: str, field: str
) -> None:
    answer = agent.post(f"/v2/insights/ba/{route}", {"teamRefId": some_team(agent), **DAYS, **wrong})
    assert (answer.status, answer.json["code"]) == (400, code), answer.body
    assert field in [detail["field"] for detail in answer.json["details"]]
