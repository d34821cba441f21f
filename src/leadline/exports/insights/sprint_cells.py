"""The items behind cells of sprints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from leadline.exports.insights.cells import MEASURED, OVER, Cells, Found, unknown_column
from leadline.exports.insights.columns import told
from leadline.exports.insights.models import Cell, InsightMetric
from leadline.facts.catalogue import SPRINT_ITEMS
from leadline.metrics.sprint_columns import PerSprint, Spread, SprintColumn, by_ids
from leadline.metrics.sprint_request import SprintRequest
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class SprintCells(Cells[SprintRequest]):
    """The cells of a column of sprints."""

    @classmethod
    def of_column(cls, request: SprintRequest, name: str, _profile: Profile, /) -> SprintRequest:
        """The request of the one column."""
        columns = {column.id: column for column in by_ids(request.metrics)}
        if (column := columns.get(name.strip().upper())) is None:
            raise unknown_column(name, [column.column for column in columns.values()])
        return replace(request, metrics=(column.id,))

    @cached_property
    def column(self) -> SprintColumn:
        """The column."""
        (column,) = by_ids(self.request.metrics)
        return column

    @cached_property
    def table(self) -> pa.Table:
        """The column in all rows, with how many things each value is of, and of which sprints a row is."""
        from leadline.metrics.sprint_query import sprint_query

        engine = self.inputs.session.engine
        return engine.arrow(engine.remember(sprint_query(self.inputs, sized=True)))

    @property
    def fact(self) -> str | None:
        """The items in their sprints."""
        return SPRINT_ITEMS

    @property
    def metric(self) -> InsightMetric:
        """What is said of the column."""
        return told(self.column)

    @property
    def aggregation(self) -> str:
        """`per_sprint` and `deviation` are of the sums of the sprints of the rows."""
        if isinstance(self.column.formula, Spread):
            return "deviation"
        return "per_sprint" if isinstance(self.column.formula, PerSprint) else self.column.kind

    def all_behind(self, found: Found) -> pa.Table:
        """The items of the row's sprints that the value is of."""
        from leadline.metrics.sprint_behind import SPRINT_CELL, behind_sql
        from leadline.metrics.sprint_query import SPRINTS_BEHIND, UNIT

        session = self.inputs.session
        SPRINT_CELL.bind(session.engine, [(found.cells[UNIT], sprint) for sprint in found.cells[SPRINTS_BEHIND] or ()])
        return session.engine.arrow(behind_sql(self.column, self.request.mode, session.facts.queries))

    def parts(self, event: Mapping[str, Any]) -> dict[str, Cell]:
        """What an item has, in points or tickets; where sprints count, the sprint."""
        over = {} if event[OVER] is None else {"over": self._amount(event[OVER])}
        return {"value": self._amount(event[MEASURED]), **over}

    def divisor(self, events: pa.Table) -> float | None:
        """Of a ratio, the sum of what items have of what is divided by."""
        return (
            float(sum(self._amount(part) for part in events[OVER].to_pylist())) if self.aggregation == "ratio" else None
        )

    def _amount(self, part: Any) -> Any:
        from leadline.facts.sprints import POINT
        from leadline.metrics.sprint_columns import STORY_POINTS

        counted = isinstance(part, str) or self.column.kind == "count" or self.request.mode != STORY_POINTS
        return part if counted else part / POINT
