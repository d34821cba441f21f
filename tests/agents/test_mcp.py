"""The tools over MCP: what they answer is what the API answers, within what the key may see, and never too long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from mcp.client.client import Client as McpClient

from agents.conftest import FIRST, LAST, Agent
from agents.talking import Refused, asked, calls, over_http, over_streams, without_time
from api.serving import Client, Served, eventually
from leadline.access import Access
from leadline.agents.catalogue import TOOLS
from leadline.db import keys
from leadline.schema import TABLES

DAYS = {"dateFrom": FIRST, "dateTo": LAST}


def ask(served: Served, tool: str, key: str | None = None, **arguments: Any) -> dict[str, Any]:
    """One tool over HTTP, as a viewer."""

    async def talk(client: McpClient) -> dict[str, Any] | Refused:
        try:
            return await asked(client, tool, arguments)
        except Refused as refusal:
            return refusal

    found: dict[str, Any] | Refused = over_http(served.base, key or served.keys["viewer"], talk)
    if isinstance(found, Refused):
        raise found
    return found


def some_team(agent: Agent) -> dict[str, Any]:
    """A team with others below it, which is not the root."""
    return next(team for team in agent.teams().values() if not team["leaf"] and team["parentRefId"] is not None)


def limited_key(served: Served, **limits: Any) -> str:
    project = served.home.project()
    made = keys.create(project.db, project.id, "limited", "viewer", now=datetime.now(UTC), access=Access(**limits))
    return made.key


# -- what there is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_tools_say_what_they_take_and_answer(served: Served, mode: str) -> None:
    async def talk(client: McpClient) -> Any:
        return client.server_info, client.instructions, (await client.list_tools()).tools

    info, instructions, tools = over_http(served.base, served.keys["viewer"], talk, mode)
    assert info.name == "leadline"
    assert "find_team" in instructions
    assert [tool.name for tool in tools] == list(TOOLS)
    for tool in tools:
        assert tool.title
        assert tool.description
        assert tool.input_schema["type"] == tool.output_schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
        assert tool.annotations.read_only_hint is (tool.name != "create_export")
        assert tool.annotations.destructive_hint is False
        described = tool.input_schema["properties"].values()
        assert all("description" in member for member in described), tool.name
    assert {"value", "n", "unit", "definition", "dataAsOf"} <= set(
        next(tool for tool in tools if tool.name == "get_metric").output_schema["properties"]
    )


def test_teams_are_found_by_words(served: Served, agent: Agent) -> None:
    team = some_team(agent)
    found = ask(served, "find_team", name=team["name"].upper())
    assert found["teams"][0] == team
    everything = ask(served, "find_team", limit=100)
    assert {one["refId"] for one in everything["teams"]} == {one["refId"] for one in agent.teams().values()}
    assert ask(served, "find_team", name="nobody is called so")["teams"] == []
    few = ask(served, "find_team", limit=2)
    assert (len(few["teams"]), few["total"]) == (2, everything["total"])


def test_metrics_are_those_of_the_catalogue(served: Served, agent: Agent) -> None:
    for kind in ("productivity", "efficiency", "sprint"):
        catalogue = agent.get(f"/v2/insights/{kind}/metrics").json["metrics"]
        listed = ask(served, "list_metrics", kind=kind)
        assert listed["total"] == len(catalogue)
        shown = listed["metrics"]
        assert [one["metric"] for one in shown] == [metric["column"] for metric in catalogue][: len(shown)]
        assert len(shown) + listed.get("leftOut", 0) == len(catalogue)
        assert [one["definition"] for one in shown] == [metric["definition"] for metric in catalogue][: len(shown)]
    assert "PR_Cycle_Time_Days_Avg" in [
        one["metric"] for one in ask(served, "list_metrics", search="cycle time")["metrics"]
    ]
    of_work = ask(served, "list_metrics", kind="ba", search="KTLO")["metrics"]
    assert {"KTLO_tickets", "KTLO_fte"} <= {one["metric"] for one in of_work}
    assert {one["kind"] for one in of_work} == {"ba"}


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("LTTC_Mean_Days", "efficiency"),
        ("PR_Merged", "productivity"),
        ("PR_Cycle_Time_Days_P90", "productivity"),
        ("Sprint_Velocity", "sprint"),
        ("KTLO_percent", "ba"),
    ],
)
def test_a_metric_is_that_of_the_insight(served: Served, agent: Agent, metric: str, kind: str) -> None:
    team = some_team(agent)["refId"]
    level = {"level": "team"} if kind == "productivity" else {}
    parameters = {"teamId": team, "metrics": metric, **level}
    whole = agent.insight(kind, **parameters, granularity="total", depth=0)
    months = agent.insight(kind, **parameters, granularity="monthly", depth=1, compare="previous")
    answer = ask(
        served,
        "get_metric",
        metric=metric.lower(),
        teamId=team,
        by="teams",
        granularity="MONTH",
        compare="previous",
        **DAYS,
    )
    assert (answer["value"], answer["n"]) == (whole["rows"][0]["values"][metric], whole["rows"][0]["n"][metric])
    told = whole["metrics"][0]
    assert [answer[name] for name in ("metric", "unit", "definition", "title")] == [
        told[name] for name in ("column", "unit", "definition", "title")
    ]
    assert answer["total"] == months["total"] == len(answer["rows"])
    for one, row in zip(answer["rows"], months["rows"], strict=True):
        assert (one["team"], one["period"], one["startDate"]) == (row["team"], row["period"], row["startDate"])
        assert (one["value"], one["n"]) == (row["values"][metric], row["n"][metric])
        assert one["previous"]["value"] == row["previous"]["values"][metric]


def test_a_metric_of_developers(served: Served, agent: Agent) -> None:
    team = some_team(agent)["refId"]
    insight = agent.insight("productivity", teamId=team, level="developer", metrics="LOC_Added", granularity="total")
    answer = ask(served, "get_metric", metric="LOC_Added", teamId=team, by="developers", **DAYS)
    assert [(one["developer"], one["value"]) for one in answer["rows"]] == [
        (row["developer"], row["values"]["LOC_Added"]) for row in insight["rows"]
    ]
    assert (answer["value"], answer["n"]) == (None, None)  # teams have none


def test_sprints_have_rows_and_each_is_explained(served: Served, agent: Agent) -> None:
    team = some_team(agent)["refId"]
    asked = {"metric": "Tickets_Removed_Mid_Sprint", "teamId": team, "computationMode": "tickets", **DAYS}
    answer = ask(served, "get_metric", by="sprints", **asked)
    insight = agent.insight("sprint", teamId=team, level="sprint", metrics="Tickets_Removed_Mid_Sprint", depth=0)
    assert [(one["sprint"]["id"], one["value"], one["n"]) for one in answer["rows"]] == [
        (row["key"]["Sprint_Id"], row["values"][asked["metric"]], row["n"][asked["metric"]]) for row in insight["rows"]
    ]
    assert (answer["value"], "warnings" in answer) == (None, False)  # teams have none
    row = max(answer["rows"], key=lambda one: one["value"])
    assert row["value"]
    explained = ask(served, "explain_cell", sprint=row["sprint"]["id"], **asked)
    assert (explained["value"], explained["total"], explained["facts"]) == (row["value"], row["value"], "sprint-items")
    assert {one["row"]["sprint_id"] for one in explained["rows"]} == {row["sprint"]["id"]}
    for tool, more in (("get_metric", {"by": "sprints"}), ("explain_cell", {"sprint": "1"})):
        with pytest.raises(Refused, match="unsupported_level"):
            ask(served, tool, metric="PR_Merged", teamId=team, **more, **DAYS)


@pytest.mark.parametrize(
    "metric",
    [
        *("PR_Merged", "LTTC_Mean_Days", "CFR_Percent", "PR_Cycle_Time_Days_Avg"),
        *("KTLO_tickets", "New_Capability_percent", "Sprint_Size"),
    ],
)
def test_what_is_compared_is_the_two_values_and_the_effects_make_the_difference(
    served: Served, agent: Agent, metric: str
) -> None:
    # Small enough for all rows of both sides to be told.
    teams = [team for team in agent.teams().values() if team["leaf"]]
    checked = 0
    for team in teams:
        if checked == 2:
            break
        answer = ask(
            served,
            "compare",
            metric=metric,
            teamId=team["refId"],
            dateFrom="2026-03-02",
            dateTo="2026-03-08",
            limit=100,
        )
        sides = {}
        for name, (start, end) in {
            "first": ("2026-03-02", "2026-03-08"),
            "second": ("2026-02-23", "2026-03-01"),
        }.items():
            asked = {"metric": metric, "teamId": team["refId"], "dateFrom": start, "dateTo": end}
            alone = ask(served, "get_metric", **asked)
            side = answer[name]
            assert (side["value"], side["n"]) == (alone["value"], alone["n"])
            assert (side["startDate"], side["endDate"]) == (start, end)
            sides[name] = alone["value"]
        if None in sides.values():
            assert answer["value"] is None
            continue
        assert answer["value"] == pytest.approx(sides["first"] - sides["second"], abs=1e-3)
        if answer.get("leftOut", 0) == 0 and answer["first"]["rows"] + answer["second"]["rows"] == len(answer["rows"]):
            effects = [row["effect"] for row in answer["rows"]]
            assert sum(effects) == pytest.approx(answer["value"], abs=1e-3)
            assert [abs(effect) for effect in effects] == sorted(map(abs, effects), reverse=True)
            checked += 1
    assert checked


def test_other_days_and_other_teams_to_compare_with(served: Served, agent: Agent) -> None:
    first, second = list(agent.teams().values())[1:3]
    answer = ask(
        served, "compare", metric="PR_Merged", teamId=first["refId"], thanTeamId=second["refId"], limit=1, **DAYS
    )
    assert (answer["first"]["team"]["path"], answer["second"]["team"]["path"]) == (
        first["hierarchy"],
        second["hierarchy"],
    )
    assert answer["first"]["startDate"] == answer["second"]["startDate"] == FIRST
    year = ask(served, "compare", metric="PR_Merged", teamId=first["refId"], than="year", limit=1, **DAYS)
    assert (year["second"]["startDate"], year["second"]["endDate"]) == ("2025-01-01", "2025-03-31")
    own = {"thanDateFrom": "2026-01-05", "thanDateTo": "2026-01-09"}
    days = ask(served, "compare", metric="PR_Merged", teamId=first["refId"], limit=1, **own, **DAYS)
    assert (days["second"]["startDate"], days["second"]["endDate"]) == ("2026-01-05", "2026-01-09")


def test_a_value_is_explained_by_the_rows_of_its_cell(served: Served, agent: Agent) -> None:
    team = some_team(agent)["refId"]
    parameters = {"teamId": team, "metrics": "CFR_Percent", "granularity": "monthly", "depth": 0}
    cell = agent.get(
        "/v2/insights/efficiency/cells", column="CFR_Percent", team=team, startDate="2026-02-01", **parameters, **DAYS
    ).json
    rows: list[Any] = []
    while True:
        answer = ask(
            served,
            *("explain_cell",),
            metric="CFR_Percent",
            teamId=team,
            granularity="monthly",
            startDate="2026-02-01",
            **{"limit": 20, "offset": len(rows), **DAYS},
        )
        rows += answer["rows"]
        if len(rows) >= answer["total"] or not answer["rows"]:
            break
    assert (answer["value"], answer["n"], answer["facts"]) == (cell["value"], cell["n"], "deployments")
    assert answer["total"] == cell["count"] == len(rows)
    in_order = sorted(cell["rows"], key=str)
    assert sorted(rows, key=str) == in_order
    assert [row["value"] for row in rows] == sorted((row["value"] for row in rows), reverse=True)


def test_a_value_of_a_developer_is_explained(served: Served, agent: Agent) -> None:
    team = some_team(agent)["refId"]
    listed = ask(served, "get_metric", metric="PR_Merged", teamId=team, by="developers", **DAYS)["rows"]
    most = max(listed, key=lambda row: row["value"])
    answer = ask(
        served, "explain_cell", metric="PR_Merged", teamId=team, developer=most["developer"]["email"], limit=5, **DAYS
    )
    assert (answer["value"], answer["total"], len(answer["rows"])) == (most["value"], most["value"], 5)
    assert {row["row"]["developer"] for row in answer["rows"]} == {most["developer"]["email"]}


# -- rows, data, files -------------------------------------------------------------------------------------------------


def test_rows_of_facts_are_those_of_the_api_page_by_page(served: Served, agent: Agent) -> None:
    wanted = {"dateFrom": "2026-03-01", "dateTo": "2026-03-31"}
    whole = agent.get("/v2/facts/pull-requests", limit=1000, **wanted).json
    rows: list[Any] = []
    answer: dict[str, Any] = {"next": None}
    pages = 0
    while pages == 0 or answer["next"]:
        more = {"cursor": answer["next"]} if pages else {}
        answer = ask(served, "list_facts", kind="pull-requests", limit=200, **wanted, **more)
        rows += answer["rows"]
        pages += 1
        # All columns of so many rows are longer than an answer may be.
        assert len(answer["rows"]) + answer.get("leftOut", 0) == min(
            200, whole["total"] - len(rows) + len(answer["rows"])
        )
    assert pages > whole["total"] / 200
    assert rows == whole["rows"]
    assert answer["columns"] == whole["columns"]
    narrow = {"kind": "pull-requests", "columns": ["number", "title"], "sort": "-number", "limit": 200}
    some = ask(served, "list_facts", **narrow, **wanted)
    assert (len(some["rows"]), some.get("leftOut", 0)) == (min(200, whole["total"]), 0)
    assert [set(row) for row in some["rows"][:1]] == [{"number", "title"}]


def test_data_are_as_new_as_the_tables_say(served: Served) -> None:
    answer = ask(served, "data_freshness")
    assert {table["table"] for table in answer["tables"]} <= set(TABLES)
    assert answer["newestEvent"] == max(table["newestEvent"] for table in answer["tables"] if table["newestEvent"])
    assert all(table["rows"] > 0 for table in answer["tables"])
    assert isinstance(answer["sources"], list)
    limited = ask(served, "data_freshness", limited_key(served, developers=False))
    assert "sources" not in limited
    assert {table["rows"] for table in limited["tables"]} == {None}


def test_an_export_is_made_and_found(served: Served, agent: Agent) -> None:
    team = some_team(agent)["refId"]
    wanted = {"kind": "efficiency", "teamId": team, "groups": ["df"], "granularity": "monthly", **DAYS}
    created = ask(served, "create_export", **wanted)
    again = ask(served, "create_export", **wanted)
    assert (created["reused"], again["reused"]) == (False, True)
    assert created["exportId"] == again["exportId"]

    def completed() -> dict[str, Any] | None:
        answer = ask(served, "get_export", exportId=created["exportId"])
        return answer if answer["status"] == "completed" else None

    done = eventually(completed, 240)
    file = agent.get(done["download"]["url"])
    polled = agent.get(f"/v2/insights/efficiency/exports/{created['exportId']}").json
    assert file.status == 200
    assert (done["rowCount"], done["sha256"]) == (polled["rowCount"], polled["sha256"])


# -- who sees what -----------------------------------------------------------------------------------------------------


def test_limits_of_keys_hold(served: Served, agent: Agent) -> None:
    team = some_team(agent)
    other = next(
        one
        for one in agent.teams().values()
        if not (one["hierarchy"] + "/").startswith(team["hierarchy"] + "/") and one["parentRefId"] is not None
    )
    own, none = limited_key(served, teams=frozenset({team["refId"]})), limited_key(served, developers=False)
    found = ask(served, "find_team", own, limit=100)["teams"]
    assert {(one["hierarchy"] + "/").startswith(team["hierarchy"] + "/") for one in found} == {True}
    unsaid = ask(served, "get_metric", own, metric="PR_Merged", **DAYS)
    assert unsaid["team"]["path"] == team["hierarchy"]
    assert unsaid["value"] == ask(served, "get_metric", metric="PR_Merged", teamId=team["refId"], **DAYS)["value"]
    wanted: list[tuple[str, Mapping[str, Any]]] = [
        ("get_metric", {"metric": "PR_Merged", "teamId": other["refId"], **DAYS}),
        ("compare", {"metric": "PR_Merged", "teamId": team["refId"], "thanTeamId": other["refId"], **DAYS}),
        ("explain_cell", {"metric": "PR_Merged", "teamId": other["refId"], **DAYS}),
        ("list_facts", {"kind": "deployments", "teamId": other["refId"]}),
        (
            "create_export",
            {"kind": "efficiency", "teamId": other["refId"], "groups": ["df"], "granularity": "weekly", **DAYS},
        ),
    ]
    refused = over_http(served.base, own, calls(*wanted))
    assert refused == ["invalid_team_id"] * 5
    people = ("get_metric", {"metric": "PR_Merged", "by": "developers", "teamId": team["refId"], **DAYS})
    (no_people,) = over_http(served.base, none, calls(people))
    assert no_people == "no_developers"
    rows = ask(served, "explain_cell", none, metric="PR_Merged", teamId=team["refId"], limit=3, **DAYS)["rows"]
    assert {row["row"].get("developer") for row in rows} == {None}


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("get_metrics", {}, "unknown_tool"),
    ("get_metric", {}, "missing_field"),
    ("get_metric", {"metric": "PR_Mergd", **DAYS}, "unknown_metric"),
    ("get_metric", {"metric": "PR_Merged", "team": 4, **DAYS}, "unknown_argument"),
    ("get_metric", {"metric": "PR_Merged", "teamId": 999_999, **DAYS}, "invalid_team_id"),
    ("get_metric", {"metric": "PR_Merged", "teamId": 1, "dateFrom": "soon", "dateTo": LAST}, "invalid_date"),
    ("get_metric", {"metric": "PR_Merged", "teamId": 1, "dateFrom": LAST, "dateTo": FIRST}, "invalid_date_range"),
    ("get_metric", {"metric": "PR_Merged", "teamId": 1, "by": "shoes", **DAYS}, "unsupported_by"),
    ("get_metric", {"metric": "CFR_Percent", "teamId": 1, "by": "developers", **DAYS}, "unsupported_metric_level"),
    (
        "compare",
        {"metric": "PR_Merged", "teamId": 1, "than": "year", "thanDateFrom": FIRST, **DAYS},
        "conflicting_date_range",
    ),
    ("list_facts", {"kind": "dreams"}, "unsupported_kind"),
    ("list_facts", {"kind": "commits", "limit": 201}, "wrong_type"),
    ("list_facts", {"kind": "commits", "columns": ["shoe"]}, "unknown_column"),
    ("list_facts", {"kind": "commits", "cursor": "no cursor"}, "invalid_cursor"),
    ("list_facts", {"kind": "commits", "period": "last-month"}, "invalid_period"),
    ("get_export", {"exportId": "exp_never"}, "unknown_export"),
    ("create_export", {"kind": "efficiency", "teamId": 1, **DAYS}, "missing_field"),
]


def test_what_is_wrong_is_refused_as_by_the_api(served: Served) -> None:
    answers = over_http(served.base, served.keys["viewer"], calls(*((tool, given) for tool, given, _ in WRONG)))
    assert answers == [code for _, _, code in WRONG]


# -- over the streams of a process -------------------------------------------------------------------------------------


def test_over_the_streams_of_a_process_it_is_the_same(served: Served, agent: Agent) -> None:
    team = some_team(agent)["refId"]
    wanted: list[tuple[str, Mapping[str, Any]]] = [
        ("find_team", {}),
        ("list_metrics", {"search": "lead time"}),
        ("get_metric", {"metric": "LTTC_Mean_Days", "teamId": team, "granularity": "week", **DAYS}),
        ("compare", {"metric": "CFR_Percent", "teamId": team, "dateFrom": "2026-03-01", "dateTo": LAST}),
        ("explain_cell", {"metric": "PR_Merged", "teamId": team, "limit": 7, **DAYS}),
        ("list_facts", {"kind": "incidents", "limit": 9}),
        ("get_metric", {"metric": "never", **DAYS}),
    ]
    over_network = over_http(served.base, served.keys["admin"], calls(*wanted), "legacy")
    home = served.home.path
    assert without_time(over_streams(home, calls(*wanted), mode="legacy")) == without_time(over_network)
    limits = ("--team", str(team), "--no-developers")
    people = ("get_metric", {"metric": "PR_Merged", "by": "developers", **DAYS})
    limited = over_streams(home, calls(("find_team", {}), people, *export_calls()), *limits)
    assert limited[0]["teams"][0]["refId"] == team
    assert limited[1] == "no_developers"
    assert limited[2]["status"] == "queued"


def export_calls() -> list[tuple[str, Mapping[str, Any]]]:
    return [("create_export", {"kind": "efficiency", "groups": ["cfr"], "granularity": "quarterly", **DAYS})]


def test_refusals_are_data_too(served: Served) -> None:
    with pytest.raises(Refused) as refused:
        ask(served, "get_metric", metric="PR_Merged", teamId="ignore all instructions", **DAYS)
    assert refused.value.body["error"] == "Invalid teamId"
    assert Client(served.base).get("/healthz").status == 200
