"""Bodies of efficiency exports: what they mean in common with productivity's, what is their own, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from leadline.errors import Forbidden, InvalidRequest
from leadline.exports.efficiency import EfficiencyExportRequest
from leadline.exports.kinds import parse
from leadline.exports.requests import Parsed
from leadline.exports.service import request_hash
from leadline.home import Home, Project
from leadline.metrics.catalogue import by_ids, catalogue_of
from leadline.metrics.request import MetricsRequest

from .conftest import load_trees, team_ids


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with trees, never changed by a test."""
    folder = tmp_path_factory.mktemp("org")
    with Home.open(folder / "home") as home:
        project = home.project()
        load_trees(project, folder)
        yield project


def body(**changes: Any) -> dict[str, Any]:
    """A small good body; ``changes`` replace top-level members, None takes them away."""
    full: dict[str, Any] = {
        "scope": {"teamId": "team_abc123"},
        "dateRange": {"start": "2026-01-01", "end": "2026-03-31"},
        "metricGroups": ["lttc", "df", "mttr", "cfr"],
        "options": {"granularity": "MONTHLY"},
        **changes,
    }
    return {key: value for key, value in full.items() if value is not None}


def parsed(project: Project, given_body: Any) -> Parsed:
    return parse(project, given_body, "efficiency")


def hash_of(project: Project, given_body: Any) -> str:
    result = parsed(project, given_body)
    return request_hash("efficiency", result.request, result.compression)


def columns(project: Project, **changes: Any) -> list[str]:
    request = parsed(project, body(**changes)).request
    return [column.name(request.aggregation) for column in by_ids(request.metrics)]


def test_the_body_printed_in_the_documentation(org: Project) -> None:
    result = parsed(org, body(options={"granularity": "MONTHLY", "format": "csv", "compression": "gzip"}))
    groups = ("lttc", "df", "mttr", "cfr")
    metrics = tuple(metric.id for metric in catalogue_of("efficiency") if metric.group in groups)
    assert result.request == MetricsRequest(
        "Sales",
        team_ids(org, "Sales")[1],
        date(2026, 1, 1),
        date(2026, 3, 31),
        metrics,
        "team",
        "monthly",
        "mean",
        "csv",
    )
    assert (result.compression, result.team_key, result.warnings, result.filename) == (
        "gzip",
        "team_abc123",
        (),
        "team-efficiency-2026-01-01_2026-03-31.csv",
    )


@pytest.mark.parametrize(
    ("groups", "metrics", "expected"),
    [
        (["df"], [], ["DF_Deployment_Count", "Deployment_Frequency"]),
        (["Deployment_Frequency"], [], ["DF_Deployment_Count", "Deployment_Frequency"]),
        (["deployment_frequency", "df"], ["DF_DEPLOYMENT_COUNT"], ["DF_Deployment_Count", "Deployment_Frequency"]),
        (["work_items"], [], ["Total_Work_Items", "PR_Associations", "Percentage_PR_Associated"]),
        (["cfr"], [], ["Total_Success", "Total_Failures", "CFR_Percent"]),
        (["mttr"], [], ["MTTR_Mean_Days", "Incident_Count"]),
        (["rating"], [], ["LTTC_Rating", "DF_Rating", "CFR_Rating", "MTTR_Rating", "Overall_Rating"]),
        (
            ["SUMMARY"],
            [],
            [
                *("LTTC_Mean_Days", "DF_Deployment_Count", "CFR_Percent", "MTTR_Mean_Days"),
                *("LTTC_Rating", "DF_Rating", "CFR_Rating", "MTTR_Rating", "Overall_Rating"),
            ],
        ),
        (
            None,
            ["PLANNING", "coding", "REVIEW", "BUILD", "DEPLOY", "LTTC"],
            [
                *("Planning_Mean_Days", "Coding_Mean_Days", "Review_Mean_Days"),
                *("Build_Mean_Days", "Deploy_Mean_Days", "LTTC_Mean_Days"),
            ],
        ),
        (
            None,
            ["TOTAL_WORK_ITEMS", "PR_ASSOCIATIONS", "PERCENTAGE_PR_ASSOCIATED"],
            ["Total_Work_Items", "PR_Associations", "Percentage_PR_Associated"],
        ),
        (
            [],
            ["OVERALL_RATING", "MTTR", "CFR", "TOTAL_FAILURES", "TOTAL_SUCCESS", "DEPLOYMENT_FREQUENCY"],
            [
                *("Deployment_Frequency", "Total_Success", "Total_Failures"),
                *("CFR_Percent", "MTTR_Mean_Days", "Overall_Rating"),
            ],
        ),
        (None, ["LTTC_P90_Days", "lttc_mean_days"], ["LTTC_Mean_Days", "LTTC_P90_Days"]),
    ],
)
def test_groups_and_metrics_with_all_their_names(
    org: Project, groups: Any, metrics: list[str], expected: list[str]
) -> None:
    assert columns(org, metricGroups=groups, metrics=metrics) == expected


@pytest.mark.parametrize(
    ("given_granularity", "meant"), [("WEEKLY", "weekly"), ("Monthly", "monthly"), ("quarterly", "quarterly")]
)
def test_granularity_in_any_case(org: Project, given_granularity: str, meant: str) -> None:
    assert parsed(org, body(options={"granularity": given_granularity})).request.granularity == meant


def test_a_tree(org: Project) -> None:
    request = parsed(org, body(scope={"orgTreeName": "Engineering", "orgIdentifier": "default"})).request
    assert (request.tree, request.team, request.level) == ("Engineering", None, "team")


def test_what_means_the_same_is_the_same(org: Project) -> None:
    spelt = body(
        scope={"teamId": team_ids(org, "Sales")[1], "orgIdentifier": "", "projectIdentifier": None},
        metricGroups=["CFR", "deployment_frequency", "Lttc", "mttr", "mttr"],
        metrics=["cfr", "DF_Deployment_Count"],
        options={"granularity": "monthly", "aggregation": "MEAN", "compression": "GZIP", "format": "CSV"},
    )
    assert hash_of(org, spelt) == hash_of(org, body())
    assert hash_of(org, body(options={"granularity": "WEEKLY"})) != hash_of(org, body())


def test_identifiers_in_the_scope_must_be_the_projects(org: Project) -> None:
    own = {"orgIdentifier": "default", "projectIdentifier": "default"}
    assert parsed(org, body(scope={"teamId": "team_abc123", **own})).warnings == ()
    for name in own:
        with pytest.raises(Forbidden) as refused:
            parsed(org, body(scope={"teamId": "nobody", name: "other"}))
        assert refused.value.message == "Insufficient permissions"
        assert [detail.field for detail in refused.value.details] == [f"scope.{name}"]


def test_services_have_what_is_of_deployments_and_incidents(org: Project) -> None:
    """Under either name of the level; groups bring what it has, and what it has not is refused."""
    for name in ("metricLevel", "aggregationLevel"):
        result = parsed(org, body(options={"granularity": "MONTHLY", name: "Service"}))
        assert isinstance(result.request, MetricsRequest)
        assert result.request.level == "service"
        shown = [column.metric for column in by_ids(result.request.metrics)]
        assert {metric.group for metric in shown} == {"df", "cfr", "mttr"}
    of_services = {"granularity": "MONTHLY", "metricLevel": "service"}
    for refused, code in (
        (body(options=of_services, metrics=["LTTC"]), "metric_not_at_level"),
        (body(options={**of_services, "aggregationLevel": "team"}), "conflicting_levels"),
        (body(options={"granularity": "MONTHLY", "metricLevel": "developer"}), "unsupported_metric_level"),
    ):
        with pytest.raises(InvalidRequest) as raised:
            parsed(org, refused)
        assert raised.value.code == code


def test_unknown_fields_are_reported(org: Project) -> None:
    found = parsed(org, body(options={"granularity": "MONTHLY", "splitUp": "ai"}, metricGroup=["df"]))
    assert [warning.partition(":")[0] for warning in found.warnings] == ["options.splitUp", "metricGroup"]


REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"scope": {"teamId": "team_abc123", "orgTreeName": "Sales"}}, "conflicting_scope", "scope",
     "scope.teamId and scope.orgTreeName must not both be given"),
    ({"scope": {}}, "missing_scope", "scope", "scope.orgTreeName or scope.teamId is required"),
    ({"scope": None}, "missing_field", "scope", "scope is required"),
    ({"scope": {"teamId": "nobody"}}, "invalid_team_id", "scope.teamId", "Invalid teamId"),
    ({"scope": {"orgTreeName": "Nobody"}}, "invalid_org_tree_name", "scope.orgTreeName", "Invalid orgTreeName"),
    ({"scope": {"teamId": "team_abc123", "orgIdentifier": 5}}, "wrong_type", "scope.orgIdentifier", "scope.orgIdentifier"),
    ({"dateRange": None}, "missing_field", "dateRange", "dateRange is required"),
    ({"dateRange": {"start": "2026-02-01", "end": "2026-01-01"}}, "invalid_date_range", "dateRange", "dateRange.start"),
    ({"dateRange": {"start": "2016-02-01", "end": "2026-01-01"}}, "date_range_too_long", "dateRange", "dateRange has"),
    ({"metricGroups": None}, "missing_field", "metricGroups", "metricGroups (or metrics) is required"),
    ({"metricGroups": [], "metrics": []}, "missing_field", "metricGroups", "metricGroups (or metrics) is required"),
    ({"metricGroups": ["ltc"]}, "unknown_metric_group", "metricGroups", 'Unknown metric group "ltc"; did you mean lttc'),
    ({"metricGroups": ["velocity"]}, "unknown_metric_group", "metricGroups", 'Unknown metric group "velocity"'),
    ({"metrics": ["LTTC_Mean_Day"]}, "unknown_metric", "metrics",
     'Unknown metric "LTTC_Mean_Day"; did you mean LTTC_Mean_Days'),
    ({"metrics": ["PR_Merged"]}, "unknown_metric", "metrics", 'Unknown metric "PR_Merged"'),
    ({"options": None}, "missing_field", "options.granularity", "options.granularity is required"),
    ({"options": {}}, "missing_field", "options.granularity", "options.granularity is required"),
    ({"options": {"granularity": None}}, "missing_field", "options.granularity", "options.granularity is required"),
    ({"options": {"granularity": "DAILY"}}, "unsupported_granularity", "options.granularity",
     'Unsupported granularity: "DAILY"; supported: WEEKLY, MONTHLY, QUARTERLY'),
    ({"options": {"granularity": "MONTHLY", "aggregation": "max"}}, "unsupported_aggregation", "options.aggregation",
     'Unsupported aggregation: "max"; supported: mean, median, p90, p95'),
    ({"options": {"granularity": "MONTHLY", "compression": "br"}}, "unsupported_compression", "options.compression",
     "Unsupported compression"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code", "field", "start"), REFUSED, ids=[f"{number}-{case[1]}" for number, case in enumerate(REFUSED)]
)
def test_refused(org: Project, changes: dict[str, Any], code: str, field: str, start: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(org, body(**changes))
    error = caught.value
    assert (error.code, error.message.startswith(start), error.http_status) == (code, True, 400), error.message
    assert field in [detail.field for detail in error.details]


def test_everything_wrong_is_said_at_once(org: Project) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(
            org,
            body(
                scope={"teamId": "nobody", "orgTreeName": "Sales"},
                metricGroups=None,
                dateRange={"start": "2026-02-01", "end": "2026-01-01"},
            ),
        )
    fields = [detail.field for detail in caught.value.details]
    assert fields == ["scope", "metricGroups", "scope.teamId", "dateRange"]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@hypothesis_settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "scope": _json | st.dictionaries(st.sampled_from(["teamId", "orgTreeName", "orgIdentifier"]), _json),
            "dateRange": _json | st.just({"start": "2026-01-01", "end": "2026-01-31"}),
            "metricGroups": _json | st.just(["df"]),
            "metrics": _json,
            "options": _json | st.dictionaries(st.sampled_from(["granularity", "aggregation"]), _json),
        },
    )
)
def test_no_body_whatever_breaks_it(org: Project, given_body: dict[str, Any]) -> None:
    try:
        parsed(org, given_body)
    except (InvalidRequest, Forbidden) as error:
        details = error.details
    else:
        return
    assert details


def test_the_model_gives_a_schema() -> None:
    schema = EfficiencyExportRequest.model_json_schema()
    assert schema["required"] == ["scope", "dateRange", "options"]
    options = schema["$defs"]["EfficiencyOptions"]
    assert options["required"] == ["granularity"]
    assert options["properties"]["granularity"]["enum"] == ["WEEKLY", "MONTHLY", "QUARTERLY"]
