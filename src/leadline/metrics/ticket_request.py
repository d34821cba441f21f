"""What a run of time in status is asked for. Nothing that computes is loaded for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from leadline.metrics.metric import TEAM
from leadline.metrics.request import SHOWN
from leadline.metrics.sprint_columns import SPRINT
from leadline.metrics.status_columns import unit_of

if TYPE_CHECKING:
    from leadline.settings.profile import Profile

RESOLVED, RELEASED = "issue_resolved_at", "version_release_date"
ENDS = (RESOLVED, RELEASED)
"""When the time of an item ends."""
WALL, WEEKDAYS = "wall", "weekdays"
CALENDARS = (WALL, WEEKDAYS)
"""Which time counts: all, or that of Mondays to Fridays."""
_OF_TEAM = ("granularity", "team", "team_hierarchy")
TICKET_LEADING = {TEAM: _OF_TEAM, SPRINT: (*_OF_TEAM, "sprint", "sprint_id", "board")}
"""The first columns of a row by its level."""
TICKET_TRAILING = ("start_date", "end_date", "team_id")
"""Further columns of a row that say what it is about."""
TICKET_KEYS = {TEAM: ("start_date", "team_id"), SPRINT: ("sprint_id", "team_id")}
"""The columns that tell rows of a request apart, by level."""


@dataclass(frozen=True)
class TicketDataRequest:
    """A normalized request for time in status. ``team`` is a ref id within ``tree``, None for the whole tree; both dates are
    inclusive; ``statuses`` are columns (none: every status that is met); ``level`` is one of ``TICKET_LEADING``. ``depth`` is down
    to how many levels below the scope teams have rows (None: all of them)."""

    tree: str
    team: int | None
    start: date
    end: date
    statuses: tuple[str, ...]
    level: str
    granularity: str
    ends: str
    calendar: str
    format: str
    names: str = SHOWN
    depth: int | None = None

    @property
    def of_people(self) -> bool:
        """Rows are of teams."""
        return False

    def units_of(self, columns: Collection[str], _profile: Profile) -> dict[str, str]:
        """By how the columns are called."""
        return {column: unit for column in columns if (unit := unit_of(column)) is not None}

    @property
    def of_periods(self) -> bool:
        """Whether rows are of periods; else they are of sprints."""
        return self.level == TEAM

    def document(self) -> dict[str, Any]:
        """As a JSON object; ``of`` reads it back."""
        dates = {"start": self.start.isoformat(), "end": self.end.isoformat()}
        document = {**asdict(self), **dates, "statuses": list(self.statuses)}
        if self.depth is None:  # as in documents of exports, which do not say it
            del document["depth"]
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> TicketDataRequest:
        """The request that ``document`` was made of."""
        days = {name: date.fromisoformat(document[name]) for name in ("start", "end")}
        return cls(**{**document, **days, "statuses": tuple(document["statuses"])})
