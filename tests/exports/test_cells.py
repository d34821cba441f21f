"""The rows behind cells: over every cell of a small export of each kind and level, they add up to the value."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, quantiles
from typing import Any

import pytest

from leadline.errors import InvalidRequest, NotFound
from leadline.exports.cursor import Cursor
from leadline.exports.insights.cells import Place
from leadline.exports.insights.metric_cells import MetricCells
from leadline.exports.insights.models import CellBody
from leadline.exports.insights.request import parse_insight
from leadline.exports.insights.tracing import cell
from leadline.exports.kinds import KINDS
from leadline.home import Project
from leadline.metrics.behind import traced
from leadline.metrics.catalogue import by_ids
from leadline.metrics.measures import Measure
from leadline.metrics.metric import Count, Formula, Percentile, Rating, Ratio, Statistic, Sum
from leadline.metrics.request import Control, MetricsRequest
from leadline.metrics.run import Runner, pin

LEVELS = [
    ("productivity", "developer"),
    ("productivity", "team"),
    ("efficiency", "team"),
    ("efficiency", "service"),
    ("flow", "team"),
]
TREE = "Engineering"


def request(project: Project, kind: str, level: str, **asked: Any) -> MetricsRequest:
    whole = {"orgTreeName": TREE, "dateFrom": "2026-03-01", "dateTo": "2026-03-31", "granularity": "total"}
    groups = list(KINDS[kind].groups)
    rows = parse_insight(project, KINDS[kind], {**whole, "groups": groups, "level": level, **asked}).rows
    assert isinstance(rows, MetricsRequest)
    return rows


def newest(project: Project) -> Cursor:
    return Cursor(pin(project, TREE), datetime.now(UTC), 0)


def behind(
    runner: Runner, project: Project, rows: MetricsRequest, place: Place, at: Cursor
) -> tuple[CellBody, list[Any]]:
    """The cell with the rows of all its pages."""
    first = page = cell(runner, project, rows, place, at, Control())
    everything = list(first.rows)
    while page.next is not None:
        page = cell(runner, project, rows, place, Cursor.of(page.next, project, TREE), Control())
        everything += page.rows
    return first, everything


def total(numbers: list[Any], people: list[str]) -> float:
    """Days are counted once for each developer; all else is summed."""
    if numbers and isinstance(numbers[0], str):
        return len(set(zip(people, numbers, strict=True)))
    return sum(number or 0 for number in numbers)


def summary(values: list[Any], statistic: str) -> float:
    if statistic == "mean":
        return mean(values)
    twentieths = quantiles(values, n=20, method="inclusive") if len(values) > 1 else values * 19
    return float(twentieths[{"median": 9, "p85": 16, "p90": 17, "p95": 18}[statistic]])


def aggregate(formula: Formula, statistic: str, values: list[Any], overs: list[Any], people: list[str]) -> float | None:
    """What the values of rows come to."""
    match formula:
        case Count():
            return len(values)
        case Sum():
            return total(values, people) - sum(over or 0 for over in overs if formula.less)
        case Percentile(at=at) if values:
            return summary(values, at)
        case Statistic() if values:
            return summary(values, statistic)
        case Ratio(over=over) if isinstance(over, Measure):
            divisor = len(set(people)) if over.combine == "any" else total(overs, people)
            return total(values, people) * int(str(formula.factor)) / divisor if divisor else None
    return None  # by a number of the row itself: people, days


def same(value: Any, came_to: float | None) -> bool:
    return came_to is None or math.isclose(came_to, value or 0, abs_tol=5.1e-5)


@pytest.mark.parametrize(("kind", "level"), LEVELS)
@pytest.mark.parametrize("statistic", ["mean", "p90"])
def test_the_events_behind_every_cell_add_up_to_it(
    small: Project, runner: Runner, kind: str, level: str, statistic: str
) -> None:
    rows, at = (
        request(small, kind, level, aggregation=statistic, granularity="monthly", dateFrom="2026-02-01"),
        newest(small),
    )
    seen: Counter[str] = Counter()
    for column in by_ids(rows.metrics):
        formula = column.metric.formula(level)
        if (
            isinstance(formula, Rating)
            or traced(column, level) is None
            or (statistic != "mean" and not isinstance(formula, Statistic))
        ):
            continue
        unit = formula.unit if isinstance(formula, Statistic) else 1
        with runner.inputs(small, replace(rows, metrics=(column.id,)), at.pins, Control()) as inputs:
            cells = MetricCells(small, inputs, at)
            for row, value in enumerate(cells.table[name := column.name(statistic)].to_pylist()):
                events = cells.events(cells.found(Place(name, row=row))).to_pydict()
                measured = [value and value / unit for value in events["measured"]]
                if column.metric.column == "Coding_Days":
                    continue  # days and people are those of rows
                overs = events["less" if isinstance(formula, Sum) else "over"]
                assert same(value, aggregate(formula, statistic, measured, overs, [])), (name, row)
                seen[name] += bool(value)
    # Of services, times to restore alone have percentiles, and so few people have no incidents.
    if len(seen) > 1:
        assert sum(count > 0 for count in seen.values()) > len(seen) * 0.7


@pytest.mark.parametrize(("kind", "level"), LEVELS)
def test_the_rows_behind_cells_are_those_events(small: Project, runner: Runner, kind: str, level: str) -> None:
    rows, at = request(small, kind, level), newest(small)
    for column in by_ids(rows.metrics):
        name, formula = column.name("mean"), column.metric.formula(level)
        first, things = behind(runner, small, rows, Place(name, row=1), at)
        assert first.count == len(things)
        if traced(column, level) is None:  # the overall rating, and use of tools, of which no fact has rows
            assert (first.facts, first.count, bool(first.untraced)) == (None, 0, True)
        elif formula is not None and not isinstance(formula, Rating):
            values, overs = ([getattr(thing, part) for thing in things] for part in ("value", "over"))
            people = [thing.row.get("developer", "") for thing in things]
            assert same(first.value, aggregate(formula, "mean", values, overs, people)), name


def test_a_cell_is_found_by_its_row_or_by_what_the_row_is_of(small: Project, runner: Runner) -> None:
    rows, at = request(small, "productivity", "developer", granularity="weekly"), newest(small)
    table = runner.table(small, rows, at.pins, Control()).to_pydict()
    row = next(row for row, merged in enumerate(table["PR_Merged"]) if merged and row > 20)
    by_row = cell(runner, small, rows, Place("pr_merged", row=row), at, Control())
    start = table["Start_Date"][row]
    by_unit = cell(
        runner, small, rows, Place("PR_MERGED", unit=table["Email"][row].upper(), start=start), at, Control()
    )
    assert by_unit == by_row
    assert by_row.value == by_row.count == table["PR_Merged"][row]
    assert {thing.row["developer"] for thing in by_row.rows} == {table["Email"][row]}


def test_a_cell_of_a_service_is_found_by_its_name(small: Project, runner: Runner) -> None:
    rows, at = request(small, "efficiency", "service"), newest(small)
    table = runner.table(small, rows, at.pins, Control()).to_pydict()
    names = [service or repository for service, repository in zip(table["Service"], table["Repository"], strict=True)]
    assert len(names) == len(set(names)) > 1
    for row, name in enumerate(names):
        place = Place("DF_Deployment_Count", unit=name.upper())
        found = cell(runner, small, rows, place, at, Control())
        assert found == cell(runner, small, rows, replace(place, row=row, unit=None), at, Control())
        of_service = {thing.row["service"] or thing.row["repository"] for thing in found.rows}
        assert of_service <= {name}


def test_places_that_there_are_not(small: Project, runner: Runner) -> None:
    rows, at = request(small, "productivity", "team"), newest(small)
    with pytest.raises(InvalidRequest, match="one of Coding_Days"):
        cell(runner, small, rows, Place("LOC_Added", row=0), at, Control())
    for place in (Place("PR_Merged", row=9999), Place("PR_Merged", unit="nobody@example.com")):
        with pytest.raises(NotFound):
            cell(runner, small, rows, place, at, Control())


def test_what_was_read_is_read_again_whatever_came_since(small: Project, runner: Runner, tmp_path: Path) -> None:
    rows, before = request(small, "productivity", "team"), newest(small)
    place = Place("PR_Merged", row=0)
    first, things = behind(runner, small, rows, place, before)
    gone = Cursor(before.pins, before.as_of, first.count + 5)
    assert cell(runner, small, rows, place, gone, Control()).rows == []
    assert [thing.row["merged_at"] for thing in things] == sorted(thing.row["merged_at"] for thing in things)
