"""The events behind cells of metrics, found by the measures that their values are computed of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from leadline.exports.insights.cells import INSTANT, MEASURED, OVER, Cells, Found, unknown_column
from leadline.exports.insights.columns import lead_unit, metric_of
from leadline.exports.insights.models import Cell, InsightMetric
from leadline.metrics.catalogue import by_ids
from leadline.metrics.measures import Measure
from leadline.metrics.metric import SERVICE, Count, MetricColumn, Ratio, Statistic, Value
from leadline.metrics.request import MetricsRequest
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.metrics.run import Bound

LESS = "less"
"""What an event has of what the value is lessened by."""


@dataclass(frozen=True)
class MetricCells(Cells[MetricsRequest]):
    """The cells of a metric."""

    not_keys = frozenset({MEASURED, OVER, LESS, INSTANT})

    @classmethod
    def of_column(cls, request: MetricsRequest, name: str, _profile: Profile, /) -> MetricsRequest:
        """The request of the one metric."""
        columns = {column.name(request.aggregation).lower(): column for column in by_ids(request.metrics)}
        if (column := columns.get(name.strip().lower())) is None:
            raise unknown_column(name, [column.name(request.aggregation) for column in columns.values()])
        return replace(request, metrics=(column.id,))

    @cached_property
    def column(self) -> MetricColumn:
        """The column."""
        (column,) = by_ids(self.request.metrics)
        return column

    @cached_property
    def unit(self) -> str:
        """The unit of lead time."""
        return lead_unit(self.project, self.at.pins)

    @cached_property
    def value(self) -> Value | None:
        """What of the column can be traced."""
        from leadline.metrics.behind import traced

        return traced(self.column, self.request.level)

    @cached_property
    def bound(self) -> Bound:
        """What is bound for the request."""
        from leadline.metrics.run import bind

        return bind(self.inputs)

    @cached_property
    def table(self) -> pa.Table:
        """The column in all rows, with how many events each value is of."""
        from leadline.metrics.query import sql

        request, session, scope = self.request, self.inputs.session, self.bound.scope
        shape = (request.metrics, request.level, request.aggregation, scope.zone, self.bound.has_team_rules)
        text = sql(*shape, session.facts.queries, dated=scope.dated, sized=True, tools=request.tools)
        return session.engine.arrow(session.engine.remember(text))

    @property
    def fact(self) -> str | None:
        """The fact that shows the events of the value's measures."""
        from leadline.metrics.behind import shown_as

        return None if self.value is None else shown_as(self.value, self.unit).fact

    @property
    def metric(self) -> InsightMetric:
        """What is said of the metric."""
        return metric_of(self.request, self.column.id, self.unit)

    @property
    def aggregation(self) -> str:
        """The statistic, or how the metric is computed."""
        kind = self.column.metric.kind
        return self.column.aggregation(self.request.aggregation) if kind == "statistic" else kind

    def all_behind(self, found: Found) -> pa.Table:
        """The events whose measures the value is made of."""
        period, unit = divmod(found.row, self.bound.scope.units)
        return self.unordered_events(unit, period)

    def unordered_events(self, unit: int, period: int) -> pa.Table:
        """All events behind the cell of a unit and a period (their numbers) in no order: to have them in one would take longer than
        to find them."""
        from leadline.metrics.behind import CELL, behind_sql
        from leadline.metrics.owners import Ownership

        session, scope, level = self.inputs.session, self.bound.scope, self.request.level
        CELL.bind(session.engine, [(unit, period)])
        of_teams = Ownership(self.bound.has_team_rules, scope.dated, level == SERVICE)
        return session.engine.arrow(
            behind_sql(self.column.id, level, scope.zone, of_teams, self.unit, session.facts.queries)
        )

    def parts(self, event: Mapping[str, Any]) -> dict[str, Cell]:
        """What an event has of the measures."""
        value = self.value
        assert value is not None  # noqa: S101 -- there are no events without
        parts: dict[str, Cell] = {
            "value": 1 if isinstance(value, Count) else _part(event[MEASURED], value.measure, value)
        }
        if isinstance(value, Ratio) and isinstance(value.over, Measure):
            parts["over"] = _part(event[OVER], value.over, value)
        return parts


def _part(number: int | None, measure: Measure, value: Value) -> Cell:
    if number is None:
        return 0 if measure.flag else None
    if measure.combine == "distinct":
        return str(date.fromordinal(date(1970, 1, 1).toordinal() + number))
    return number / value.unit if isinstance(value, Statistic) and value.unit != 1 else number
