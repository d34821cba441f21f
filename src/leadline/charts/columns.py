"""The columns that charts and figures can be of, by id: metrics, and those of sprints, with the insight that answers each."""

from __future__ import annotations

from leadline.metrics.catalogue import by_ids
from leadline.metrics.metric import CatalogueEntry, Metric
from leadline.metrics.sprint_columns import SPRINT, SPRINT_COLUMNS

BUSINESS = "ba"
"""The insight of what work was for."""
_OF_SPRINTS = {column.id: column for column in SPRINT_COLUMNS}


def declared(column_id: str) -> CatalogueEntry:
    """The column with this id."""
    return _OF_SPRINTS.get(column_id) or by_ids((column_id,))[0].metric


def insight_of(column_id: str) -> str:
    """The insight that answers it."""
    column = declared(column_id)
    return column.insight if isinstance(column, Metric) else SPRINT
