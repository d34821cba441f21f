"""The completed items, or the shares of days, behind one cell of business alignment, by the joins that its value is summed by."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
from ibis.expr.types import Table

from leadline.derive.completion import ITEM
from leadline.derive.local_time import Offset
from leadline.engine import compiled
from leadline.engine.functions import to_bigint
from leadline.facts import effort
from leadline.facts.business_items import BUSINESS_ITEMS
from leadline.facts.ownership import in_period
from leadline.materialize.compiled import CompiledQueryCache
from leadline.metrics.behind import CELL, INSTANT, MEASURED, OVER
from leadline.metrics.bindings import DAYS
from leadline.metrics.business import (
    EFFORT,
    WORKDAYS,
    amount_of,
    by_rulesets,
    categorized_items,
    categorized_shares,
)
from leadline.metrics.business_columns import PERCENT, BusinessColumn
from leadline.metrics.offset_marks import offset_marks, with_offsets
from leadline.metrics.owners import developers, in_units, with_place


def behind_sql(
    column: BusinessColumn,
    categories: int,
    unit: str,
    hierarchy: str,
    zone: Sequence[Offset],
    queries: CompiledQueryCache,
    *,
    dated: bool,
) -> str:
    """What is behind the cell in ``CELL`` of ``column``, one of so many ``categories``, in the engine's SQL: the key of the items
    or shares of days, `happened_us`, what each has of the value (`measured`) and of what that is divided by (`over`, of shares)."""
    of_days = amount_of(column, unit) == EFFORT
    shape = [column.measure, column.rank, categories, unit, hierarchy, len(zone), dated]

    def behind() -> Table:
        events = _shares(categories, hierarchy, dated) if of_days else _items(categories, hierarchy, zone_marks, dated)
        return _measured(events, column, amount_of(column, unit))

    zone_marks = offset_marks(zone)
    return with_offsets(queries.text("business_behind", shape, lambda: compiled(behind())), zone)


def _items(categories: int, hierarchy: str, zone: Sequence[Offset], dated: bool) -> Table:
    cell = CELL.table()
    items = in_period(BUSINESS_ITEMS.table(), zone, DAYS)
    items = categorized_items(items.semi_join(cell, items.period == cell.cell_period), categories, hierarchy)
    return _in_cell(with_place(items, "developer", "happened_us", dated=dated))


def _shares(categories: int, hierarchy: str, dated: bool) -> Table:
    cell = CELL.table()
    people = _in_cell(developers(dated=dated)).select("developer").distinct()
    spent = effort.shares(people, told=False, of_days=by_rulesets)
    spent = spent.semi_join(cell, spent.effort_period == cell.cell_period)
    spent = categorized_shares(spent, categories, hierarchy)
    spent = _in_cell(with_place(spent.filter(spent.counted != 0), "developer", "noon_us", dated=dated))
    workdays = WORKDAYS.table()
    spent = spent.inner_join(workdays, spent.effort_period == workdays.workdays_period)
    names = {name: spent[name].fill_null("") for name in ITEM}
    return spent.mutate(**names, **{EFFORT: spent.counted, INSTANT: spent.noon_us})


def _in_cell(events: Table) -> Table:
    """What of ``events``, which are in places, is in the unit of the cell."""
    cell, of_units = CELL.table(), in_units(events)
    return of_units.semi_join(cell, of_units.of_unit == cell.cell_unit)


def _measured(events: Table, column: BusinessColumn, amount: str) -> Table:
    whole = to_bigint(events[amount])
    is_meant = events.category == column.rank
    keys = ["day", "developer", *ITEM, "workdays"] if amount == EFFORT else list(ITEM)
    if column.measure == PERCENT:
        parts = {MEASURED: ibis.cases((is_meant, whole), else_=0), OVER: whole}
        return events.select(*keys, INSTANT, **parts)
    return events.filter(is_meant).select(*keys, INSTANT, **{MEASURED: whole, OVER: ibis.null("int64")})
