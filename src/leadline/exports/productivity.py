"""The kind of export for productivity: the metrics of developers or teams, a row per developer or team and period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from leadline.errors import Detail, InvalidRequest
from leadline.exports import options
from leadline.exports.export_kind import Command, ExportKind
from leadline.exports.metric_rows import METRIC_ROWS, Shape, parse_metrics
from leadline.exports.models import MOST_NAMES, MetricOptions, MetricsExportRequest
from leadline.exports.requests import Parsed
from leadline.exports.validation import validated
from leadline.field_types import Name, one_of
from leadline.home import Project
from leadline.metrics.catalogue import catalogue_of
from leadline.metrics.metric import PRODUCTIVITY
from leadline.metrics.request import GRANULARITIES, LEADING, LEVELS


class ProductivityOptions(MetricOptions):
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


class ProductivityExportRequest(MetricsExportRequest):
    """A productivity export. `metricGroups` and `metrics` are merged; both absent or empty mean all metrics."""

    metric_groups: list[Name] | None = Field(
        None,
        max_length=MOST_NAMES,
        description="Any of `activity`, `velocity`, `volume`, `quality`, `collaboration`, in any letter case.",
        examples=[["activity", "velocity"]],
    )
    metrics: list[Name] | None = Field(
        None,
        max_length=MOST_NAMES,
        description="Names from the catalogue, in any letter case.",
        examples=[["PR_Merged", "Work_Completed"]],
    )
    options: ProductivityOptions | None = None


def _parse(project: Project, body: Mapping[str, Any]) -> Parsed:
    model = validated(ProductivityExportRequest, body)
    chosen = model.options or ProductivityOptions.model_validate({})
    shape = Shape(PRODUCTIVITY, _level_of(chosen), chosen.granularity or "monthly", subject="insights")
    return parse_metrics(project, body, model, chosen, shape)


def _level_of(chosen: ProductivityOptions) -> str:
    """The level by whichever of its two names was given; ``developer`` by default."""
    levels = {level for level in (chosen.aggregation_level, chosen.metric_level) if level is not None}
    if len(levels) > 1:
        message = (
            f"options.aggregationLevel ({chosen.aggregation_level}) and options.metricLevel ({chosen.metric_level}) "
            "are the same option and must not differ"
        )
        raise InvalidRequest(message, code="conflicting_levels", details=[Detail("options.metricLevel", message)])
    return levels.pop() if levels else "developer"


PRODUCTIVITY_EXPORT = ExportKind(
    name=PRODUCTIVITY,
    title="Productivity",
    about="""Level `developer` has one row per developer and period, level `team` one per team and period.

- A pull request counts in the period of its merge, a commit in that of its author date, a work item in that of its
  completion.
- The rules behind the words (credited commits, bots, links, first commit) are in [Where a number comes
  from](../guide/facts.md#the-rules).""",
    model=ProductivityExportRequest,
    parse=_parse,
    rows=METRIC_ROWS,
    leading=LEADING,
    catalogue=lambda: catalogue_of(PRODUCTIVITY),
    command=Command(
        "Export developer or team productivity metrics to a file.",
        (
            (
                "leadline export productivity --org-tree Engineering \\",
                "  --start 2026-01-01 --end 2026-03-31 -o q1.csv",
            ),
            (
                "leadline export productivity --org-tree Engineering --level team \\",
                "  --group activity,volume --start 2026-01-01 --end 2026-01-31 -o -",
            ),
        ),
        (
            options.groups("Metric group; repeatable [default: all metrics]."),
            options.METRICS,
            options.Option("--level", "options.aggregationLevel", "What a row is.", LEVELS, "developer"),
            options.granularity(GRANULARITIES),
            options.AGGREGATION,
        ),
    ),
)
