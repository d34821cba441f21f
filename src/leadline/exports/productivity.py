"""The kind of export for productivity: the metrics of developers or teams, a row per developer or team and period."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from leadline.exports import metric_rows
from leadline.exports.export_kind import Command, ExportKind, Option
from leadline.exports.models import MetricsExportRequest, SplitOptions
from leadline.exports.requests import check_levels, level_of
from leadline.field_types import Name, one_of
from leadline.home import Project
from leadline.metrics.catalogue import catalogue_of
from leadline.metrics.metric import DEVELOPER, PRODUCTIVITY
from leadline.metrics.request import GRANULARITIES, LEADING, LEVELS, MetricsRequest


class ProductivityOptions(SplitOptions):
    """How to aggregate and write. Values are accepted in any letter case."""

    aggregation_level: Annotated[str, one_of("aggregationLevel", LEVELS)] | None = Field(
        None, description="One row per developer or per team and period; default `developer`."
    )
    metric_level: Annotated[str, one_of("metricLevel", LEVELS)] | None = Field(
        None, description="The newer name of `aggregationLevel`."
    )
    granularity: Annotated[str, one_of("granularity", GRANULARITIES)] | None = Field(
        None, description="Length of the periods; default `monthly`."
    )


NO_OPTIONS = ProductivityOptions.model_validate({})


class ProductivityExportRequest(MetricsExportRequest):
    """A productivity export. `metricGroups` and `metrics` are merged; both absent or empty mean all metrics."""

    metric_groups: list[Name] | None = metric_rows.groups_field(PRODUCTIVITY, "activity", "velocity")
    metrics: list[Name] | None = metric_rows.metrics_field("PR_Merged", "Work_Completed")
    options: ProductivityOptions | None = None


def _check_level(_project: Project, model: ProductivityExportRequest) -> None:
    check_levels(model.options or NO_OPTIONS)


def _read(model: ProductivityExportRequest) -> Callable[..., MetricsRequest]:
    options = model.options or NO_OPTIONS
    level = level_of(options) or DEVELOPER
    return metric_rows.metrics_request(model, options, PRODUCTIVITY, level, options.granularity or "monthly")


PRODUCTIVITY_EXPORT = ExportKind(
    name=PRODUCTIVITY,
    title="Productivity",
    about="""Level `developer` has one row per developer and period, level `team` one per team and period.

- A pull request counts in the period of its merge, a commit in that of its author date, a work item in that of its
  completion.
- The rules behind the words (credited commits, bots, links, first commit) are in [Where a number comes
  from](../guide/facts.md#the-rules).""",
    model=ProductivityExportRequest,
    check=_check_level,
    read=_read,
    notes=metric_rows.metrics_notes(PRODUCTIVITY),
    subject=lambda request: f"{request.level}-insights",
    rows=metric_rows.METRIC_ROWS,
    leading={level: LEADING[level] for level in LEVELS},
    catalogue=lambda: catalogue_of(PRODUCTIVITY),
    shown_first=("PR_MERGED", "PR_CYCLE_TIME_DAYS_AVG"),
    command=Command(
        "Export productivity of developers or teams to a file.",
        (
            (
                "leadline export productivity --org-tree Engineering \\",
                "  --period last-quarter -o productivity.csv",
            ),
            (
                "leadline export productivity --org-tree Engineering --level team \\",
                "  --group activity,volume --period last-month -o -",
            ),
        ),
        (
            metric_rows.groups_option("Metric group; repeatable [default: all metrics]."),
            metric_rows.METRICS_OPTION,
            Option("--level", "options.aggregationLevel", "What a row is.", LEVELS, "developer"),
            metric_rows.granularity_option(GRANULARITIES),
            metric_rows.AGGREGATION_OPTION,
            metric_rows.SPLIT_OPTION,
        ),
    ),
)
