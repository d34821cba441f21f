"""The catalogue is consistent with the measures it names, and selects as documented."""

from __future__ import annotations

import pytest

from leadline.derive.local_time import Offset
from leadline.errors import InvalidRequest
from leadline.materialize import compiled
from leadline.metrics.all_measures import FACT_MEASURES
from leadline.metrics.catalogue import by_ids, catalogue_of, followed, groups_of, named, select
from leadline.metrics.measures import Measure, PullRequests
from leadline.metrics.metric import Sum
from leadline.metrics.query import sql
from leadline.schema import TABLES


def test_measures_are_named_after_their_attributes_and_belong_to_their_fact() -> None:
    names = [measures.FACT.name for measures in FACT_MEASURES]
    assert len(set(names)) == len(names)
    for measures in FACT_MEASURES:
        own = {name: value for name, value in vars(measures).items() if isinstance(value, Measure)}
        assert own
        assert all(measure.name == name and measure.fact is measures.FACT for name, measure in own.items())


def test_a_metric_of_a_measure_that_does_not_exist_fails_at_once() -> None:
    with pytest.raises(AttributeError, match="merget"):
        Sum(PullRequests.merget)  # type: ignore[attr-defined]


def test_every_metric_says_where_it_comes_from() -> None:
    for metric in catalogue_of("productivity"):
        assert metric.sources
        assert set(metric.sources) <= set(TABLES), metric.column
        assert metric.levels
        assert metric.definition.endswith("."), metric.column


def test_groups_and_names_merge_without_case_in_catalogue_order() -> None:
    chosen = select(["VOLUME", "activity", "activity"], ["pr_merged", "PR_CYCLE_TIME_DAYS_AVG"], "team")
    columns = [column.metric.column for column in chosen]
    assert columns == [
        metric.column
        for metric in catalogue_of("productivity")
        if "team" in metric.levels
        and (metric.group in ("volume", "activity") or metric.column == "PR_Cycle_Time_Days_Avg")
    ]


def test_the_group_ai_must_be_asked_for() -> None:
    asked = [column.metric.column for column in select(["AI"], ["PR_Merged"], "team")]
    assert asked[0] == "PR_Merged"
    assert "Code_AI_Basis" in asked
    assert [column.metric.group for column in select([], ["ai_cost"], "developer")] == ["ai"]
    with pytest.raises(InvalidRequest):
        select([], ["AI_Adoption_Percent"], "developer")


def test_nothing_asked_for_is_everything_of_the_level() -> None:
    assert {column.metric.group for column in select([], [], "developer")} == set(groups_of("productivity")) - {"ai"}
    assert "PR_Velocity" not in [column.metric.column for column in select([], [], "developer")]


@pytest.mark.parametrize("name", ["PR_Cycle_Time_Days_P90", "pr_cycle_time_days_median", " Pr_Cycle_Time_Days_Avg "])
def test_a_statistic_is_known_under_every_aggregations_name(name: str) -> None:
    assert named(name, catalogue_of("productivity")).column == "PR_Cycle_Time_Days_Avg"


@pytest.mark.parametrize(
    ("asked", "aggregation", "columns", "warned"),
    [
        (["PR_Cycle_Time_Days_P90"], "mean", ["PR_Cycle_Time_Days_P90"], 0),
        (
            ["pr_cycle_time_days_p95", "PR_Cycle_Time_Days_Avg"],
            "mean",
            ["PR_Cycle_Time_Days_Avg", "PR_Cycle_Time_Days_P95"],
            0,
        ),
        (["PR_Cycle_Time_Days_Avg"], "p90", ["PR_Cycle_Time_Days_P90"], 1),
        (["PR_Cycle_Time_Days"], "p90", ["PR_Cycle_Time_Days_P90"], 1),
        (["PR_Cycle_Time_Days"], "mean", ["PR_Cycle_Time_Days_Avg"], 1),
        (["PR_Cycle_Time_Days_P90", "PR_Cycle_Time_Days_Avg"], "p90", ["PR_Cycle_Time_Days_P90"], 1),
        (["PR_Cycle_Time_Days_Median"], "p90", ["PR_Cycle_Time_Days_Median"], 0),
        (["Median_Time_To_Complete"], "mean", ["Median_Time_To_Complete"], 0),
        (["PR_Merged"], "p90", ["PR_Merged"], 0),
    ],
)
def test_a_name_with_a_statistic_is_taken_by_its_word_and_any_other_follows_the_aggregation(
    asked: list[str], aggregation: str, columns: list[str], warned: int
) -> None:
    chosen = select([], asked, "team", aggregation=aggregation)
    assert [column.name(aggregation) for column in chosen] == columns
    warnings = followed(asked, "productivity", aggregation)
    assert len(warnings) == warned
    assert all(column in warning for column, warning in zip(columns, warnings, strict=False))
    assert by_ids([column.id for column in chosen]) == chosen


@pytest.mark.parametrize(
    ("groups", "names", "level", "code", "says"),
    [
        (["velocitty"], [], "team", "unknown_metric_group", "velocity"),
        ([], ["PR_Mergd"], "team", "unknown_metric", "PR_Merged"),
        ([], ["PR_Velocity"], "developer", "metric_not_at_level", "team"),
        ([], ["LOC_Added"], "team", "metric_not_at_level", "developer"),
    ],
)
def test_what_there_is_not_is_refused_with_what_would_do(
    groups: list[str], names: list[str], level: str, code: str, says: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        select(groups, names, level)
    assert refused.value.code == code
    assert says in refused.value.message


def test_a_query_is_compiled_once_per_shape_whatever_the_time_zone() -> None:
    ids = tuple(column.id for column in select([], [], "team"))
    plain = sql(ids, "team", "p90", (Offset(None, 0),))
    sql(ids, "team", "p90", (Offset(99, 3_600_000_000), Offset(None, 7_200_000_000)))
    before = set(compiled._texts)
    assert sql(ids, "team", "p90", (Offset(None, 0),)) == plain
    assert sql(ids, "team", "p90", (Offset(None, -18_000_000_000),)) == plain.replace("(0)", "(-18000000000)")
    changing = sql(ids, "team", "p90", (Offset(-5, 12_345), Offset(None, 67_890)))
    assert changing.count("(-5)") == changing.count("(12345)") == changing.count("(67890)") == plain.count("(0)") > 0
    assert set(compiled._texts) == before
