"""The events behind one cell: those whose measures its value is made of, each with what it has of them.

A value is traced by the very measures, owners and periods that it is computed of, so that what is found adds up to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
from ibis.expr.types import BooleanValue, IntegerColumn, Table

from leadline.derive.local_time import Offset
from leadline.engine import BoundTable, compiled
from leadline.engine.functions import to_bigint
from leadline.facts.ownership import in_period
from leadline.materialize.compiled import CompiledQueryCache
from leadline.metrics.bindings import DAYS
from leadline.metrics.catalogue import by_ids
from leadline.metrics.measures import Measure, MeasuredFact, Shown
from leadline.metrics.metric import MetricColumn, Overall, Ratio, Sum, Value, measures_by_fact, values_of
from leadline.metrics.offset_marks import offset_marks, with_offsets
from leadline.metrics.owners import Ownership
from leadline.metrics.sums import once_per_unit, own_events

CELL = BoundTable("cell", {"cell_unit": "int64", "cell_period": "int64"})
"""One row: the unit and the period of the cell."""
MEASURED, OVER, LESS, INSTANT = "measured", "over", "less", "happened_us"
PARTS = frozenset({MEASURED, OVER, LESS, INSTANT})
"""What an event has of the value's measure, of that which it is divided by or lessened by, and when it happened."""


def traced(column: MetricColumn, level: str) -> Value | None:
    """What of the cells of ``column`` can be traced to events: itself, or what it rates; None for the overall rating, and for what
    no fact shows."""
    formula = column.metric.formula(level)
    if formula is None or isinstance(formula, Overall):
        return None
    value = values_of(formula)[0]
    return value if value.measure.fact.shown.fact else None


def shown_as(value: Value, unit: str) -> Shown:
    """As which fact the events behind ``value`` are shown, where the unit of lead time is ``unit``."""
    return value.measure.fact.shown_by(unit)


def behind_sql(
    column_id: str, level: str, zone: Sequence[Offset], of_teams: Ownership, unit: str, queries: CompiledQueryCache
) -> str:
    """The events behind the cell in ``CELL`` of a column that is ``traced``: the columns of their fact's key, `happened_us`, and
    `measured`, `over`, `less` (null where the value has none), in the engine's SQL."""
    (column,) = by_ids((column_id,))
    value = traced(column, level)
    assert value is not None  # noqa: S101 -- whoever asks has looked
    shape = [column.metric.id, level, len(zone), of_teams.has_team_rules, of_teams.dated, unit]
    marks = offset_marks(zone)
    text = queries.text("behind", shape, lambda: compiled(_behind(value, shown_as(value, unit), marks, of_teams)))
    return with_offsets(text, zone)


def _behind(value: Value, shown: Shown, zone: Sequence[Offset], of_teams: Ownership) -> Table:
    roles = {MEASURED: value.measure, OVER: getattr(value, "over", None), LESS: getattr(value, "less", None)}
    measures = {role: measure for role, measure in roles.items() if isinstance(measure, Measure)}
    parts = [_of_fact(fact, measures, shown, zone, of_teams) for fact in measures_by_fact([value])]
    if len(parts) == 1:
        events = parts[0]
    else:
        grouped = ibis.union(*parts).group_by(*shown.key)
        events = grouped.agg(**{name: (lambda t, name=name: t[name].max()) for name in (INSTANT, *roles)})
    return events.filter(_is_meant(events, value))


def _of_fact(
    fact: MeasuredFact, measures: dict[str, Measure], shown: Shown, zone: Sequence[Offset], of_teams: Ownership
) -> Table:
    in_range = in_period((fact.single or fact).events.table(), zone, DAYS)
    cell = CELL.table()
    in_range = in_range.semi_join(cell, in_range.period == cell.cell_period)
    own = [measure for measure in dict.fromkeys(measures.values()) if measure.fact is fact]
    events = once_per_unit(own_events(fact, own, in_range, of_teams, keep=(*shown.key, INSTANT)))
    in_cell = events.semi_join(cell, events.of_unit == cell.cell_unit)
    columns = {
        role: in_cell[measure.name].cast("int64") if (measure := measures.get(role)) in own else ibis.null("int64")
        for role in (MEASURED, OVER, LESS)
    }
    events = in_cell.select(*shown.key, INSTANT, **columns)
    if not fact.of_spans:
        return events
    summed = {role: (lambda t, role=role: to_bigint(t[role].sum())) for role in columns}
    return events.group_by(*shown.key).agg(**{INSTANT: lambda t: t[INSTANT].min()}, **summed)


def _is_meant(events: Table, value: Value) -> BooleanValue:
    """Whether an event is one that the value is of."""
    measured = _has(events[MEASURED], value.measure)
    if isinstance(value, Ratio) and isinstance(value.over, Measure):
        return _has(events[OVER], value.over) | (events[MEASURED].fill_null(0) != 0)
    if isinstance(value, Sum) and value.less is not None:
        return measured & (events[MEASURED] != events[LESS].fill_null(0))
    return measured


def _has(column: IntegerColumn, measure: Measure) -> BooleanValue:
    return (column == 1).fill_null(False) if measure.flag else column.notnull()
