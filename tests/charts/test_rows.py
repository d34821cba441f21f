"""What charts are drawn on, of answers small enough to work out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from leadline.charts.chart import Events, Periods, Teams
from leadline.charts.delivery import DELIVERY_CHARTS
from leadline.charts.picture import how_many
from leadline.charts.productivity import PRODUCTIVITY_CHARTS
from leadline.charts.rows import Event, Point, class_rows, dot_rows, period_rows, team_rows
from leadline.charts.words import duration_scale, number, range_text, span_text, value_text
from leadline.metrics.catalogue import by_ids

CHARTS = {chart.name: chart for chart in (*DELIVERY_CHARTS, *PRODUCTIVITY_CHARTS)}


JANUARY = (date(2026, 1, 1), date(2026, 1, 31))
FEBRUARY = (date(2026, 2, 1), date(2026, 2, 28))
MARCH = (date(2026, 3, 1), date(2026, 3, 31))


def periods(name: str) -> Periods:
    data = CHARTS[name].data
    assert isinstance(data, Periods)
    return data


def events(name: str) -> Events:
    data = CHARTS[name].data
    assert isinstance(data, Events)
    return data


def test_parts_whole_and_count_of_a_period() -> None:
    values = {"PLANNING_MEAN_DAYS": 1.0, "CODING_MEAN_DAYS": 2.5, "LTTC_MEAN_DAYS": 3.0, "LTTC_ITEMS": 7}
    coding = "CODING_MEAN_DAYS"
    point = Point(*JANUARY, values, {coding: 9}, {coding: "units of work"}, {coding: "/facts"})
    drawn = period_rows(periods("lead-time"), [point], "month")
    by_series = {row["series"]: row for row in drawn.rows}
    assert list(by_series) == ["Planning", "Coding", "Review", "Build", "Deploy", "Lead time"]
    assert by_series["Coding"] == {
        "start": "2026-01-01",
        "period": "1–31 Jan 2026",
        "series": "Coding",
        "order": 1,
        "kind": "part",
        "value": 2.5,
        "exact": 2.5,
        "text": "2.5 days",
        "of": "9 units of work",
        "href": "/facts",
        "count": 7,
    }
    assert by_series["Review"]["value"] is None
    assert by_series["Review"]["text"] == "–"
    assert by_series["Lead time"]["kind"] == "whole"
    assert drawn.unit == "days"
    assert drawn.table.columns == ("Period", "Planning", "Coding", "Review", "Build", "Deploy", "Lead time", "Items")
    assert drawn.table.rows == (("1–31 Jan 2026", "24 h", "2.5 days", "–", "–", "–", "3 days", "7"),)


def test_an_axis_is_in_the_unit_that_suits_its_longest_value() -> None:
    days = {"PR_CYCLE_TIME_DAYS_AVG": 0.25}
    drawn = period_rows(periods("cycle-time"), [Point(*JANUARY, days)], "month")
    assert drawn.unit == "h"
    assert [(row["value"], row["exact"], row["text"]) for row in drawn.rows] == [(6.0, 0.25, "6 h")]
    coding = period_rows(periods("coding-days"), [Point(*JANUARY, {"CODING_DAYS": 0.25})], "month")
    assert (coding.unit, coding.rows[0]["value"], coding.rows[0]["text"]) == ("days", 0.25, "0.25 days")


def test_a_trend_is_the_line_of_least_squares_over_what_is_known() -> None:
    points = [
        Point(*JANUARY, {"PR_VELOCITY": 1.0}),
        Point(*FEBRUARY, {"PR_VELOCITY": None}),
        Point(*MARCH, {"PR_VELOCITY": 5.0}),
    ]
    data = periods("pr-velocity")
    assert [row["trend"] for row in period_rows(data, points, "month", trend=True).rows] == [1.0, 3.0, 5.0]
    assert "trend" not in period_rows(data, points, "month").rows[0]
    assert "trend" not in period_rows(data, points[:2], "month", trend=True).rows[0]


def test_a_trend_of_parts_is_that_of_their_sum() -> None:
    points = [
        Point(*JANUARY, {"TOTAL_FAILURES": 1, "TOTAL_SUCCESS": 3}),
        Point(*FEBRUARY, {"TOTAL_FAILURES": 2, "TOTAL_SUCCESS": 8}),
    ]
    rows = period_rows(periods("deployments"), points, "month", trend=True).rows
    assert [row.get("trend") for row in rows] == [4.0, 10.0, None, None]
    shares = period_rows(
        periods("failure-rate"), [Point(*JANUARY, {"CFR_PERCENT": 7.5}, {"CFR_PERCENT": 40})], "month"
    ).rows
    assert shares[0]["share"] == "3 of 40"


def test_a_dot_for_each_thing_and_a_line_for_all() -> None:
    event = Event("INC-1", datetime(2026, 1, 5, 9, tzinfo=UTC), 5400.0)
    dot, whole = dot_rows(events("restore-times"), [event], 7200.0, "/facts").rows
    assert (dot["kind"], dot["name"], dot["period"], dot["value"], dot["text"], dot["href"]) == (
        *("dot", "INC-1", "5 Jan 2026", 5400.0, "1.5 h", "/facts"),
    )
    assert (whole["kind"], whole["series"], whole["value"]) == ("whole", "Time to restore", 7200.0)


def test_a_goal_is_drawn_and_stands_in_the_table() -> None:
    values = {"PLANNING_MEAN_DAYS": 1.0, "LTTC_MEAN_DAYS": 3.0, "LTTC_ITEMS": 7}
    drawn = period_rows(periods("lead-time"), [Point(*JANUARY, values)], "month", goals={"LTTC_MEAN_DAYS": 2.0})
    assert drawn.rows[-1] == {"kind": "goal", "goal": 2.0, "text": "Goal: 2 days"}
    assert drawn.table.rows[-1] == ("Goal", "", "", "", "", "", "2 days", "")
    hours = period_rows(
        periods("cycle-time"),
        [Point(*JANUARY, {"PR_CYCLE_TIME_DAYS_AVG": 0.25})],
        "month",
        goals={"PR_CYCLE_TIME_DAYS_AVG": 0.5, "CFR_PERCENT": 3},
    )
    assert hours.rows[-1] == {"kind": "goal", "goal": 12.0, "text": "Goal: 12 h"}
    dots = dot_rows(events("restore-times"), [], 7200.0, goal=3600.0)
    assert dots.rows[-1] == {"kind": "goal", "goal": 3600.0, "text": "Goal: 60 min"}
    assert dots.table.rows == (("Goal", "", "60 min"),)


def test_a_goal_is_drawn_over_the_lines_of_teams_as_that_of_the_first() -> None:
    lines = {name: [Point(*JANUARY, {"PR_CYCLE_TIME_DAYS_AVG": 0.25})] for name in ("All", "Part")}
    cycle = team_rows(Teams("PR_CYCLE_TIME_DAYS_AVG"), lines, "month", 0.5)
    assert cycle.rows[-1] == {"kind": "goal", "goal": 12.0, "text": "Goal: 12 h"}
    assert cycle.table.rows[-1] == ("Goal", "12 h", "")
    often = team_rows(Teams("DEPLOYMENT_FREQUENCY"), lines, "week", 7.0, "7 a week")
    assert often.rows[-1] == {"kind": "goal", "goal": 7.0, "text": "Goal: 7 a week"}
    assert {row["kind"] for row in team_rows(Teams("CFR_PERCENT"), lines, "month").rows} == {"part"}


def test_parts_without_a_whole_have_no_goal() -> None:
    point = Point(*JANUARY, {"TOTAL_FAILURES": 1, "TOTAL_SUCCESS": 3})
    rows = period_rows(periods("deployments"), [point], "month", goals={"TOTAL_FAILURES": 1}).rows
    assert [row["kind"] for row in rows] == ["part", "part"]


def test_classes_hold_everything_once() -> None:
    hours = (0, 3.99, 4, 23.9, 24, 336, 5000)
    data = events("cycle-time-histogram")
    durations = pa.chunked_array([[int(length * 3_600_000_000) for length in hours]])
    rows = class_rows(data, how_many(durations, data.bounds)).rows
    counts = {row["series"]: row["value"] for row in rows}
    assert counts == {
        "under 4 h": 2,
        "4–8 h": 1,
        "8–24 h": 1,
        "1–2 days": 1,
        "2–3 days": 0,
        "3–5 days": 0,
        "5–7 days": 0,
        "7–14 days": 0,
        "14 days or more": 2,
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 min"),
        (30, "0.5 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (172_799, "48 h"),
        (172_800, "2 days"),
        (9e6, "104 days"),
    ],
)
def test_spans(seconds: float, text: str) -> None:
    assert span_text(seconds) == text


def test_words() -> None:
    assert [number(value) for value in (0, 0.126, 12.34, 1234.5, 1000, -0.5)] == [
        "0",
        "0.13",
        "12.3",
        "1,234",
        "1,000",
        "-0.5",
    ]
    assert range_text(*JANUARY) == "1–31 Jan 2026"
    assert range_text(date(2025, 12, 29), date(2026, 1, 4)) == "29 Dec 2025 – 4 Jan 2026"
    assert range_text(date(2026, 1, 29), date(2026, 2, 4)) == "29 Jan – 4 Feb 2026"
    assert range_text(JANUARY[0], JANUARY[0]) == "1 Jan 2026"
    assert duration_scale("hours", 0.5).unit == "min"
    (frequency, velocity, rate) = (
        column.metric for column in by_ids(("DEPLOYMENT_FREQUENCY", "PR_VELOCITY", "CFR_PERCENT"))
    )
    assert value_text(3.25, frequency, "week") == "3.25 per week"
    assert value_text(2.0, velocity) == "2 per developer"
    assert value_text(0.0, rate) == "0 %"
