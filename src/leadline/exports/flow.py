"""The kind of export for flow: how work items flow through teams, a row per team and period."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from leadline.exports import metric_rows
from leadline.exports.export_kind import Command, ExportKind, Option
from leadline.exports.models import MetricOptions, MetricsExportRequest
from leadline.exports.requests import check_levels
from leadline.field_types import Name, one_of
from leadline.home import Project
from leadline.metrics.catalogue import catalogue_of
from leadline.metrics.metric import FLOW, TEAM
from leadline.metrics.request import GRANULARITIES, LEADING, MetricsRequest

LEVELS = (TEAM,)


class FlowOptions(MetricOptions):
    """Over which periods, and how to write. Values are accepted in any letter case. `aggregation` is without effect: each column
    says its statistic."""

    aggregation_level: Annotated[str, one_of("aggregationLevel", LEVELS)] | None = Field(
        None, description="One row per team and period: the only level there is."
    )
    metric_level: Annotated[str, one_of("metricLevel", LEVELS)] | None = Field(
        None, description="The newer name of `aggregationLevel`."
    )
    granularity: Annotated[str, one_of("granularity", GRANULARITIES)] | None = Field(
        None, description="Length of the periods; default `monthly`."
    )


NO_OPTIONS = FlowOptions.model_validate({})


class FlowExportRequest(MetricsExportRequest):
    """An export of flow; one row per team and period. `metricGroups` and `metrics` are merged; both absent or empty mean all."""

    metric_groups: list[Name] | None = metric_rows.groups_field(FLOW, "throughput", "wip")
    metrics: list[Name] | None = metric_rows.metrics_field("Throughput", "WIP_Avg")
    options: FlowOptions | None = None


def _check(_project: Project, model: FlowExportRequest) -> None:
    check_levels(model.options or NO_OPTIONS)


def _read(model: FlowExportRequest) -> Callable[..., MetricsRequest]:
    options = model.options or NO_OPTIONS
    return metric_rows.metrics_request(model, options, FLOW, TEAM, options.granularity or "monthly")


FLOW_EXPORT = ExportKind(
    name=FLOW,
    title="Flow",
    about="""Rows are teams. What is counted of which visits to a status is told in [Time in status and flow](../guide/flow.md).

- A work item counts as started in the period in which it first got in progress, as completed in that of its completion, as
  reopened in each in which it left done.
- Of a period that is not over the days so far count, with all of today.""",
    model=FlowExportRequest,
    check=_check,
    read=_read,
    notes=metric_rows.metrics_notes(FLOW),
    subject=lambda request: f"{request.level}-flow",
    rows=metric_rows.METRIC_ROWS,
    leading={level: LEADING[level] for level in LEVELS},
    catalogue=lambda: catalogue_of(FLOW),
    shown_first=("WIP_AVG", "THROUGHPUT"),
    command=Command(
        "Export how work items flow through teams to a file.\n\n"
        "Arrivals, throughput, work in progress and its age, cycle time, flow\n"
        "efficiency, reopened items.",
        (
            (
                "leadline export flow --org-tree Engineering \\",
                "  --period last-quarter -o flow.csv",
            ),
            (
                "leadline export flow --org-tree Engineering --group wip,throughput \\",
                "  --granularity weekly --period last-month -o -",
            ),
        ),
        (
            metric_rows.groups_option("Metric group; repeatable [default: all metrics]."),
            metric_rows.METRICS_OPTION,
            Option("--level", "options.aggregationLevel", "What a row is.", LEVELS, TEAM),
            metric_rows.granularity_option(GRANULARITIES),
        ),
    ),
)
