"""The charts of how work items flow: what comes and goes, what is in progress, how long it takes."""

from __future__ import annotations

from leadline.charts import forms
from leadline.charts.chart import Chart, Events, Periods, Series
from leadline.charts.single import bar_chart, line_chart

_COMES_AND_GOES = (Series("ARRIVALS", "Started", "second"), Series("THROUGHPUT", "Completed", "first"))
_CYCLE = (
    Series("CYCLE_TIME_MEDIAN_DAYS", "Half of them", "first"),
    Series("CYCLE_TIME_P85_DAYS", "85 of 100", "second"),
    Series("CYCLE_TIME_P95_DAYS", "95 of 100", "third"),
)
_AGE = (
    Series("WIP_AGE_MEDIAN_DAYS", "Half are younger", "first"),
    Series("WIP_AGE_P85_DAYS", "85 of 100 are younger", "second"),
)

FLOW_CHARTS = (
    Chart(
        "started-and-completed",
        "Started and completed",
        "Work items that were started and that were completed in each period. Where more is started than completed, work in "
        "progress grows.",
        Periods(_COMES_AND_GOES),
        forms.lines(_COMES_AND_GOES),
    ),
    line_chart(
        "work-in-progress",
        "Work in progress",
        "How many work items were in progress on average at any moment of the period.",
        "WIP_AVG",
    ),
    Chart(
        "work-item-cycle-time",
        "Cycle time of work items",
        "From the start of a work item to its completion, over those completed in the period: how long half of them took at "
        "most, and 85 and 95 of a hundred.",
        Periods(_CYCLE),
        forms.lines(_CYCLE),
    ),
    Chart(
        "work-item-cycle-times",
        "Cycle time of single work items",
        "Each dot is a completed work item (of very many the newest), at the time of its completion; the higher, the longer from "
        "its start. Below the dashed line are 85 of a hundred. Twice as long is everywhere as far up.",
        Events("CYCLE_TIME_P85_DAYS"),
        forms.dots(),
    ),
    Chart(
        "age-of-work-in-progress",
        "Age of work in progress",
        "How long ago the work items that were in progress at the end of the period were started.",
        Periods(_AGE),
        forms.lines(_AGE),
    ),
    line_chart(
        "flow-efficiency",
        "Flow efficiency",
        "Of every hundred hours from start to completion, how many the work items spent in statuses other than those of waiting.",
        "FLOW_EFFICIENCY_PERCENT",
    ),
    bar_chart(
        "reopened-work-items",
        "Reopened work items",
        "Work items that left done in each period.",
        "REOPENED",
    ),
)
