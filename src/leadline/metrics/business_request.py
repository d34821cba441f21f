"""A normalized request for business alignment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from leadline.metrics.metric import DEVELOPER, TEAM
from leadline.metrics.request import SHOWN, MetricsRequest, among

if TYPE_CHECKING:
    from leadline.settings.profile import Profile

LEADING: Mapping[str, tuple[str, ...]] = {
    TEAM: ("Granularity", "Team", "Team_Hierarchy", "Start_Date", "End_Date"),
    DEVELOPER: ("Granularity", "Developer", "Email", "Team", "Team_Hierarchy", "Start_Date", "End_Date"),
}
"""The first columns of a row by its level, in the vendor's order; the last one is ``TRAILING``."""
TRAILING = "Team_Id"


@dataclass(frozen=True)
class BusinessRequest:
    """What is counted of the work of a team, by categories. ``groups`` and ``metrics`` (upper case) are sorted: which columns they
    bring follows from the settings of the run. ``unit`` is what shares are of. ``depth`` is down to how many levels below the scope
    teams have rows (None: all of them)."""

    tree: str
    team: int | None
    start: date
    end: date
    groups: tuple[str, ...]
    metrics: tuple[str, ...]
    level: str
    granularity: str
    unit: str
    format: str
    names: str = SHOWN
    depth: int | None = None

    @property
    def of_people(self) -> bool:
        """Whether rows are of single developers."""
        return self.level == DEVELOPER

    @property
    def of_periods(self) -> bool:
        """Every row is of a period."""
        return True

    @property
    def rows(self) -> MetricsRequest:
        """The request for metrics whose rows are the same."""
        return MetricsRequest(
            tree=self.tree,
            team=self.team,
            start=self.start,
            end=self.end,
            metrics=(),
            level=self.level,
            granularity=self.granularity,
            format=self.format,
            names=self.names,
            depth=self.depth,
        )

    def units_of(self, columns: Collection[str], profile: Profile) -> dict[str, str]:
        """By what each column is a measure of."""
        from leadline.metrics.business_columns import columns_of, described
        from leadline.settings.categories import CATEGORIES

        categories = profile[CATEGORIES]
        told = described(categories, self.unit, columns_of(categories, self.unit))
        return among(columns, {column.column: column.unit for column in told})

    def document(self) -> dict[str, Any]:
        """As a JSON object; ``of`` reads it back."""
        lists = {"groups": list(self.groups), "metrics": list(self.metrics)}
        document = {**asdict(self), **lists, "start": self.start.isoformat(), "end": self.end.isoformat()}
        if self.depth is None:  # as in documents of exports, which do not say it
            del document["depth"]
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> BusinessRequest:
        """The request that ``document`` was made of."""
        days = {name: date.fromisoformat(document[name]) for name in ("start", "end")}
        lists = {name: tuple(document[name]) for name in ("groups", "metrics")}
        return cls(**{**document, **days, **lists})
