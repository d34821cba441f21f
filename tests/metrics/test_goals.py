"""Goals: which metrics can have one, whose is in force for which team, and when it is met."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadline.administration import settings
from leadline.errors import InvalidRequest
from leadline.home import Project
from leadline.metrics.catalogue import catalogue_of
from leadline.metrics.goals import Goal, columns, goal_of, goals_of
from leadline.metrics.metric import INSIGHTS
from leadline.people import load_org, tree
from leadline.settings.rules import parse_goals

PEOPLE = """email,full_name,manager_email,team
ada@example.org,Ada,,
ben@example.org,Ben,ada@example.org,Platform
cyd@example.org,Cyd,ben@example.org,Core
dee@example.org,Dee,cyd@example.org,Core
eve@example.org,Eve,ada@example.org,Web
fay@example.org,Fay,eve@example.org,Web
"""


@pytest.mark.parametrize(
    ("text", "goals"),
    [
        ("LTTC_Mean_Days = 2; cfr_percent=15;", {"LTTC_MEAN_DAYS": 2.0, "CFR_PERCENT": 15.0}),
        ("MTTR_Mean_Days = 1/24", {"MTTR_MEAN_DAYS": 1 / 24}),
        ("A = 1; a = 1", {"A": 1.0}),
        ("", {}),
    ],
)
def test_goals_are_read(text: str, goals: dict[str, float]) -> None:
    assert parse_goals(text) == goals


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("LTTC_Mean_Days 2", "each a column and its goal"),
        ("= 2", "each a column and its goal"),
        ("LTTC_Mean_Days = soon", "that of LTTC_Mean_Days must be a number of 0 or more"),
        ("LTTC_Mean_Days = -1", "that of LTTC_Mean_Days must be a number of 0 or more"),
        ("CFR_Percent = 1; cfr_percent = 2", "that name cfr_percent once"),
    ],
)
def test_what_is_no_goal_says_what_would_do(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_goals(text)


def test_only_what_does_not_grow_with_the_team_can_have_a_goal() -> None:
    metrics = [metric for insight in INSIGHTS for metric in catalogue_of(insight)]
    without = {metric.id for metric in metrics if metric.column.upper() not in columns()}
    assert {"PR_MERGED", "WORK_COMPLETED", "PR_VELOCITY", "CODING_DAYS", "CFR_RATING", "LTTC_ITEMS"} <= without
    assert {"LTTC_MEAN_DAYS", "LTTC_P90_DAYS", "CFR_PERCENT", "MEDIAN_TIME_TO_COMPLETE"} <= columns().keys()
    assert all(known.metric.better for known in columns().values())


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("goals", "LTTC_Mean_Day = 2", "goals cannot have a goal of 'LTTC_MEAN_DAY'; .* such as LTTC_Mean_Days"),
        ("goals", "PR_Merged = 20", "goals cannot have a goal of 'PR_MERGED'"),
        ("team.1.goals", "Nothing = 1", "team.1.goals cannot have a goal of 'NOTHING'"),
        ("team.1.goals", "CFR_Percent", "team.1.goals cannot be 'CFR_Percent'; it must be goals separated by"),
    ],
)
def test_a_goal_of_what_can_have_none_is_refused(project: Project, key: str, text: str, says: str) -> None:
    for refuse in (settings.change, settings.check_change):
        with pytest.raises(InvalidRequest, match=says) as refused:
            refuse(project, {"timezone": "Asia/Tokyo", key: text})
        assert refused.value.code == "invalid_setting"
    assert settings.own_texts(project) == {}


def test_a_team_has_its_own_goal_or_that_of_the_nearest_above(project: Project, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    load_org(project, tmp_path / "people.csv", "Acme", now=datetime(2026, 1, 1, tzinfo=UTC))
    org_tree = tree(project, "Acme")
    refs = {node.name: node.ref_id for node in org_tree.nodes}
    settings.change(project, {"goals": "CFR_Percent = 30; LTTC_Mean_Days = 9"})
    settings.change(project, {"goals": "CFR_Percent = 20; MTTR_Mean_Days = 1"}, tree="Acme")
    settings.change(project, {f"team.{refs['Platform']}.goals": "CFR_Percent = 10; LTTC_Mean_Days = 3"}, tree="Acme")
    settings.change(project, {f"team.{refs['Core']}.goals": "LTTC_Mean_Days = 2"})
    profile = project.profile("Acme")
    of_tree = {"CFR_PERCENT": 20.0, "MTTR_MEAN_DAYS": 1.0}
    platform = {**of_tree, "CFR_PERCENT": 10.0, "LTTC_MEAN_DAYS": 3.0}
    assert goals_of(profile, org_tree, org_tree.root.ref_id) == of_tree
    assert goals_of(profile, org_tree, refs["Web"]) == of_tree
    assert goals_of(profile, org_tree, refs["Platform"]) == platform
    assert goals_of(profile, org_tree, refs["Core"]) == {**platform, "LTTC_MEAN_DAYS": 2.0}
    assert goals_of(profile, org_tree, 999) == of_tree


@pytest.mark.parametrize(
    ("better", "value", "met"),
    [("lower", 1.9, True), ("lower", 2.0, True), ("lower", 2.1, False), ("higher", 2.0, True), ("higher", 1.9, False)],
)
def test_a_goal_is_met_by_what_is_as_good(better: str, value: float, met: bool) -> None:
    assert Goal(2.0, better).met(value) is met


def test_the_goal_of_a_statistic_is_its_own() -> None:
    goals = {"LTTC_P90_DAYS": 5.0, "GONE": 1.0}
    assert goal_of(goals, "LTTC_P90_Days") == Goal(5.0, "lower")
    assert goal_of(goals, "LTTC_Mean_Days") is None
    assert goal_of(goals, "Gone") is None
