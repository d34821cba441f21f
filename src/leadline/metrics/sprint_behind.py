"""The items behind one cell of sprints: those of the sprints of its row that its unit has and its value is of."""

from __future__ import annotations

import ibis
from ibis.expr.types import Table, Value

from leadline.engine import BoundTable, compiled
from leadline.facts.item_ownership import owned_items
from leadline.facts.sprints import KEY, counted_items
from leadline.materialize.compiled import CompiledQueryCache
from leadline.metrics.behind import INSTANT, MEASURED, OVER
from leadline.metrics.sprint_columns import COMMIT, TOTAL, CountOf, PerSprint, Share, Spread, SprintColumn
from leadline.metrics.sprint_columns import SPRINTS as SPRINTS_OF_ROW
from leadline.metrics.sprint_sizes import is_of, work_of

SPRINT_CELL = BoundTable("sprint_cell", {"cell_unit": "int64", "cell_sprint": "string"})
"""The unit of the cell, with each sprint of its row."""


def behind_sql(column: SprintColumn, mode: str, queries: CompiledQueryCache) -> str:
    """What is behind the cell in ``SPRINT_CELL`` of ``column``, in the engine's SQL: the key of the items in their sprints,
    `happened_us`, what each has of the value (`measured`) and of what that is divided by (`over`)."""
    return queries.text("sprint_behind", [column.id, mode], lambda: compiled(_behind(column, mode)))


def _behind(column: SprintColumn, mode: str) -> Table:
    cell, items = SPRINT_CELL.table(), counted_items()
    items = items.semi_join(cell, items.sprint_id == cell.cell_sprint)
    owned = owned_items(items)
    items = items.semi_join(owned.semi_join(cell, owned.of_unit == cell.cell_unit), "event")
    items = items.filter(is_of(items, column.formula, mode))
    return items.select(*KEY, INSTANT, **_parts(items, column, mode))


def _parts(items: Table, column: SprintColumn, mode: str) -> dict[str, Value]:
    formula, none = column.formula, ibis.null("int64")
    if isinstance(formula, CountOf):
        one = items.sprint_id if formula.what == SPRINTS_OF_ROW else ibis.literal(1, "int64")
        return {MEASURED: one, OVER: none}
    if isinstance(formula, Share):
        return {MEASURED: work_of(items, formula.work, mode), OVER: work_of(items, formula.over, mode)}
    if isinstance(formula, PerSprint):
        return {MEASURED: work_of(items, formula.work, mode), OVER: items.sprint_id}
    if isinstance(formula, Spread):
        over = work_of(items, COMMIT, mode) if formula.relative else none
        return {MEASURED: work_of(items, TOTAL, mode), OVER: over}
    return {MEASURED: work_of(items, formula, mode), OVER: none}
