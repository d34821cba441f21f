"""What the screen Facts is asked for: the value whose rows it shows, whose it is, and how its rows tell of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from leadline.charts.words import number
from leadline.exports.insights.cells import Place
from leadline.exports.insights.models import CellRow
from leadline.metrics.metric import DEVELOPER, SERVICE, TEAM, CatalogueEntry, Metric
from leadline.page.boards import asked_of
from leadline.page.fact_links import OF_A_ROW
from leadline.page.view import View


@dataclass(frozen=True)
class Behind(ABC):
    """What the address asks for: the rows behind a column of the view's team, or of what of it the address names."""

    view: View

    @property
    @abstractmethod
    def kind(self) -> str:
        """The insight that has the value."""

    @property
    @abstractmethod
    def entry(self) -> CatalogueEntry:
        """What the column is in its catalogue."""

    @property
    def name(self) -> str:
        """What the column is called in files."""
        return self.entry.column

    @property
    def title(self) -> str:
        """What people call it."""
        return self.entry.title

    @property
    def hint(self) -> str:
        """Where the catalogue tells what it means."""
        return self.entry.id

    @property
    def has_statistics(self) -> bool:
        """Whether the statistic of the value can be chosen."""
        return False

    @property
    def developer(self) -> str | None:
        """The email of the developer whose value it is; None where it is not one's."""
        return self.view.query.get("developer")

    @property
    def service(self) -> str | None:
        """The service whose value it is, or else the repository; None where it is not one's."""
        return None

    @property
    def level(self) -> str:
        """At which level the cell is."""
        return DEVELOPER if self.developer else SERVICE if self.service else TEAM

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters of the insight that has the cell as one of its rows."""
        asked = {**asked_of(self.view), "granularity": "total", "metrics": [self.entry.id]}
        return {**asked, "depth": 0} if self.level == TEAM else asked

    @property
    def place(self) -> Place:
        """Where the cell is in that."""
        return Place(self.name, unit=self.developer or self.service or str(self.view.team.ref_id))

    @property
    def who(self) -> str:
        """Whose value it is, in words."""
        return self.person(self.developer) if self.developer else self.service or self.view.team.name

    def with_names(self, _rows: Iterable[Mapping[str, Any]]) -> Self:
        """The same, which calls things as rows of its fact do."""
        return self

    def person(self, email: str) -> str:
        """What somebody is called."""
        return self.view.person(email)

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """From the root of the tree to whose value it is: the rows of each."""
        whole = dict.fromkeys(("collectionId", "developer", "of_service", "of_sprint"))
        path = [(team.name, self.rows_link(team=team.ref_id, **whole)) for team in self.view.team_path]
        return path if self.level == TEAM else [*path, (self.who, self.rows_link())]

    def rows_link(self, **changes: object) -> str:
        """The rows of this view, or of another."""
        return self.view.link("/facts", **{**OF_A_ROW, "cursor": None, **changes})

    @property
    def has_people(self) -> bool:
        """Whether developers have values of the column."""
        return False

    def person_link(self, email: str) -> str:
        """The rows of one developer behind the same column; '' where it is one of teams alone."""
        return "" if self.developer or not self.has_people else self.view.link(developer=email, cursor=None)

    @property
    @abstractmethod
    def choices(self) -> Sequence[tuple[str, Sequence[CatalogueEntry]]]:
        """The columns that can be looked behind at this level, by groups."""

    def link_of(self, entry: CatalogueEntry) -> str:
        """The rows behind another of the columns."""
        kind = entry.insight if isinstance(entry, Metric) else self.kind
        return self.view.link(kind=kind, column=entry.column, sort=None, cursor=None, q=None)

    @property
    def says_rows_alone(self) -> bool:
        """Whether each row has the same of the value, so that nothing is told of it."""
        return False

    @property
    def stages(self) -> tuple[str, ...] | None:
        """The stages that the time of a row is told by; None for those of its fact."""
        return None

    def text_of(self, row: CellRow) -> str:
        """What a row has of the value, in words; '' where that is the same for all."""
        return "" if self.says_rows_alone else self._text_of(row)

    def _text_of(self, row: CellRow) -> str:
        part = plain(row.value)
        return f"{part} of {plain(row.over)}" if isinstance(row.over, int | float) else part

    def value_title(self, _fact: str | None, told: str) -> str:
        """How that is headed, where the answer calls the column as it is ``told``."""
        return told


def plain(cell: object) -> str:
    """What a row has of a value, as it is."""
    return number(cell) if isinstance(cell, int | float) else str(cell or "–")
