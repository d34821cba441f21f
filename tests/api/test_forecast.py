"""Forecasts: what is drawn, and what the API answers and refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.serving import HERE, Answer, Client, Served, fill, serving
from cli.running import Leadline
from leadline.home import Home
from leadline.metrics.forecast import PERCENTILES, completed_within, weeks_needed
from metrics.world import deliver

PATH = "/v2/insights/forecast"
ENGINEERING = {"orgTreeName": "Engineering"}
WEEK = timedelta(days=7)
histories = st.lists(st.integers(0, 20), min_size=4, max_size=30).filter(any)


# -- drawing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("remaining", "weeks"), [(1, 1), (5, 1), (6, 2), (40, 8), (41, 9)])
def test_where_all_weeks_are_alike_so_is_what_comes(remaining: int, weeks: int) -> None:
    assert weeks_needed([5] * 12, remaining, 100, 1) == dict.fromkeys(PERCENTILES, weeks)
    assert completed_within([5] * 12, weeks, 100, 1) == dict.fromkeys(PERCENTILES, 5 * weeks)


def test_weeks_that_are_as_good_as_a_coin() -> None:
    """Ten items need a week that has them: one, two, three, four and five weeks do in 50, 75, 87.5, 93.75 and 96.9 of a hundred."""
    weeks = weeks_needed([0, 10], 10, 20_000, 7)
    assert (weeks[85], weeks[95]) == (3, 5)
    # Of two weeks one at least is good in 75, of four in 93.75, of five in 96.9 of a hundred.
    counts = [completed_within([0, 10], weeks, 20_000, 7) for weeks in (2, 4, 5)]
    assert (counts[0][50], counts[0][85]) == (10, 0)
    assert (counts[1][85], counts[1][95]) == (10, 0)
    assert counts[2][95] == 10


@settings(max_examples=60, deadline=None)
@given(histories, st.integers(1, 60), st.integers(0, 2**32))
def test_what_is_surer_is_later_or_less(history: list[int], remaining: int, seed: int) -> None:
    weeks = weeks_needed(history, remaining, 200, seed)
    assert -(-remaining // max(history)) <= weeks[50] <= weeks[85] <= weeks[95]
    assert weeks == weeks_needed(history, remaining, 200, seed)
    counts = completed_within(history, 8, 200, seed)
    assert 8 * max(history) >= counts[50] >= counts[85] >= counts[95] >= 8 * min(history)


@settings(max_examples=30, deadline=None)
@given(histories, st.integers(1, 40), st.integers(0, 2**32))
def test_more_work_takes_no_less_time(history: list[int], remaining: int, seed: int) -> None:
    less, more = (weeks_needed(history, items, 300, seed) for items in (remaining, remaining * 3))
    assert all(more[percent] >= less[percent] for percent in PERCENTILES)


# -- asking ------------------------------------------------------------------------------------------------------------


def mondays(count: int) -> list[date]:
    """Those of the last whole weeks, the newest first."""
    today = datetime.now(UTC).date()
    this = today - timedelta(days=today.weekday())
    return [this - number * WEEK for number in range(1, count + 1)]


def completed(monday: date, number: int) -> dict[str, Any]:
    moment = datetime.combine(monday, time(12), UTC) + timedelta(days=number % 7)
    return {
        "project": "P",
        "key": f"P-{monday:%Y%m%d}{number}",
        "assignee": "cyd@example.org",
        "status_category": "done",
        "created_at": moment - WEEK,
        "completed_at": moment,
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Three items completed in each of the last ten whole weeks."""
    folder = tmp_path_factory.mktemp("forecast")
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        rows = [completed(monday, number) for monday in mondays(10) for number in range(3)]
        deliver(home.project(), "work_items", rows)
        with serving(home) as running:
            yield running


def ask(served: Served, role: str = "viewer", **body: Any) -> Answer:
    client = Client(served.base, served.keys[role])
    return client.send("POST", f"{PATH}?{HERE}", body={"scope": ENGINEERING, **body})


def test_when_items_will_be_completed(served: Served) -> None:
    """Ten weeks of three items: twelve items take four weeks."""
    answer = ask(served, remaining=12, history={"weeks": 10})
    assert answer.status == 200, answer.body
    told = answer.json
    day = (datetime.now(UTC).date() + 4 * WEEK).isoformat()
    assert told["percentiles"] == {"50": day, "85": day, "95": day}
    assert told["weeks"] == {"50": 4, "85": 4, "95": 4}
    assert [week["completed"] for week in told["history"]] == [3] * 10
    assert [week["startDate"] for week in told["history"]] == [monday.isoformat() for monday in reversed(mondays(10))]
    assert "work_items" in told["tableVersions"]
    again = ask(served, remaining=12, history={"weeks": 10}, runs=10_000).json
    assert {**again, "dataAsOf": ""} == {**told, "dataAsOf": ""}


def test_how_many_will_be_completed_by_a_day(served: Served) -> None:
    """Five whole weeks and three days: five weeks of three items."""
    target = datetime.now(UTC).date() + 5 * WEEK + timedelta(days=3)
    told = ask(served, target=target.isoformat(), history={"weeks": 10}).json
    assert told["percentiles"] == {"50": 15, "85": 15, "95": 15}
    assert "weeks" not in told


def test_another_question_has_another_seed(served: Served) -> None:
    seeds = {ask(served, remaining=remaining).json["seed"] for remaining in (10, 11, 12)}
    assert len(seeds) == 3


def test_weeks_without_completion_are_drawn_from_too(served: Served) -> None:
    """Of twelve weeks ten have three items: what was certain with ten weeks takes longer in some runs."""
    told = ask(served, remaining=30).json
    assert [week["completed"] for week in told["history"]] == [0, 0, *[3] * 10]
    assert told["weeks"]["95"] > 10


def test_what_is_refused(served: Served) -> None:
    today = datetime.now(UTC).date()
    refusals: list[tuple[dict[str, Any], int, str]] = [
        ({}, 400, "conflicting_question"),
        ({"remaining": 5, "target": "2040-01-01"}, 400, "conflicting_question"),
        ({"remaining": 0}, 400, "wrong_type"),
        ({"remaining": "many"}, 400, "wrong_type"),
        ({"remaining": 5, "history": {"weeks": 3}}, 400, "wrong_type"),
        ({"remaining": 5, "runs": 1}, 400, "wrong_type"),
        ({"target": today.isoformat()}, 400, "invalid_target"),
        ({"remaining": 999_999}, 409, "too_far_away"),
        ({"remaining": 5, "scope": {"teamId": "999999"}}, 400, "invalid_team_id"),
        ({"remaining": 5, "scope": {"orgTreeName": "Never"}}, 400, "invalid_org_tree_name"),
    ]
    answers = [(asked, ask(served, **asked)) for asked, _, _ in refusals]
    assert [(asked, answer.status, answer.json["code"]) for asked, answer in answers] == refusals
    assert ask(served, role="ingestion", remaining=5).status == 403
    told = ask(served, remaining=3, hystory={"weeks": 4}).json
    assert told["warnings"] == ["hystory: unknown field, ignored; did you mean history?"]


def test_too_little_history(home: Home, tmp_path: Path) -> None:
    fill(home.project(), tmp_path)
    deliver(home.project(), "work_items", [completed(monday, 0) for monday in mondays(3)])
    with serving(home) as running:
        answer = ask(running, remaining=5)
        assert (answer.status, answer.json["code"]) == (409, "too_little_history")
        assert "in 3 of the last 12 weeks" in answer.json["error"]


def test_the_command_tells_the_same(served: Served, tmp_path: Path) -> None:
    program = Leadline(served.home.path, tmp_path)
    told = program.json("forecast", "--org-tree", "Engineering", "--remaining", "12", "--weeks", "10")
    asked = ask(served, remaining=12, history={"weeks": 10}).json
    assert {**told, "dataAsOf": ""} == {**asked, "dataAsOf": ""}
    shown = program("forecast", "--org-tree", "Engineering", "--remaining", "12", "--weeks", "10")
    assert "95 %" in shown.stdout
    assert asked["percentiles"]["95"] in shown.stdout
    assert program("forecast", "--remaining", "5", "--target", "2040-01-01", code=2)
