"""What the routes of exports take as parameters and answer about the catalogue; the answers about exports are their kind's."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import Field

from leadline.api.query import (
    DayOrInstant,
    MayBeAbsent,
    PageNumber,
    Parameters,
    ShortText,
    SortOrder,
    choice,
    invalid_parameters,
    whole,
)
from leadline.db.export_list import SORTS, ListFilter
from leadline.db.jobs import STATES
from leadline.errors import Detail
from leadline.json_body import Body

MAX_LIMIT = 100
"""Exports on a page."""


class ListQuery(Parameters):
    """Which exports a list shows, and which page of them."""

    status: MayBeAbsent[Annotated[str, choice(*STATES)]] = Field(None, description="Only exports in this state.")
    scope: Annotated[str, choice("all", "mine")] = Field(
        "all", description="`all` exports of the project, or `mine`: those created with the same API key."
    )
    team_id: MayBeAbsent[ShortText] = Field(None, description="Only exports of this team, by ref id or key.")
    created_by: MayBeAbsent[ShortText] = Field(
        None, description="Only exports created by this API key, by its id or name."
    )
    date_from: MayBeAbsent[DayOrInstant] = Field(
        None, description="Only exports created on this day or later (an instant: then or later)."
    )
    date_to: MayBeAbsent[DayOrInstant] = Field(
        None, description="Only exports created on this day or earlier (an instant: before it)."
    )
    limit: Annotated[int, whole(1, MAX_LIMIT)] = Field(50, description="Exports on a page.")
    page: PageNumber = Field(0, description="Which page, counted from 0.")
    sort_by: Annotated[str, choice(*SORTS)] = Field("createdAt", description="What to sort by.")
    sort_order: SortOrder = Field("desc", description="Which way to sort.")

    def filter(self, caller: str) -> ListFilter:
        """What to ask for; ``caller`` is the id of the key that asks. Raises ``InvalidRequest`` for an empty range."""
        start, end = _start(self.date_from), _end(self.date_to)
        if start is not None and end is not None and start >= end:
            raise invalid_parameters([Detail("dateFrom", "it must not be after dateTo")])
        return ListFilter(
            status=self.status,
            team_id=self.team_id,
            created_by=self.created_by,
            caller_id=caller if self.scope == "mine" else None,
            created_from=start,
            created_before=end,
            limit=self.limit,
            page=self.page,
            sort_by=self.sort_by,
            descending=self.sort_order == "desc",
        )


def _start(first: date | datetime | None) -> datetime | None:
    return first if first is None or isinstance(first, datetime) else _midnight(first)


def _end(last: date | datetime | None) -> datetime | None:
    if last is None or isinstance(last, datetime):
        return last
    # The last day that there is has no next one.
    return _midnight(last) + timedelta(days=1) if last < date.max else datetime.max.replace(tzinfo=UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


class MetricBody(Body):
    """One metric of the catalogue."""

    id: str
    column: str = Field(description="Its name in requests and in the file's header.")
    group: str
    groups: list[str] = Field(description="Every group that brings it, its own first.")
    aliases: list[str] = Field(description="Further names that requests may use.")
    unit: str
    levels: list[str] = Field(description="Aggregation levels that have it.")
    definition: str


class CatalogueBody(Body):
    """The metrics that can be exported, in the order of the file's columns."""

    metrics: list[MetricBody]
