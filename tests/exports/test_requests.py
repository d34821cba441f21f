"""Bodies: what is accepted, what it means, what is refused and in which words."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from leadline.db import settings
from leadline.errors import InvalidRequest
from leadline.exports.kinds import parse
from leadline.exports.productivity import ProductivityExportRequest
from leadline.exports.service import request_hash
from leadline.home import Home, Project
from leadline.metrics.catalogue import catalogue_of
from leadline.metrics.metric import CatalogueEntry
from leadline.metrics.request import MetricsRequest

from .conftest import body, load_trees, team_ids


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with trees, never changed by a test."""
    folder = tmp_path_factory.mktemp("org")
    with Home.open(folder / "home") as home:
        project = home.project()
        load_trees(project, folder)
        yield project


def parse_productivity(project: Project, given_body: Any) -> tuple[Any, tuple[str, ...]]:
    parsed = parse(project, given_body, "productivity")
    return parsed.request, parsed.warnings


def hash_of(project: Project, given_body: Any) -> str:
    parsed = parse(project, given_body, "productivity")
    return request_hash("productivity", parsed.request, parsed.compression)


def refusal(project: Project, given_body: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse_productivity(project, given_body)
    assert caught.value.http_status == 400
    return caught.value


# -- meaning -----------------------------------------------------------------------------------------------------------


def unasked() -> list[CatalogueEntry]:
    """The metrics of developers that are there without being asked for: all but those of AI tools."""
    return [
        metric for metric in catalogue_of("productivity") if "developer" in metric.levels and "ai" not in metric.groups
    ]


def test_defaults(org: Project) -> None:
    request, warnings = parse_productivity(
        org, {"scope": {"orgTreeName": "Engineering"}, "dateRange": {"start": "2026-01-01", "end": "2026-01-31"}}
    )
    everything = tuple(metric.id for metric in unasked())
    assert request == MetricsRequest(
        "Engineering", None, date(2026, 1, 1), date(2026, 1, 31), everything, "developer", "monthly", "mean", "csv"
    )
    assert warnings == ()
    assert MetricsRequest.of(request.document()) == request


def test_a_period_is_the_days_it_has_today_in_the_time_zone_of_the_tree(
    org: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls(2026, 3, 31, 22, 30, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr("leadline.exports.requests.datetime", Clock)
    asked = {"scope": {"orgTreeName": "Engineering"}, "dateRange": {"period": "Last_Month"}}
    request, warnings = parse_productivity(org, asked)
    assert (request.start, request.end, warnings) == (date(2026, 2, 1), date(2026, 2, 28), ())
    days = {**asked, "dateRange": {"start": "2026-02-01", "end": "2026-02-28"}}
    assert hash_of(org, asked) == hash_of(org, days)
    settings.put(org.home.db, org.id, {"timezone": "Europe/Berlin"}, "Engineering")
    try:  # where it is half past midnight
        request, _ = parse_productivity(org, asked)
    finally:
        settings.remove(org.home.db, org.id, "timezone", "Engineering")
    assert (request.start, request.end) == (date(2026, 3, 1), date(2026, 3, 31))


@pytest.mark.parametrize(
    ("asked", "code", "fields"),
    [
        ({"period": "last-moth"}, "invalid_period", ["dateRange.period"]),
        ({"period": 7}, "invalid_period", ["dateRange.period"]),
        ({"period": "last-month", "start": "2026-01-01"}, "conflicting_date_range", ["dateRange"]),
        ({"start": "2026-01-01", "period": None}, "missing_field", ["dateRange.end"]),
        ({"preiod": "last-month"}, "missing_field", ["dateRange.start", "dateRange.end", "dateRange.preiod"]),
        ({"period": "last-6-years"}, "date_range_too_long", ["dateRange"]),
    ],
)
def test_periods_that_are_refused(org: Project, asked: Any, code: str, fields: list[str]) -> None:
    refused = refusal(org, {"scope": {"orgTreeName": "Engineering"}, "dateRange": asked})
    assert (refused.code, [detail.field for detail in refused.details]) == (code, fields)


def test_the_body_printed_in_the_documentation(org: Project) -> None:
    team = team_ids(org, "Engineering")[1]
    request, warnings = parse_productivity(
        org,
        {
            "scope": {"orgTreeName": "Engineering", "teamId": str(team)},
            "dateRange": {"start": "2024-01-01", "end": "2024-12-31"},
            "metricGroups": ["activity", "velocity", "volume", "quality", "collaboration"],
            "metrics": ["PR_Merged", "Work_Completed"],
            "options": {
                "aggregation": "mean",
                "aggregationLevel": "developer",
                "granularity": "monthly",
                "format": "csv",
            },
        },
    )
    assert (request.tree, request.team, request.level, warnings) == ("Engineering", team, "developer", ())
    assert len(request.metrics) == len(unasked())


def test_a_team_by_number_text_or_key_alone_or_with_its_tree(org: Project) -> None:
    _, north = team_ids(org, "Sales")
    scopes: list[dict[str, Any]] = [
        {"teamId": north},
        {"teamId": str(north)},
        {"teamId": "team_abc123"},
        {"teamId": "team_abc123", "orgTreeName": "Sales"},
        {"teamId": f" {north} ", "orgTreeName": None},
    ]
    assert len({hash_of(org, body(scope=scope)) for scope in scopes}) == 1
    parsed = parse(org, body(scope={"teamId": north}), "productivity")
    assert (parsed.request.tree, parsed.request.team, parsed.team_key) == ("Sales", north, "team_abc123")


def test_groups_and_metrics_merge_in_catalogue_order(org: Project) -> None:
    request, _ = parse_productivity(
        org, body(metricGroups=["Activity", "activity"], metrics=["pr_merged", "PR_MERGED", "coding_days"])
    )
    assert request.metrics == ("CODING_DAYS", "PR_MERGED")


def test_what_the_level_lacks_is_left_out_of_groups(org: Project) -> None:
    velocity = body(metricGroups=["velocity"], metrics=[])
    developer, _ = parse_productivity(org, velocity)
    team, _ = parse_productivity(org, {**velocity, "options": {"metricLevel": "TEAM"}})
    assert "PR_VELOCITY" not in developer.metrics
    assert "PR_VELOCITY" in team.metrics


def test_both_names_of_the_level_may_agree(org: Project) -> None:
    request, _ = parse_productivity(org, body(options={"metricLevel": "team", "aggregationLevel": "Team"}))
    assert request.level == "team"


def test_null_is_as_if_left_out(org: Project) -> None:
    names = ("aggregation", "aggregationLevel", "metricLevel", "granularity", "format", "compression")
    nulls = {**body(), "metricGroups": None, "options": dict.fromkeys(names)}
    assert hash_of(org, nulls) == hash_of(org, {**body(), "options": None}) == hash_of(org, body())


@pytest.mark.parametrize(("form", "given_compression", "compression"), [
    ("csv", None, "gzip"), ("csv", "GZIP", "gzip"), ("csv", "none", "none"), ("jsonl", "none", "none"),
    ("parquet", None, "none"), ("parquet", "none", "none"), ("parquet", "gzip", "none"),
])  # fmt: skip
def test_compression(org: Project, form: str, given_compression: str | None, compression: str) -> None:
    parsed = parse(org, body(options={"format": form, "compression": given_compression}), "productivity")
    assert parsed.compression == compression
    assert bool(parsed.warnings) == ((form, given_compression) == ("parquet", "gzip"))


def mixed_case(text: str, seed: random.Random) -> str:
    return "".join(seed.choice((letter.upper(), letter.lower())) for letter in text)


@hypothesis_settings(deadline=None)
@given(
    metrics=st.lists(
        st.sampled_from([metric.column for metric in catalogue_of("productivity") if "developer" in metric.levels])
    ),
    groups=st.lists(st.sampled_from(["activity", "velocity", "volume", "quality", "collaboration"])),
    options=st.fixed_dictionaries(
        {},
        optional={
            "aggregation": st.sampled_from(["mean", "median", "p90", "p95"]),
            "aggregationLevel": st.just("developer"),
            "granularity": st.sampled_from(["daily", "weekly", "monthly", "quarterly"]),
            "format": st.sampled_from(["csv", "jsonl", "parquet"]),
            "compression": st.sampled_from(["gzip", "none"]),
        },
    ),
    seed=st.randoms(use_true_random=False),
)
def test_order_case_repetition_and_defaults_do_not_matter(
    org: Project, metrics: list[str], groups: list[str], options: dict[str, str], seed: random.Random
) -> None:
    plain = body(metrics=metrics, metricGroups=groups, options=options)
    defaults = {
        "aggregation": "mean",
        "metricLevel": "developer",
        "granularity": "monthly",
        "format": "csv",
        "compression": "gzip",
    }
    full = {key: mixed_case(value, seed) for key, value in {**defaults, **options}.items()}
    twisted = body(
        metrics=[mixed_case(name, seed) for name in seed.sample(metrics * 2, len(metrics) * 2)],
        metricGroups=[mixed_case(name, seed) for name in seed.sample(groups * 2, len(groups) * 2)],
        options=dict(seed.sample(sorted(full.items()), len(full))),
        surplus=1,
    )
    assert hash_of(org, dict(reversed(plain.items()))) == hash_of(org, twisted)


def test_what_matters_tells_requests_apart(org: Project) -> None:
    variants = [
        body(),
        body(scope={"orgTreeName": "Sales"}),
        body(scope={"teamId": "team_abc123"}),
        body(dateRange={"start": "2026-01-02", "end": "2026-01-31"}),
        body(dateRange={"start": "2026-01-01", "end": "2026-01-30"}),
        body(metrics=["LOC_Added"]),
        body(metricGroups=["activity"]),
        *(
            body(options={name: value})
            for name, value in (
                ("aggregation", "p90"),
                ("metricLevel", "team"),
                ("granularity", "weekly"),
                ("format", "jsonl"),
                ("compression", "none"),
            )
        ),
    ]
    assert len({hash_of(org, variant) for variant in variants}) == len(variants)


# -- warnings ----------------------------------------------------------------------------------------------------------


def test_unknown_fields_are_reported_with_path_and_nearest_name(org: Project) -> None:
    _, warnings = parse_productivity(
        org,
        body(
            options={"granlarity": "weekly", "aggregation_level": "team"},
            MetricGroups=["volume"],
            xyzzy={"granularity": 1},
        ),
    )
    assert warnings == (
        "options.granlarity: unknown field, ignored; did you mean options.granularity?",
        "options.aggregation_level: unknown field, ignored; did you mean options.aggregationLevel?",
        "MetricGroups: unknown field, ignored; did you mean metricGroups?",
        "xyzzy: unknown field, ignored; known here: scope, dateRange, metricGroups, metrics, options",
    )


def test_very_many_unknown_fields_are_counted(org: Project) -> None:
    _, warnings = parse_productivity(org, body(**{f"field{number}": 1 for number in range(500)}))
    assert len(warnings) == 21
    assert warnings[-1] == "480 more unknown fields were ignored"


# -- refusals ----------------------------------------------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"scope": None}, "missing_field", "scope", "scope is required"),
    ({"dateRange": None}, "missing_field", "dateRange", "dateRange is required"),
    ({"dateRange": {"start": "2026-01-01"}}, "missing_field", "dateRange.end", "dateRange.end is required"),
    ({"dateRange": {"start": None, "end": "2026-01-01"}}, "missing_field", "dateRange.start", "dateRange.start is required"),
    ({"scope": {}}, "missing_scope", "scope", "scope.orgTreeName or scope.teamId is required"),
    ({"scope": "Engineering"}, "wrong_type", "scope", 'scope must be an object, not "Engineering"'),
    ({"scope": {"teamId": "999999"}}, "invalid_team_id", "scope.teamId", "Invalid teamId"),
    ({"scope": {"teamId": True}}, "invalid_team_id", "scope.teamId", "Invalid teamId: true"),
    ({"scope": {"teamId": 1.5}}, "invalid_team_id", "scope.teamId", "Invalid teamId: 1.5"),
    ({"scope": {"teamId": ""}}, "invalid_team_id", "scope.teamId", 'Invalid teamId: ""'),
    ({"scope": {"teamId": ["456"]}}, "invalid_team_id", "scope.teamId", "Invalid teamId: a list"),
    ({"scope": {"teamId": 10**6000}}, "invalid_team_id", "scope.teamId", "Invalid teamId: a number of very many digits"),
    ({"scope": {"teamId": "a\0b"}}, "invalid_team_id", "scope.teamId", "Invalid teamId"),
    ({"scope": {"teamId": "\ud800"}}, "invalid_team_id", "scope.teamId", "Invalid teamId"),
    ({"scope": {"teamId": "x" * 10**6}}, "invalid_team_id", "scope.teamId", "Invalid teamId"),
    ({"scope": {"teamId": "team_abc123", "orgTreeName": "Engineering"}}, "invalid_team_id", "scope.teamId", "Invalid teamId"),
    ({"scope": {"orgTreeName": "Enginering"}}, "invalid_org_tree_name", "scope.orgTreeName", "Invalid orgTreeName"),
    ({"scope": {"orgTreeName": 7}}, "invalid_org_tree_name", "scope.orgTreeName", "Invalid orgTreeName: 7"),
    ({"scope": {"orgTreeName": "a\0"}}, "invalid_org_tree_name", "scope.orgTreeName", "Invalid orgTreeName"),
    ({"dateRange": {"start": "2026-02-30", "end": "2026-03-01"}}, "invalid_date", "dateRange.start",
     'dateRange.start: Invalid date: "2026-02-30" is no day of the calendar'),
    ({"dateRange": {"start": "2026-2-3", "end": "2026-03-01"}}, "invalid_date", "dateRange.start", "dateRange.start: Invalid date"),
    ({"dateRange": {"start": 20260101, "end": "2026-03-01"}}, "invalid_date", "dateRange.start", "dateRange.start: Invalid date"),
    ({"dateRange": {"start": "2026-01-01T00:00:00Z", "end": "2026-03-01"}}, "invalid_date", "dateRange.start", "dateRange.start"),
    ({"dateRange": {"start": "0001-01-01", "end": "0001-01-02"}}, "invalid_date", "dateRange.start", "dateRange.start"),
    ({"dateRange": {"start": "2026-01-02", "end": "2026-01-01"}}, "invalid_date_range", "dateRange",
     "dateRange.start (2026-01-02) must not be after dateRange.end (2026-01-01)"),
    ({"dateRange": {"start": "2020-01-01", "end": "2026-01-01"}}, "date_range_too_long", "dateRange",
     "dateRange has 2193 days; at most 1830 are allowed"),
    ({"dateRange": "2026"}, "wrong_type", "dateRange", 'dateRange must be an object, not "2026"'),
    ({"options": {"granularity": "hourly"}}, "unsupported_granularity", "options.granularity",
     'Unsupported granularity: "hourly"; supported: daily, weekly, monthly, quarterly'),
    ({"options": {"granularity": 5}}, "unsupported_granularity", "options.granularity", "Unsupported granularity: 5;"),
    ({"options": {"granularity": ["weekly"]}}, "unsupported_granularity", "options.granularity", "Unsupported granularity"),
    ({"options": {"aggregation": "sum"}}, "unsupported_aggregation", "options.aggregation", 'Unsupported aggregation: "sum"'),
    ({"options": {"aggregationLevel": "org"}}, "unsupported_aggregation_level", "options.aggregationLevel",
     'Unsupported aggregationLevel: "org"; supported: developer, team'),
    ({"options": {"metricLevel": ""}}, "unsupported_metric_level", "options.metricLevel", 'Unsupported metricLevel: ""'),
    ({"options": {"format": "xlsx"}}, "unsupported_format", "options.format", 'Unsupported format: "xlsx"'),
    ({"options": {"compression": "zip"}}, "unsupported_compression", "options.compression", "Unsupported compression"),
    ({"options": {"metricLevel": "team", "aggregationLevel": "developer"}}, "conflicting_levels", "options.metricLevel",
     "options.aggregationLevel (developer) and options.metricLevel (team)"),
    ({"options": "weekly"}, "wrong_type", "options", 'options must be an object, not "weekly"'),
    ({"metricGroups": "activity"}, "wrong_type", "metricGroups", 'metricGroups must be a list of strings, not "activity"'),
    ({"metricGroups": ["activity", 3]}, "wrong_type", "metricGroups[1]", "metricGroups[1] must be a name, not 3"),
    ({"metrics": [["PR_Merged"]]}, "wrong_type", "metrics[0]", "metrics[0] must be a name, not a list"),
    ({"metrics": ["\ud800"]}, "wrong_type", "metrics[0]", "metrics[0] must be a name"),
    ({"metrics": ["PR_Merged"] * 1001}, "wrong_type", "metrics", "metrics must have at most 1000 entries"),
    ({"metricGroups": ["speed"]}, "unknown_metric_group", "metricGroups", "Unknown metric group"),
    ({"metrics": ["PR_Merge"]}, "unknown_metric", "metrics", 'Unknown metric "PR_Merge"; did you mean'),
    ({"metrics": ["pr_velocity"]}, "metric_not_at_level", "metrics", "PR_Velocity is not available at level developer"),
    ({"metrics": ["LOC_Added"], "options": {"metricLevel": "team"}}, "metric_not_at_level", "metrics",
     "LOC_Added is not available at level team"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code", "field", "start"), REFUSED, ids=[f"{number}-{case[1]}" for number, case in enumerate(REFUSED)]
)
def test_refused(org: Project, changes: dict[str, Any], code: str, field: str, start: str) -> None:
    error = refusal(org, body(**changes))
    assert (error.code, error.message.startswith(start)) == (code, True), error.message
    assert field in [detail.field for detail in error.details]
    assert len(error.message) < 400
    str(error.body()).encode()  # whatever was sent, the answer can be


def test_everything_wrong_is_said_at_once(org: Project) -> None:
    error = refusal(
        org,
        {
            "scope": {"teamId": False},
            "daterange": {"start": "2026-01-01", "end": "2026-01-31"},
            "options": {"granularity": "hourly", "format": "xlsx"},
        },
    )
    assert [detail.field for detail in error.details] == [
        "scope.teamId",
        "dateRange",
        "options.format",
        "options.granularity",
        "daterange",
    ]
    assert "did you mean dateRange?" in error.details[-1].message
    late = refusal(
        org,
        body(
            scope={"orgTreeName": "Nobody"},
            dateRange={"start": "2026-02-01", "end": "2026-01-01"},
            metrics=["PR_Velocity"],
        ),
    )
    assert [detail.field for detail in late.details] == ["scope.orgTreeName", "metrics", "dateRange"]


def test_the_longest_range_is_a_setting(project: Project, tmp_path: Path) -> None:
    load_trees(project, tmp_path)
    settings.put(project.db, project.id, {"exports.max_range_days": "31"})
    parse_productivity(project, body())
    long = body(dateRange={"start": "2026-01-01", "end": "2026-02-01"})
    assert refusal(project, long).code == "date_range_too_long"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_objects = st.fixed_dictionaries(
    {},
    optional={
        "scope": _json | st.fixed_dictionaries({}, optional={"teamId": _json, "orgTreeName": _json | st.just("Sales")}),
        "dateRange": _json | st.just({"start": "2026-01-01", "end": "2026-01-31"}),
        "metricGroups": _json,
        "metrics": _json,
        "options": _json | st.dictionaries(st.sampled_from(["granularity", "format", "metricLevel"]), _json),
    },
)


@hypothesis_settings(deadline=None)
@given(_objects | st.dictionaries(st.text(), _json, max_size=4))
def test_no_body_whatever_breaks_it(org: Project, given_body: dict[str, Any]) -> None:
    try:
        parse_productivity(org, given_body)
    except InvalidRequest as error:
        details = error.details
    else:
        return
    assert details


def test_the_models_give_a_schema() -> None:
    schema = ProductivityExportRequest.model_json_schema()
    assert schema["required"] == ["scope", "dateRange"]
    granularity = schema["$defs"]["ProductivityOptions"]["properties"]["granularity"]
    assert granularity["anyOf"][0] == {"type": "string", "enum": ["daily", "weekly", "monthly", "quarterly"]}
