"""What kinds of exports share whose rows are developers or teams by period and whose columns are metrics."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadline.exports.export_kind import Rows
from leadline.exports.models import MetricOptions, MetricsExportRequest
from leadline.exports.requests import Parsed, ResolvedScope, parsed
from leadline.exports.validation import missing
from leadline.home import Project
from leadline.metrics import catalogue
from leadline.metrics.request import MetricsRequest

if TYPE_CHECKING:
    from leadline.metrics.run import QueryInputs


@dataclass(frozen=True)
class Shape:
    """What a kind decides of a request: the insight whose metrics it has, the level and the granularity. ``subject`` is
    what the file is called after its level."""

    insight: str
    level: str
    granularity: str
    subject: str


def parse_metrics(
    project: Project,
    body: Mapping[str, Any],
    model: MetricsExportRequest,
    options: MetricOptions,
    shape: Shape,
    *checks: Callable[[], None],
) -> Parsed:
    """The request of ``model`` (which was read from ``body``), normalized; ``checks`` are those of the kind itself."""

    def metrics() -> tuple[str, ...]:
        chosen = catalogue.select(model.metric_groups or (), model.metrics or (), shape.level, shape.insight)
        return tuple(metric.id for metric in chosen)

    def request(scope: ResolvedScope, ids: tuple[str, ...], file_format: str) -> MetricsRequest:
        return MetricsRequest(
            tree=scope.tree,
            team=scope.team,
            start=model.date_range.start,
            end=model.date_range.end,
            metrics=ids,
            level=shape.level,
            granularity=shape.granularity,
            aggregation=options.aggregation or "mean",
            format=file_format,
        )

    return parsed(project, body, model, options, f"{shape.level}-{shape.subject}", metrics, request, checks)


def check_some(model: MetricsExportRequest) -> None:
    """At least one group or metric must be asked for."""
    if not model.metric_groups and not model.metrics:
        refused = missing("metricGroups")
        refused.message = "metricGroups (or metrics) is required"
        raise refused


def _tables(request: MetricsRequest) -> Collection[str]:
    from leadline.metrics.run import tables_of

    return tables_of(request)


def _query(inputs: QueryInputs[MetricsRequest]) -> str:
    from leadline.metrics.run import metrics_query

    return metrics_query(inputs)


METRIC_ROWS = Rows(MetricsRequest.of, _tables, _query)
"""How metrics are produced. Libraries that compute are loaded when a run needs them."""
