"""The rows at once, and behind their cells, of sprints and of business alignment: values are those of the files, and over every
cell of a small export the rows add up to the value."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import stdev
from typing import Any

import pytest

from leadline.access import Access
from leadline.administration import settings
from leadline.errors import InvalidRequest
from leadline.exports.cursor import Cursor
from leadline.exports.insights.answer import TooManyRows, answer
from leadline.exports.insights.cells import Place
from leadline.exports.insights.listing import Listing, listed_cell
from leadline.exports.insights.models import CellBody, InsightBody
from leadline.exports.insights.request import InsightRequest, parse_insight
from leadline.exports.insights.tracing import cell, cells_of
from leadline.exports.kinds import KINDS
from leadline.home import Project
from leadline.metrics.business_request import BusinessRequest
from leadline.metrics.request import Control, PeriodRows
from leadline.metrics.run import Runner, pin
from leadline.metrics.sprint_request import SprintRequest
from leadline.settings.profile import Profile

TREE = "Engineering"
DAYS = {"orgTreeName": TREE, "dateFrom": "2026-02-01", "dateTo": "2026-03-31"}
FORMS: list[tuple[str, dict[str, Any]]] = [
    ("sprint", {}),
    ("sprint", {"level": "sprint"}),
    ("sprint", {"granularity": "sprint", "computationMode": "tickets"}),
    ("ba", {"groups": ["categorized", "uncategorized", "share", "effort"]}),
    ("ba", {"groups": ["share"], "effortUnit": "fte", "granularity": "weekly"}),
    ("ba", {"groups": ["share", "effort"], "effortUnit": "story_points", "level": "developer", "granularity": "total"}),
]


_WHOLE = [FORMS[0][1], FORMS[3][1]]


def at(project: Project) -> Cursor:
    return Cursor(pin(project, TREE), datetime.now(UTC), 0)


def asked(project: Project, kind: str, **more: Any) -> InsightRequest:
    return parse_insight(project, KINDS[kind], {**DAYS, **more})


def told(runner: Runner, project: Project, insight: InsightRequest) -> InsightBody:
    return answer(runner, project, insight, pin(project, TREE), datetime.now(UTC), Control())


def rows_of(insight: InsightRequest) -> PeriodRows:
    assert isinstance(insight.rows, PeriodRows)
    return insight.rows


# -- rows --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "more"), FORMS)
def test_values_are_those_of_the_file(small: Project, runner: Runner, kind: str, more: dict[str, Any]) -> None:
    insight = asked(small, kind, **more)
    body = told(runner, small, insight)
    table = runner.table(small, insight.rows, pin(small, TREE), Control(), KINDS[kind].rows.query).to_pylist()
    names = [metric.column for metric in body.metrics]
    assert [row.values for row in body.rows] == [{name: row[name] for name in names} for row in table]
    assert len(names) + len(KINDS[kind].leading[rows_of(insight).level]) + (kind == "ba") == len(table[0])
    assert all(set(row.n or ()) == set(names) for row in body.rows)
    assert all(metric.of and metric.definition and metric.unit for metric in body.metrics)


def test_sorted_cut_and_compared_with_the_days_before(small: Project, runner: Runner) -> None:
    days = {"dateFrom": "2026-03-01", "granularity": "total", "compare": "previous"}
    for kind, column in (("sprint", "Sprint_Velocity"), ("ba", "KTLO_tickets")):
        whole = told(runner, small, asked(small, kind, **days))
        before = told(
            runner, small, asked(small, kind, dateFrom="2026-02-01", dateTo="2026-02-28", granularity="total")
        )
        body = told(runner, small, asked(small, kind, sort=f"-{column}", limit=2, metrics=[column], **days))
        assert [row.previous and row.previous.values for row in whole.rows] == [row.values for row in before.rows]
        values = sorted((row.values[column] or 0 for row in whole.rows), key=lambda value: -float(value))
        assert ([row.values[column] for row in body.rows], body.total) == (values[:2], len(values))


@pytest.mark.parametrize(
    ("kind", "more", "code"),
    [
        ("sprint", {"level": "sprint", "compare": "previous"}, "unsupported_compare"),
        ("sprint", {"granularity": "sprint", "compare": "previous"}, "unsupported_compare"),
        ("sprint", {"metrics": ["Tickets_Removed_Mid_Sprint"]}, "metric_not_at_level"),
        ("sprint", {"level": "developer"}, "unsupported_metric_level"),
        ("sprint", {"computationMode": "hours"}, "unsupported_computation_mode"),
        ("sprint", {"sort": "KTLO_tickets"}, "unknown_column"),
        ("ba", {"effortUnit": "hours"}, "unsupported_effort_unit"),
        ("ba", {"metrics": ["Nothing_tickets"]}, "unknown_metric"),
        ("ba", {"level": "developer", "depth": 0}, "invalid_request"),
    ],
)
def test_what_there_is_not_is_refused(small: Project, kind: str, more: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        asked(small, kind, **more)
    assert refusal.value.code == code
    assert "options." not in str(refusal.value)


def test_a_column_that_nothing_is_known_of(project: Project, tmp_path: Path) -> None:
    from business.running import filled

    filled(project, tmp_path)
    with Runner(project.home) as running:
        body = told(running, project, asked(project, "ba"))
        assert not [metric for metric in body.metrics if metric.column.endswith("hours")]
        with pytest.raises(InvalidRequest, match="nothing is known of KTLO_time_spent_hours"):
            told(running, project, asked(project, "ba", sort="KTLO_time_spent_hours"))


def test_more_rows_than_are_answered_at_once(project: Project, tmp_path: Path) -> None:
    from business.running import filled

    filled(project, tmp_path)
    settings.change(project, {"exports.max_range_days": "9000"})
    with Runner(project.home) as running:
        for kind in ("sprint", "ba"):
            long = asked(project, kind, dateFrom="2006-01-01", granularity="daily")
            with pytest.raises(TooManyRows, match=f"POST /v2/insights/{kind}/exports"):
                told(running, project, long)


# -- cells -------------------------------------------------------------------------------------------------------------


def came_to(word: str, unit: str, values: Sequence[Any], overs: Sequence[Any], sprints: Sequence[str]) -> float | None:
    """What rows come to, by the word for how a value is made of them."""
    if word == "count":
        return len(set(values)) if values and isinstance(values[0], str) else len(values)
    if word == "per_sprint":
        return sum(values) / len(set(overs)) if overs else None
    if word == "ratio":
        return sum(values) / total * (1 if unit == "ratio" else 100) if (total := sum(overs)) else None
    if word == "deviation":
        sums: dict[str, list[float]] = defaultdict(lambda: [0, 0])
        for value, over, sprint in zip(values, overs, sprints, strict=True):
            sums[sprint] = [sums[sprint][0] + value, sums[sprint][1] + (over or 0)]
        relative = unit == "percent"
        parts = [100 * value / over if relative else value for value, over in sums.values() if over or not relative]
        return stdev(parts) if len(parts) > 1 else None
    assert word == "sum"
    return sum(values)


def same(value: Any, expected: float | None) -> bool:
    if value is None or expected is None:
        return value == expected
    return math.isclose(value, expected, abs_tol=5.1e-5)


@pytest.mark.parametrize(("kind", "more"), FORMS)
def test_the_events_behind_every_cell_add_up_to_it(
    small: Project, runner: Runner, kind: str, more: dict[str, Any]
) -> None:
    insight, now = asked(small, kind, **more), at(small)
    rows, tracing = rows_of(insight), cells_of(rows_of(insight))
    body, seen = told(runner, small, insight), Counter[str]()
    # Of the first form of each kind every column; of the others those that are computed in other ways.
    for index, metric in enumerate(body.metrics if more in _WHOLE else body.metrics[1::6]):
        column = tracing.of_column(rows, metric.column, Profile.of(now.pins.settings))
        with runner.inputs(small, column, now.pins, Control()) as inputs:
            cells = tracing(small, inputs, now)
            # Every column, and over all of them every row.
            for number, row in list(enumerate(body.rows))[index % 4 :: 4]:
                found = cells.found(Place(metric.column, row=number))
                events = cells.events(found).to_pylist()
                parts = [cells.parts(event) for event in events]
                values, overs = ([part.get(name) for part in parts] for name in ("value", "over"))
                sprints = [event.get("sprint_id", "") for event in events]
                value = row.values[metric.column]
                assert found.cells[metric.column] == value
                expected = came_to(cells.aggregation, metric.unit, values, overs, sprints)
                assert same(value, expected), (metric.column, number)
                if cells.aggregation not in ("per_sprint", "deviation"):
                    assert (row.n or {})[metric.column] == len(events)
                seen[metric.column] += bool(value)
    assert sum(count > 0 for count in seen.values()) > len(seen) / 2 or more not in _WHOLE


@pytest.mark.parametrize(("kind", "more"), FORMS)
def test_rows_are_those_of_their_fact(small: Project, runner: Runner, kind: str, more: dict[str, Any]) -> None:
    insight, now = asked(small, kind, **more), at(small)
    body = told(runner, small, insight)
    for metric in body.metrics[1::15]:
        number = max(range(len(body.rows)), key=lambda at, column=metric.column: (body.rows[at].n or {})[column])  # type: ignore[misc]
        first = cell(runner, small, rows_of(insight), Place(metric.column, row=number), now, Control())
        assert (first.value, first.count) == (body.rows[number].values[metric.column], len(first.rows))
        facts = {"sprint": "sprint-items", "ba": "effort" if metric.of == "shares of days" else "work-items"}
        assert (first.facts, first.metric) == (facts[kind], metric)
        for one in first.rows:
            check_row(first, one.row, one.value, body.rows[number])
        listed = listed_cell(
            runner, small, rows_of(insight), Place(metric.column, row=number), now, Listing(most=3), Control()
        )
        assert listed.listed == first.count
        assert all(one in first.rows for one in listed.body.rows)


def check_row(body: CellBody, row: dict[str, Any], value: Any, of: Any) -> None:
    """What a row says of itself is what its value is of."""
    if body.facts == "sprint-items":
        assert of.team.ref_id in row["team_ids"]
        if of.key:
            assert row["sprint_id"] == of.key["Sprint_Id"]
        elif of.period and of.start_date:
            assert of.start_date.isoformat() <= row["ended_at"][:10] <= of.end_date.isoformat()
        names = {"Sprint_Commit": "commit", "Delivered_Commit": "delivered_commit", "Missed_Commit": "missed_commit"}
        if name := names.get(body.metric.column):
            assert value in (row[f"{name}_points"], row[f"{name}_tickets"])
    elif body.facts == "work-items":
        assert of.start_date.isoformat() <= row["completed_at"][:10] <= of.end_date.isoformat()
    else:
        assert of.start_date.isoformat() <= row["day"] <= of.end_date.isoformat()
        if of.developer:
            assert row["developer"] == of.developer.email
        if body.metric.column.startswith("KTLO") and value:
            assert row["category"] == "KTLO"


def test_a_cell_is_found_by_what_its_row_is_of(small: Project, runner: Runner) -> None:
    insight, now = asked(small, "sprint", level="sprint"), at(small)
    body = told(runner, small, insight)
    for number, row in enumerate(body.rows):
        assert row.team is not None
        assert row.key is not None
        place = Place("SPRINT_SIZE", unit=row.team.ref_id, sprint=str(row.key["Sprint_Id"]))
        if number % 9 == 0:
            by_number = cell(runner, small, rows_of(insight), Place("Sprint_Size", row=number), now, Control())
            assert cell(runner, small, rows_of(insight), place, now, Control()) == by_number


def test_who_sees_no_names_sees_the_rows_without_them(small: Project, runner: Runner) -> None:
    hidden = Access(names=False)
    for kind, column in (("ba", "KTLO_fte"), ("ba", "KTLO_tickets"), ("sprint", "Sprint_Size")):
        more = {"groups": ["effort", "categorized"]} if kind == "ba" else {}
        rows = rows_of(parse_insight(small, KINDS[kind], {**DAYS, **more}, hidden))
        open_rows = rows_of(asked(small, kind, **more))
        shown, veiled = (
            cell(runner, small, one, Place(column, row=0), at(small), Control(), access)
            for one, access in ((open_rows, Access()), (rows, hidden))
        )
        assert [one.value for one in veiled.rows] == [one.value for one in shown.rows]
        assert shown.count == veiled.count > 0
        people = {one.row["developer"] for one in shown.rows} - {None}
        assert people
        assert people.isdisjoint(one.row["developer"] for one in veiled.rows)


def test_documents_of_exports_are_as_they_were() -> None:
    day = date(2026, 1, 1)
    sprint = SprintRequest(TREE, None, day, day, ("SPRINTS",))
    business = BusinessRequest(TREE, None, day, day, ("SHARE",), (), "team", "monthly", "TICKETS", "csv")
    for request in (sprint, business):
        assert "depth" not in request.document()
        assert type(request).of(request.document()) == request  # type: ignore[attr-defined]
