"""What kinds of exports share whose rows are developers or teams by period and whose columns are metrics."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field

from leadline.errors import Detail, InvalidRequest
from leadline.exports.export_kind import Option, Rows
from leadline.exports.models import MOST_NAMES, SPLITS, MetricOptions, MetricsExportRequest, SplitOptions
from leadline.home import Project
from leadline.metrics import catalogue
from leadline.metrics.metric import SERVICE
from leadline.metrics.request import AGGREGATIONS, KEYS, SPLIT, MetricsRequest

if TYPE_CHECKING:
    from leadline.metrics.run import QueryInputs


def groups_field(insight: str, *example: str) -> Any:
    """The field of a request that names groups of an insight."""
    aliases = {group: alias for alias, group in catalogue.GROUP_ALIASES.items()}
    groups = [
        f"`{group}`" + (f" (or `{aliases[group]}`)" if group in aliases else "")
        for group in catalogue.groups_of(insight)
    ]
    about = f"Any of {', '.join(groups)}, in any letter case."
    return Field(None, max_length=MOST_NAMES, description=about, examples=[list(example)])


def metrics_field(*example: str) -> Any:
    """The field of a request that names metrics."""
    about = "Names from the catalogue, in any letter case."
    return Field(None, max_length=MOST_NAMES, description=about, examples=[list(example)])


def groups_option(help_text: str) -> Option:
    """Which groups of the catalogue."""
    return Option("--group", "metricGroups", help_text, metavar="NAME", many=True)


def granularity_option(choices: tuple[str, ...]) -> Option:
    """How long periods are."""
    lower = tuple(choice.lower() for choice in choices)
    return Option("--granularity", "options.granularity", "Length of a period.", lower, "monthly")


METRICS_OPTION = Option("--metric", "metrics", "Metric by column or id; repeatable.", metavar="NAME", many=True)
SPLIT_OPTION = Option("--split-by", "options.splitBy", "Each row by whether AI tools had part, and of all.", SPLITS)
AGGREGATION_OPTION = Option("--aggregation", "options.aggregation", "How averages are taken.", AGGREGATIONS, "mean")


def metrics_request(
    model: MetricsExportRequest, options: MetricOptions, insight: str, level: str, granularity: str
) -> Callable[..., MetricsRequest]:
    """What ``model`` asks of the metrics of an insight; the scope, range and format are still to be filled in."""
    aggregation = options.aggregation or "mean"
    split = options.split_by if isinstance(options, SplitOptions) else None
    if split is not None and level == SERVICE:
        raise InvalidRequest(
            "Rows of services cannot be split by AI; rows of teams can",
            code="split_not_at_level",
            details=[Detail("options.splitBy", "not at the level service")],
        )
    columns = catalogue.select(model.metric_groups or (), model.metrics or (), level, insight, aggregation)
    return partial(
        MetricsRequest,
        metrics=tuple(column.id for column in columns),
        level=level,
        granularity=granularity,
        aggregation=aggregation,
        split=split,
    )


def metrics_notes(insight: str) -> Callable[[MetricsExportRequest, MetricsRequest], Sequence[str]]:
    """The warnings about the metrics that a request names."""
    return lambda model, request: catalogue.followed(model.metrics or (), insight, request.aggregation)


def row_key(request: MetricsRequest) -> tuple[str, ...]:
    """The columns that tell the rows of ``request`` apart."""
    return (*KEYS[request.level], *(SPLIT[:1] if request.split else ()))


def _tables(project: Project, request: MetricsRequest) -> Collection[str]:
    from leadline.metrics.run import tables_of

    return tables_of(project, request)


def _query(inputs: QueryInputs[MetricsRequest]) -> str:
    from leadline.metrics.run import metrics_query

    return metrics_query(inputs)


def _sized(inputs: QueryInputs[MetricsRequest], check: Callable[[int], None]) -> str:
    from leadline.metrics.run import metrics_query

    return metrics_query(inputs, sized=True, check=check)


METRIC_ROWS = Rows(MetricsRequest.of, _tables, _query, row_key, _sized)
"""How metrics are produced. Libraries that compute are loaded when a run needs them."""
