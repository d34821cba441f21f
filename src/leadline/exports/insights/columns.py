"""What insights say of their columns."""

from __future__ import annotations

from collections.abc import Sequence

from leadline.exports.insights.models import InsightMetric
from leadline.exports.insights.request import InsightRequest
from leadline.home import Project
from leadline.metrics.catalogue import by_ids
from leadline.metrics.metric import CatalogueEntry, ExportColumn, things_of
from leadline.metrics.request import MetricsRequest, Pins
from leadline.settings.profile import Profile


def lead_unit(project: Project, pins: Pins) -> str:
    """The unit of lead time in runs on ``pins``: `work_items` or `pull_requests`."""
    from leadline.facts.lead_time import unit_of

    tables = {name: version for name, version in pins.tables.items() if name == "work_items"}
    counts = project.lake.snapshot(tables).row_counts() if tables else {}
    return unit_of(Profile.of(pins.settings), counts.get("work_items", 0))


def metrics_of(insight: InsightRequest, names: Sequence[str], profile: Profile, unit: str) -> list[InsightMetric]:
    """What is said of those columns of rows, called ``names``, that are no description of the row, under the settings ``profile``,
    where the unit of lead time is ``unit``."""
    rows = insight.rows
    if isinstance(rows, MetricsRequest):
        found = [metric_of(rows, column_id, unit) for column_id in rows.metrics]
        return [metric for metric in found if metric.column in names]
    return [told(entry) for entry in insight.kind.columns_in(names, profile, rows)]


def told(entry: CatalogueEntry) -> InsightMetric:
    """What is said of a column of another kind."""
    optional = {"of": entry.of} if isinstance(entry, ExportColumn) and entry.of else {}
    return InsightMetric(
        id=entry.id,
        column=entry.column,
        title=entry.title,
        group=entry.group,
        unit=entry.unit,
        definition=entry.definition,
        better=entry.better or None,
        **optional,
    )


def metric_of(rows: MetricsRequest, column_id: str, unit: str) -> InsightMetric:
    """What is said of a column where the unit of lead time is ``unit``."""
    (column,) = by_ids((column_id,))
    metric, formula = column.metric, column.metric.formula(rows.level)
    return InsightMetric(
        id=column.id,
        column=column.name(rows.aggregation),
        title=column.title(rows.aggregation),
        group=metric.group,
        unit=metric.unit,
        definition=metric.definition,
        of=None if formula is None else things_of(formula, unit),
        better=metric.better or None,
    )
