"""What an export of sprints is asked for, normalized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from leadline.metrics.metric import TEAM
from leadline.metrics.request import LEADING, SHOWN
from leadline.metrics.sprint_columns import SPRINT, STORY_POINTS

BY_SPRINT = "sprint"
GRANULARITIES = ("SPRINT", "WEEKLY", "MONTHLY", "QUARTERLY")
SPRINT_LEADING = {TEAM: LEADING[TEAM], SPRINT: (*LEADING[TEAM], "Sprint", "Sprint_Id", "Board")}
"""The first columns of a row by its level."""


@dataclass(frozen=True)
class SprintRequest:
    """A normalized request for sprints. ``team`` is a ref id within ``tree``, None for the whole tree; both dates are inclusive;
    ``metrics`` are catalogue ids in catalogue order; ``mode`` is one of ``sprint_columns.MODES``."""

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

    @property
    def of_people(self) -> bool:
        """Rows are teams."""
        return False

    def document(self) -> dict[str, Any]:
        """As a JSON object; ``of`` reads it back. Equal requests have equal documents."""
        dates = {"start": self.start.isoformat(), "end": self.end.isoformat()}
        return {**asdict(self), **dates, "metrics": list(self.metrics)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> SprintRequest:
        """The request that ``document`` was made of."""
        days = {name: date.fromisoformat(document[name]) for name in ("start", "end")}
        return cls(**{**document, **days, "metrics": tuple(document["metrics"])})
