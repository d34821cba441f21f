"""Reports: what a body means, numbers derived by hand, and that they are those of exports over the same range."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.db import settings
from leadline.demo import fill
from leadline.errors import InvalidRequest
from leadline.exports.kinds import parse
from leadline.exports.reports import parse_report, run_report
from leadline.home import Home, Project
from leadline.ingest.importing import import_paths
from leadline.metrics.periods import RANGE, periods, units_of
from leadline.metrics.report_metrics import SECTIONS
from leadline.metrics.request import Cancelled, Control
from leadline.metrics.run import Runner, pin, produce
from leadline.people import trees
from leadline.people.membership import team_membership
from leadline.people.timeline import Asked, newest_versions, timeline

from .conftest import load_trees, team_ids


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with trees and no data, never changed by a test."""
    folder = tmp_path_factory.mktemp("org")
    with Home.open(folder / "home") as home:
        load_trees(home.project(), folder)
        yield home.project()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The demo organization, never changed by a test."""
    with Home.open(tmp_path_factory.mktemp("demo") / "home") as home:
        fill(home.project(), developers=15, months=4, until=date(2026, 6, 30))
        yield home.project()


def body(**changes: Any) -> dict[str, Any]:
    """A small good body; ``changes`` replace members, None takes them away."""
    full = {
        "dateStart": "2026-04-01",
        "dateEnd": "2026-06-30",
        "productivity": {"metrics": []},
        **changes,
    }
    return {key: value for key, value in full.items() if value is not None}


def text_of(project: Project, asked: dict[str, Any]) -> str:
    report, _ = parse_report(project, asked)
    with Runner(project.home) as runner:
        return run_report(runner, project, report, Control()).text.decode()


def rows_of(project: Project, asked: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(project, asked), newline="")))


# -- the request -------------------------------------------------------------------------------------------------------


def test_defaults(org: Project) -> None:
    report, warnings = parse_report(org, body(efficiency={"metrics": []}))
    assert (report.scopes, report.unit, report.ratings, warnings) == (
        (("Engineering", None), ("Sales", None)),
        "weekly",
        False,
        (),
    )
    assert [(part.section.field, part.metrics, part.aggregation) for part in report.sections] == [
        (field, SECTIONS[field].metrics, "mean") for field in ("efficiency", "productivity")
    ]
    assert report.filename == "team-report-2026-04-01_2026-06-30.csv"
    assert report.exports == ("efficiency", "productivity")


@pytest.mark.parametrize("field", ["teamRefId", "collectionId"])
@pytest.mark.parametrize("spelling", [int, str])
def test_a_team_by_either_name(org: Project, field: str, spelling: Any) -> None:
    ref_id = team_ids(org, "Engineering")[1]
    report, _ = parse_report(org, body(**{field: spelling(ref_id)}))
    assert report.scopes == (("Engineering", ref_id),)


def test_both_names_of_the_team_may_agree(org: Project) -> None:
    ref_id = team_ids(org, "Engineering")[1]
    report, _ = parse_report(org, body(teamRefId=ref_id, collectionId=str(ref_id)))
    assert report.scopes == (("Engineering", ref_id),)
    assert parse_report(org, body(collectionId="team_abc123"))[0].scopes == (("Sales", team_ids(org, "Sales")[1]),)


def test_names_in_any_case_and_the_declared_order(org: Project) -> None:
    report, _ = parse_report(
        org,
        body(
            productivity=None,
            efficiency={
                "metrics": ["overall_dora", "LEAD_TIME_FOR_CHANGES", "Overall_DORA"],
                "calculationType": "p90",
            },
            granularity="MONTHLY",
        ),
    )
    (part,) = report.sections
    assert [metric.name for metric in part.metrics] == ["LEAD_TIME_FOR_CHANGES", "OVERALL_DORA"]
    assert (part.aggregation, report.unit, report.exports) == ("p90", "monthly", ("efficiency",))
    assert report.filename == "efficiency-report-2026-04-01_2026-06-30.csv"


def test_unknown_fields_are_reported(org: Project) -> None:
    _, warnings = parse_report(org, body(granularty="daily", productivity={"metrics": [], "calculationType": "P90"}))
    assert [warning.partition(":")[0] for warning in warnings] == ["productivity.calculationType", "granularty"]


REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"dateStart": None}, "missing_field", "dateStart", "dateStart is required"),
    ({"dateEnd": None}, "missing_field", "dateEnd", "dateEnd is required"),
    ({"dateEnd": "30.06.2026"}, "invalid_date", "dateEnd", "dateEnd: Invalid date"),
    ({"dateStart": "2026-02-30"}, "invalid_date", "dateStart", "dateStart: Invalid date"),
    ({"dateStart": "2026-07-01"}, "invalid_date_range", "dateStart to dateEnd",
     "dateStart (2026-07-01) must not be after dateEnd (2026-06-30)"),
    ({"dateStart": "2016-07-01"}, "date_range_too_long", "dateStart to dateEnd", "dateStart to dateEnd has 3652 days"),
    ({"teamRefId": 999999}, "invalid_team_id", "teamRefId", "Invalid teamId"),
    ({"teamRefId": 1.5}, "invalid_team_id", "teamRefId", "Invalid teamId: 1.5"),
    ({"collectionId": "nobody"}, "invalid_team_id", "collectionId", "Invalid teamId"),
    ({"collectionId": ["1"]}, "invalid_team_id", "collectionId", "Invalid teamId: a list"),
    ({"teamRefId": 1, "collectionId": "2"}, "conflicting_scope", "collectionId", "teamRefId (1) and collectionId (2)"),
    ({"granularity": "quarterly"}, "unsupported_granularity", "granularity",
     'Unsupported granularity: "quarterly"; supported: daily, weekly, monthly'),
    ({"productivity": None}, "missing_field", "efficiency", "One of efficiency, productivity and productivityContributors"),
    ({"productivity": {}}, "missing_field", "productivity.metrics", "productivity.metrics is required"),
    ({"productivity": []}, "wrong_type", "productivity", "productivity must be an object"),
    ({"productivity": {"metrics": "CODING_DAYS_PER_DEV"}}, "wrong_type", "productivity.metrics",
     "productivity.metrics must be a list of strings"),
    ({"productivity": {"metrics": ["CODING_DAYS_PER_DEVS"]}}, "unknown_metric", "productivity.metrics",
     'Unknown metric "CODING_DAYS_PER_DEVS"; did you mean CODING_DAYS_PER_DEV'),
    ({"efficiency": {"metrics": ["CODING_DAYS_PER_DEV"]}}, "unknown_metric", "efficiency.metrics",
     'Unknown metric "CODING_DAYS_PER_DEV"'),
    ({"efficiency": {"metrics": [7]}}, "wrong_type", "efficiency.metrics[0]", "efficiency.metrics[0] must be a name"),
    ({"efficiency": {"metrics": [], "calculationType": "MAX"}}, "unsupported_calculation_type",
     "efficiency.calculationType", 'Unsupported calculationType: "MAX"; supported: MEAN, MEDIAN, P90, P95'),
    ({"productivityContributors": {"metrics": []}}, "conflicting_sections", "productivityContributors",
     "productivityContributors has a row per developer and cannot be combined with productivity"),
    ({"productivityContributors": {"metrics": ["OVERALL_DORA"]}, "productivity": None}, "unknown_metric",
     "productivityContributors.metrics", 'Unknown metric "OVERALL_DORA"'),
    ({"includeRatings": "yes"}, "wrong_type", "includeRatings", 'includeRatings must be true or false, not "yes"'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code", "field", "start"), REFUSED, ids=[f"{number}-{case[1]}" for number, case in enumerate(REFUSED)]
)
def test_refused(org: Project, changes: dict[str, Any], code: str, field: str, start: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_report(org, body(**changes))
    error = caught.value
    assert (error.code, error.message.startswith(start), error.http_status) == (code, True, 400), error.message
    assert field in [detail.field for detail in error.details]


def test_everything_wrong_is_said_at_once(org: Project) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_report(
            org,
            body(
                teamRefId=999999,
                dateStart="2026-07-01",
                efficiency={"metrics": ["CFR"]},
                productivity={"metrics": ["X"]},
            ),
        )
    assert [detail.field for detail in caught.value.details] == [
        "teamRefId",
        "efficiency.metrics",
        "productivity.metrics",
        "dateStart to dateEnd",
    ]


# -- numbers by hand ---------------------------------------------------------------------------------------------------

TABLES = {
    # 30 + 10 lines of Dan's, 20 of Eve's, none of the others'. Opened to first comment: 12 hours and none.
    "pull_requests": """repository,number,author,state,created_at,merged_at,additions,deletions
        acme/app,1,dan@example.com,merged,2026-04-01T00:00:00Z,2026-04-02T00:00:00Z,25,5
        acme/app,2,dan@example.com,merged,2026-04-05T00:00:00Z,2026-04-06T00:00:00Z,10,0
        acme/app,3,eve@example.com,merged,2026-04-07T00:00:00Z,2026-04-14T00:00:00Z,20,0
        acme/app,4,eve@example.com,merged,2026-04-07T00:00:00Z,2026-04-15T00:00:00Z,900,0""",
    "comments": """repository,number,comment_id,author,kind,created_at
        acme/app,1,c1,eve@example.com,review,2026-04-01T12:00:00Z
        acme/app,1,c2,eve@example.com,review,2026-04-01T13:00:00Z""",
    # Dan on two days, Eve on one.
    "commits": """repository,sha,author_email,authored_at,committed_at,additions,deletions
        acme/app,aaaa000000000000000000000000000000000000,dan@example.com,2026-04-01T08:00:00Z,2026-04-01T08:00:00Z,1,0
        acme/app,bbbb000000000000000000000000000000000000,dan@example.com,2026-04-03T08:00:00Z,2026-04-03T08:00:00Z,2,0
        acme/app,cccc000000000000000000000000000000000000,eve@example.com,2026-04-04T08:00:00Z,2026-04-04T08:00:00Z,3,0""",
    "work_items": """project,key,type,status,status_category,assignee,created_at,completed_at
        APP,APP-1,Bug,Done,done,dan@example.com,2026-04-01T00:00:00Z,2026-04-03T12:00:00Z""",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Two weeks of five people: Dan in Bob's team, Eve in Cyd's, all below Ada."""
    folder = tmp_path_factory.mktemp("small")
    with Home.open(folder / "home") as home:
        project = home.project()
        load_trees(project, folder)
        for name, text in TABLES.items():
            path = folder / f"{name}.csv"
            path.write_text("\n".join(line.strip() for line in text.splitlines()) + "\n")
            import_paths(project, [path])
        yield project


FORTNIGHT = {"dateStart": "2026-04-01", "dateEnd": "2026-04-14"}


def test_rates_of_teams_by_hand(small: Project) -> None:
    found = {row["Collection Name"]: row for row in rows_of(small, body(**FORTNIGHT))}
    whole = found["Engineering"]
    # 60 lines by five developers and two weeks; three coding days by two active ones; one item by five.
    assert float(whole["PR_VELOCITY_PER_DEV"]) == 6
    assert float(whole["CODING_DAYS_PER_DEV"]) == 0.75
    assert float(whole["WORKTYPE_COMPLETED_PER_DEV"]) == 0.1
    assert whole["TIME_TO_FIRST_COMMENT"] == "0.5"
    assert whole["NUMBER_OF_COMMENTS_PER_PR"] == "0.6667"
    assert whole["AVG_TIME_TO_COMPLETE"] == "2.5"
    nobody = found["Sales"]
    assert (float(nobody["PR_VELOCITY_PER_DEV"]), nobody["CODING_DAYS_PER_DEV"]) == (0, "")
    assert nobody["TIME_TO_FIRST_COMMENT"] == nobody["AVG_TIME_TO_COMPLETE"] == ""


LEAD_TIME_TABLES = {
    # First commit to deployment: 1 to 9 April, 8 days. The second was never deployed, of the third no first commit is known.
    "pull_requests": """repository,number,author,state,created_at,merged_at,merge_commit_sha
        acme/app,1,dan@example.com,merged,2026-04-02T00:00:00Z,2026-04-03T00:00:00Z,bbbb
        acme/app,2,dan@example.com,merged,2026-04-10T00:00:00Z,2026-04-11T00:00:00Z,dddd
        acme/app,3,dan@example.com,merged,2026-04-04T00:00:00Z,2026-04-05T00:00:00Z,cccc""",
    "pull_request_commits": """repository,number,sha,authored_at
        acme/app,1,eeee,2026-04-01T00:00:00Z
        acme/app,2,ffff,2026-04-10T00:00:00Z""",
    "commits": """repository,sha,parents
        acme/app,aaaa,
        acme/app,bbbb,aaaa
        acme/app,cccc,bbbb
        acme/app,dddd,cccc""",
    "deployments": """deployment_id,repository,sha,status,finished_at
        d1,acme/app,aaaa,success,2026-03-01T00:00:00Z
        d2,acme/app,cccc,success,2026-04-09T00:00:00Z""",
}


def test_lead_time_is_first_commit_to_deployment_and_is_what_is_rated(project: Project, tmp_path: Path) -> None:
    load_trees(project, tmp_path)
    for name, text in LEAD_TIME_TABLES.items():
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(line.strip() for line in text.splitlines()) + "\n")
        import_paths(project, [path])
    efficiency = {"metrics": ["LEAD_TIME_FOR_CHANGES", "OVERALL_DORA"]}
    asked = body(**FORTNIGHT, efficiency=efficiency, productivity=None, includeRatings=True)
    row = rows_of(project, asked)[0]
    assert (row["LEAD_TIME_FOR_CHANGES"], row["LEAD_TIME_FOR_CHANGES_RATING"]) == ("8.0", "Medium")
    # Lead time Medium, one deployment in 14 days Medium, no failure Elite: 8 / 3.
    assert row["OVERALL_DORA"] == "High"
    settings.put(project.db, project.id, {"reports.lead_time": "stages"})
    # Coding, review and deploy of the first: 1 + 1 + 6; of the second: 0 + 1; review and deploy of the third: 1 + 4.
    assert rows_of(project, asked)[0]["LEAD_TIME_FOR_CHANGES"] == "4.6667"


@pytest.mark.parametrize(
    ("unit", "expected"),
    # 60 lines by five developers: per day, per week, and per 14/30 of April.
    [("daily", "0.8571"), ("weekly", "6.0"), ("monthly", "25.7143")],
)
def test_the_unit_of_time(small: Project, unit: str, expected: str) -> None:
    given = body(**FORTNIGHT, granularity=unit, productivity={"metrics": ["PR_VELOCITY_PER_DEV"]})
    assert rows_of(small, given)[0]["PR_VELOCITY_PER_DEV"] == expected


@given(start=st.dates(date(1971, 1, 1), date(2200, 1, 1)), length=st.integers(0, 1830))
def test_the_units_of_a_range_add_up(start: date, length: int) -> None:
    end = start + timedelta(days=length)
    assert units_of(start, end, "daily") == length + 1
    assert units_of(start, end, "weekly") * 7 == length + 1
    following = end + timedelta(days=1)
    both = units_of(start, end, "monthly") + units_of(following, following + timedelta(days=60), "monthly")
    assert both == units_of(start, following + timedelta(days=60), "monthly")
    assert Fraction(length + 1, 31) <= units_of(start, end, "monthly") <= Fraction(length + 1, 28)


def test_calendar_months() -> None:
    assert units_of(date(2024, 1, 1), date(2024, 12, 31), "monthly") == 12
    assert units_of(date(2026, 1, 1), date(2026, 4, 14), "monthly") == 3 + Fraction(14, 30)
    assert [(period.start, period.end) for period in periods(date(2024, 1, 9), date(2026, 4, 14), RANGE)] == [
        (date(2024, 1, 9), date(2026, 4, 14))
    ]


def test_contributors_by_hand(small: Project) -> None:
    given = body(**FORTNIGHT, productivity=None, productivityContributors={"metrics": []}, includeRatings=True)
    text = text_of(small, given)
    assert text.split("\r\n")[0] == (
        "Collection Name,Email,PR_VELOCITY,CODING_DAYS,WORK_TYPE_COMPLETED,TIME_TO_FIRST_COMMENT,"
        "NUMBER_OF_COMMENTS_PER_PR,AVG_TIME_TO_COMPLETE,NO_OF_PRS_WITH_MISSING_TICKETS"
    )
    assert "Dan Drew,dan@example.com,20.0,1.0,0.5,0.5,1.0,2.5,2\r\n" in text
    assert "Eve East,eve@example.com,10.0,0.5,0.0,,0.0,,1\r\n" in text
    assert "Bob Brown,bob@example.com,0.0,0.0,0.0,,,,0\r\n" in text
    emails = [row["Email"] for row in rows_of(small, given)]
    assert len(emails) == len(set(emails)) == 7, "every developer of both trees, once"


def test_a_team_and_those_below_it(small: Project) -> None:
    root, *teams = team_ids(small, "Engineering")
    assert len(rows_of(small, body(teamRefId=root))) == 1 + len(teams)
    assert len(rows_of(small, body(collectionId=str(teams[0])))) == 1


def test_a_project_without_trees_has_the_header_alone(project: Project) -> None:
    assert text_of(project, body(productivity={"metrics": ["CODING_DAYS_PER_DEV"]})) == (
        "Collection Name,CODING_DAYS_PER_DEV\r\n"
    )


def test_names_that_a_spreadsheet_would_run_are_neutralized(project: Project, tmp_path: Path) -> None:
    from leadline.people import load_org

    from .conftest import NOW

    path = tmp_path / "org.json"
    path.write_text(
        '{"name": "=SUM(A1)", "members": [{"email": "a@example.com", "full_name": "A, \\"B\\""}], "children": []}'
    )
    load_org(project, path, "=SUM(A1)", now=NOW)
    assert "\r\n'=SUM(A1),0.0\r\n" in text_of(project, body(productivity={"metrics": ["PR_VELOCITY_PER_DEV"]}))
    given = body(productivity=None, productivityContributors={"metrics": ["PR_VELOCITY"]})
    assert '\r\n"A, ""B""",a@example.com,0.0\r\n' in text_of(project, given)


def test_a_cancelled_report_stops(small: Project) -> None:
    report, _ = parse_report(small, body())
    control = Control()
    control.cancel()
    with Runner(small.home) as runner:
        with pytest.raises(Cancelled):
            run_report(runner, small, report, control)
        assert run_report(runner, small, report, Control()).rows > 0


# -- the same numbers as exports ---------------------------------------------------------------------------------------


def exported(project: Project, folder: Path, kind: str, **options: Any) -> list[dict[str, str]]:
    """The rows of an export of all metrics over the quarter."""
    groups = {"metricGroups": ["lttc", "work_items", "df", "cfr", "mttr", "rating"]} if kind == "efficiency" else {}
    parsed = parse(
        project,
        {
            "scope": {"orgTreeName": trees(project)[0].name},
            "dateRange": {"start": "2026-04-01", "end": "2026-06-30"},
            "options": {"granularity": "quarterly", **options},
            **groups,
        },
        kind,
    )
    path = folder / "export.csv"
    produce(project, parsed.request, pin(project, parsed.request.tree), path, Control())
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))


WEEKS = Fraction(91, 7)


def test_productivity_equals_the_export(demo: Project, tmp_path: Path) -> None:
    report, export = rows_of(demo, body()), exported(demo, tmp_path, "productivity", aggregationLevel="team")
    start, end = date(2026, 4, 1), date(2026, 6, 30)
    name = trees(demo)[0].name
    members = team_membership(timeline(demo, newest_versions(demo, [name]), Asked()), None, start, start, end)
    heads = {members.teams[unit].node.ref_id: people for unit, people in members.heads(start, end).items()}
    assert [row["Collection Name"] for row in report] == [row["Team"] for row in export]
    assert sum(float(row["PR_VELOCITY_PER_DEV"]) for row in report) > 0
    for row, cell in zip(report, export, strict=True):
        people = heads[int(cell["Team_Id"])]
        assert row["NUMBER_OF_COMMENTS_PER_PR"] == cell["Review_Comments_Per_PR_Avg"]
        assert row["AVG_TIME_TO_COMPLETE"] == cell["Avg_Time_To_Complete"]
        assert float(row["PR_VELOCITY_PER_DEV"]) == pytest.approx(
            float(int(cell["LOC_Total"]) / people / WEEKS), abs=5e-5
        )
        assert float(row["WORKTYPE_COMPLETED_PER_DEV"]) == pytest.approx(
            float(int(cell["Work_Completed"]) / people / WEEKS), abs=5e-5
        )
        assert (row["CODING_DAYS_PER_DEV"] == "") == (cell["Coding_Days"] == "")
        if cell["Coding_Days"]:
            assert float(row["CODING_DAYS_PER_DEV"]) == pytest.approx(float(cell["Coding_Days"]) / WEEKS, abs=1e-4)
        hours = cell["Review_Time_To_First_Comment_Hrs_Avg"]
        assert (row["TIME_TO_FIRST_COMMENT"] == "") == (hours == "")
        if hours:
            assert float(row["TIME_TO_FIRST_COMMENT"]) == pytest.approx(float(hours) / 24, abs=1e-4)


def test_contributors_equal_the_export(demo: Project, tmp_path: Path) -> None:
    report = rows_of(demo, body(productivity=None, productivityContributors={"metrics": []}))
    export = exported(demo, tmp_path, "productivity")
    assert [row["Email"] for row in report] == [row["Email"] for row in export]
    for row, cell in zip(report, export, strict=True):
        assert row["Collection Name"] == cell["Developer"]
        assert float(row["CODING_DAYS"]) == pytest.approx(float(int(cell["Coding_Days"]) / WEEKS), abs=5e-5)
        assert float(row["WORK_TYPE_COMPLETED"]) == pytest.approx(float(int(cell["Work_Completed"]) / WEEKS), abs=5e-5)
        assert row["NUMBER_OF_COMMENTS_PER_PR"] == cell["Review_Comments_Per_PR_Avg"]
        assert row["AVG_TIME_TO_COMPLETE"] == cell["Avg_Time_To_Complete"]
        assert row["NO_OF_PRS_WITH_MISSING_TICKETS"] == cell["PR_Missing_Tickets"]


@pytest.mark.parametrize("calculation", ["MEAN", "MEDIAN", "P90", "P95"])
def test_efficiency_equals_the_export(demo: Project, tmp_path: Path, calculation: str) -> None:
    given = body(efficiency={"metrics": [], "calculationType": calculation}, productivity=None, includeRatings=True)
    export = exported(demo, tmp_path, "efficiency", aggregation=calculation)
    settings.put(demo.db, demo.id, {"reports.lead_time": "stages"})
    report = rows_of(demo, given)
    settings.put(demo.db, demo.id, {"reports.lead_time": "deployed"})
    assert list(report[0]) == [
        *("Collection Name", "LEAD_TIME_FOR_CHANGES", "LEAD_TIME_FOR_CHANGES_RATING"),
        *("DEPLOYMENT_FREQUENCY", "DEPLOYMENT_FREQUENCY_RATING"),
        *("CHANGE_FAILURE_RATE", "CHANGE_FAILURE_RATE_RATING"),
        *("MEAN_TIME_TO_RESTORE", "MEAN_TIME_TO_RESTORE_RATING", "OVERALL_DORA"),
    ]
    assert sum(float(row["DEPLOYMENT_FREQUENCY"]) for row in report) > 0
    statistic = calculation.capitalize()
    for row, cell in zip(report, export, strict=True):
        assert row["LEAD_TIME_FOR_CHANGES"] == cell[f"LTTC_{statistic}_Days"]
        assert row["CHANGE_FAILURE_RATE"] == cell["CFR_Percent"]
        assert row["MEAN_TIME_TO_RESTORE"] == cell[f"MTTR_{statistic}_Days"]
        assert row["OVERALL_DORA"] == cell["Overall_Rating"]
        frequency = float(int(cell["DF_Deployment_Count"]) / WEEKS)
        assert float(row["DEPLOYMENT_FREQUENCY"]) == pytest.approx(frequency, abs=5e-5)
        for name, column in (
            ("LEAD_TIME_FOR_CHANGES", "LTTC"),
            ("DEPLOYMENT_FREQUENCY", "DF"),
            ("CHANGE_FAILURE_RATE", "CFR"),
            ("MEAN_TIME_TO_RESTORE", "MTTR"),
        ):
            assert row[f"{name}_RATING"] == cell[f"{column}_Rating"]


def test_both_sections_side_by_side_are_those_apart(demo: Project) -> None:
    efficiency = {"metrics": ["MEAN_TIME_TO_RESTORE", "DEPLOYMENT_FREQUENCY"], "calculationType": "P90"}
    both = rows_of(demo, body(efficiency=efficiency))
    apart = [rows_of(demo, body(efficiency=efficiency, productivity=None)), rows_of(demo, body())]
    assert both == [{**one, **other} for one, other in zip(*apart, strict=True)]
