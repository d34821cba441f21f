"""What an export of sprints is asked for, normalized."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from leadline.metrics.metric import TEAM
from leadline.metrics.request import LEADING, SHOWN, among
from leadline.metrics.sprint_columns import SPRINT, STORY_POINTS, by_ids, in_work_unit

if TYPE_CHECKING:
    from leadline.settings.profile import Profile

BY_SPRINT = "sprint"
GRANULARITIES = ("SPRINT", "WEEKLY", "MONTHLY", "QUARTERLY")
SPRINT_LEADING = {TEAM: LEADING[TEAM], SPRINT: (*LEADING[TEAM], "Sprint", "Sprint_Id", "Board")}
"""The first columns of a row by its level."""
SPRINT_KEYS = {TEAM: ("Start_Date", "End_Date", "Team_Id"), SPRINT: ("Sprint_Id", "Team_Id")}
"""The columns that tell rows of a request apart, by level; of sprints that are one row their days."""


@dataclass(frozen=True)
class SprintRequest:
    """A normalized request for sprints. ``team`` is a ref id within ``tree``, None for the whole tree; both dates are inclusive;
    ``metrics`` are catalogue ids in catalogue order; ``mode`` is one of ``sprint_columns.MODES``. ``depth`` is down to how many
    levels below the scope teams have rows (None: all of them)."""

    tree: str
    team: int | None
    start: date
    end: date
    metrics: tuple[str, ...]
    level: str = TEAM
    granularity: str = "monthly"
    mode: str = STORY_POINTS
    format: str = "csv"
    names: str = SHOWN
    depth: int | None = None

    @property
    def of_people(self) -> bool:
        """Rows are teams."""
        return False

    @property
    def of_periods(self) -> bool:
        """Whether rows are of periods; else they are of sprints."""
        return self.level == TEAM and self.granularity != BY_SPRINT

    def units_of(self, columns: Collection[str], _profile: Profile) -> dict[str, str]:
        """As the catalogue says, of work in what it is counted in."""
        told = (in_work_unit(column, self.mode) for column in by_ids(self.metrics))
        return among(columns, {column.column: column.unit for column in told})

    def document(self) -> dict[str, Any]:
        """As a JSON object; ``of`` reads it back. Equal requests have equal documents."""
        dates = {"start": self.start.isoformat(), "end": self.end.isoformat()}
        document = {**asdict(self), **dates, "metrics": list(self.metrics)}
        if self.depth is None:  # as in documents of exports, which do not say it
            del document["depth"]
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> SprintRequest:
        """The request that ``document`` was made of."""
        days = {name: date.fromisoformat(document[name]) for name in ("start", "end")}
        return cls(**{**document, **days, "metrics": tuple(document["metrics"])})
