"""The metrics of flow, in the order of the file's columns: declarations and nothing else. Rows are teams."""

from __future__ import annotations

from typing import Any

from leadline.metrics.flow_measures import Arrivals, Completions, Progress, Reopenings, Stock
from leadline.metrics.measures import ELAPSED, Measure
from leadline.metrics.metric import DAY_US, FLOW, Formula, Metric, Percentile, Ratio, Sum

_ITEMS = ("work_items", "work_item_changes")


def _flow(column: str, group: str, unit: str, definition: str, formula: Formula, **more: Any) -> Metric:
    return Metric(column, group, unit, definition, _ITEMS, None, formula, insight=FLOW, **more)


def _days(column: str, group: str, definition: str, measure: Measure, at: str, title: str) -> Metric:
    formula = Percentile(measure, DAY_US, at=at)
    return _flow(column, group, "days", definition, formula, title=title, better="lower")


_CYCLE = "time from the start of a work item to its completion, over those completed in the period."
_AGE = "time since their start of the work items in progress at the end of the period (or of today)."

FLOW_METRICS: tuple[Metric, ...] = (
    _flow(
        "Arrivals",
        "throughput",
        "count",
        "Work items that were started in the period: that first got in progress.",
        Sum(Arrivals.started),
        title="Started work items",
    ),
    _flow(
        "Throughput",
        "throughput",
        "count",
        "Completed work items.",
        Sum(Completions.completed),
        title="Throughput",
        better="higher",
    ),
    _flow(
        "WIP_Avg",
        "wip",
        "items",
        "Work items in progress on average: the time for which items were in progress within the period, over the time of the "
        "period (so far, with all of today).",
        Ratio(Progress.spent, over=ELAPSED),
        title="Work in progress",
        better="lower",
    ),
    _flow(
        "WIP_End",
        "wip",
        "count",
        "Work items in progress at the end of the period (or of today).",
        Sum(Stock.open),
        title="Work in progress at the end",
        better="lower",
    ),
    _days("WIP_Age_Median_Days", "wip", f"Median of the {_AGE}", Stock.age, "median", "Age of work in progress"),
    _days(
        "WIP_Age_P85_Days", "wip", f"85th percentile of the {_AGE}", Stock.age, "p85", "Age of work in progress (p85)"
    ),
    _days("Cycle_Time_Median_Days", "cycle_time", f"Median of the {_CYCLE}", Completions.cycle, "median", "Cycle time"),
    _days(
        "Cycle_Time_P85_Days",
        "cycle_time",
        f"85th percentile of the {_CYCLE}",
        Completions.cycle,
        "p85",
        "Cycle time (p85)",
    ),
    _days(
        "Cycle_Time_P95_Days",
        "cycle_time",
        f"95th percentile of the {_CYCLE}",
        Completions.cycle,
        "p95",
        "Cycle time (p95)",
    ),
    _flow(
        "Flow_Efficiency_Percent",
        "flow_efficiency",
        "%",
        "Time in statuses of being in progress that are none of waiting (setting flow.wait_statuses), in percent of the time "
        "from start to completion: both summed over completed work items of projects that use a status of waiting.",
        Ratio(Completions.working, over=Completions.under_way, factor=100),
        better="higher",
    ),
    _flow(
        "Reopened",
        "reopened",
        "count",
        "Work items that left done in the period.",
        Sum(Reopenings.reopened),
        title="Reopened work items",
        better="lower",
    ),
)
