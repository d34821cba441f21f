"""What a row says of the single sprint that it is about: its days, name, id and boards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from ibis.expr.types import DateValue, IntegerValue, Table, Value

from leadline.derive.expressions import local_day
from leadline.derive.local_time import Offset, offsets
from leadline.facts.sprints import SPRINTS
from leadline.facts.texts import neutralized_text
from leadline.metrics.bindings import PERIODS
from leadline.metrics.sprint_columns import SPRINT
from leadline.metrics.sprint_request import SPRINT_LEADING, SprintRequest
from leadline.metrics.ticket_request import TicketDataRequest
from leadline.settings.profile import Profile

_LONGEST = timedelta(days=366)
"""Sprints that ended in the range began at most so long before it, as far as summer time is concerned."""
SHOWN_OF_SPRINT = dict(zip(SPRINT_LEADING[SPRINT][-3:], ("shown_name", "shown_id", "shown_boards"), strict=True))
"""The columns that say which sprint a row is about, and what ``with_sprints`` calls them."""


def zone_of(request: SprintRequest | TicketDataRequest, profile: Profile) -> Sequence[Offset]:
    """The offsets of local time while sprints that ended in the range ran."""
    return offsets(max(request.start, date(1971, 1, 1)) - _LONGEST, request.end, profile.zone)


def safe_text(form: str) -> Callable[[Value], Value]:
    """How texts are shown in files of a format: in CSV none begins a formula."""
    return neutralized_text if form == "csv" else lambda text: text


def with_sprints(rows: Table, zone: Sequence[Offset], form: str) -> Table:
    """``rows`` (sprint_id, period) with what their sprints are: ``SPRINTS``, the first and last local day and what is shown."""
    period = PERIODS.table().select("period", label="Granularity")
    told = rows.inner_join(SPRINTS.table(), "sprint_id").inner_join(period, "period")
    safe = safe_text(form)
    return told.mutate(
        Start_Date=_date(local_day(told.started_us, zone)),
        End_Date=_date(local_day(told.ended_us, zone)),
        shown_name=safe(told.name),
        shown_id=safe(told.sprint_id),
        shown_boards=safe(told.boards.join(";")),
    )


def in_order(grid: Table) -> list[Value]:
    """How rows of single sprints and units are ordered: by their days, then by what tells sprints of the same days apart."""
    return [grid[name] for name in ("End_Date", "Start_Date", "ended_us", "started_us", "sprint_id", "unit")]


def _date(day: IntegerValue) -> DateValue:
    return (day * 86_400).as_timestamp("s").date()
