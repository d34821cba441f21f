"""The completed items, or the shares of days, behind cells of business alignment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from leadline.exports.insights.cells import INSTANT, MEASURED, OVER, Cells, Found, unknown_column
from leadline.exports.insights.columns import told
from leadline.exports.insights.models import Cell, InsightMetric
from leadline.metrics.business_columns import FTE, PERCENT, BusinessColumn, chosen, described
from leadline.metrics.business_request import BusinessRequest
from leadline.settings.categories import CATEGORIES, HIERARCHY
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.metrics.binder import BoundScope

WORKDAYS = "workdays"
"""What a share of a day is divided by, beside what it has of the value."""


@dataclass(frozen=True)
class BusinessCells(Cells[BusinessRequest]):
    """The cells of a column of business alignment."""

    not_keys = frozenset({MEASURED, OVER, INSTANT, WORKDAYS})

    @classmethod
    def of_column(cls, request: BusinessRequest, name: str, profile: Profile, /) -> BusinessRequest:
        """The request of the one column."""
        columns = _columns(request, profile)
        wanted = name.strip().upper()
        if wanted not in {column.id for column in columns}:
            raise unknown_column(name, [column.name for column in columns])
        return replace(request, groups=(), metrics=(wanted,))

    @cached_property
    def column(self) -> BusinessColumn:
        """The column."""
        (column,) = _columns(self.request, self.inputs.profile)
        return column

    @cached_property
    def bound(self) -> BoundScope:
        """What is bound for the request."""
        from leadline.metrics.business import bind

        return bind(self.inputs)

    @cached_property
    def table(self) -> pa.Table:
        """The column in all rows, with how many things each value is of."""
        from leadline.metrics.business import text_of

        engine = self.inputs.session.engine
        return engine.arrow(engine.remember(text_of(self.inputs, self.bound, sized=True)))

    @property
    def fact(self) -> str | None:
        """Work items, or shares of days."""
        return "effort" if self._of_days else "work-items"

    @property
    def metric(self) -> InsightMetric:
        """What is said of the column."""
        (entry,) = described(self.inputs.profile[CATEGORIES], self.request.unit, [self.column])
        return told(entry)

    @property
    def aggregation(self) -> str:
        """Shares are ratios, all else is summed."""
        return "ratio" if self.column.measure == PERCENT else "sum"

    @property
    def _of_days(self) -> bool:
        from leadline.metrics.business import EFFORT, amount_of

        return amount_of(self.column, self.request.unit) == EFFORT

    def all_behind(self, found: Found) -> pa.Table:
        """The items of the unit that were completed in the period, or the shares of its days: those of the category or, behind a
        share, of all."""
        from leadline.metrics.behind import CELL
        from leadline.metrics.business_behind import behind_sql

        session, bound, profile = self.inputs.session, self.bound, self.inputs.profile
        period, unit = divmod(found.row, bound.units)
        CELL.bind(session.engine, [(unit, period)])
        shape = (self.column, len(profile[CATEGORIES]), self.request.unit, profile[HIERARCHY], bound.zone)
        return session.engine.arrow(behind_sql(*shape, session.facts.queries, dated=bound.dated))

    def parts(self, event: Mapping[str, Any]) -> dict[str, Cell]:
        """What an item has in points, tickets or hours, or a share of a day: in days or, of a full-time equivalent, in the part
        that it is of the period."""
        over = {} if event[OVER] is None else {"over": self._amount(event, OVER)}
        return {"value": self._amount(event, MEASURED), **over}

    def divisor(self, events: pa.Table) -> float | None:
        """Of a share, the sum of what all have."""
        return (
            float(sum(self._amount(event, OVER) for event in events.to_pylist()))
            if self.aggregation == "ratio"
            else None
        )

    def _amount(self, event: Mapping[str, Any], part: str) -> Any:
        from leadline.metrics.business import parts_of

        whole = parts_of(self.column, self.request.unit)
        if self.column.measure == FTE:
            whole *= event[WORKDAYS]
        return event[part] if whole == 1 else event[part] / whole


def _columns(request: BusinessRequest, profile: Profile) -> list[BusinessColumn]:
    return chosen(profile[CATEGORIES], request.unit, request.groups, request.metrics)
