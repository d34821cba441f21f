"""The rows behind one cell of an insight or of an export, at the versions that were read for it and as facts show them. What is
behind a cell of a kind of rows says a subclass of ``Cells``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from leadline.access import UNLIMITED, Access
from leadline.errors import Detail, InvalidRequest, NotFound
from leadline.exports.cursor import Cursor
from leadline.exports.fact_pages import plain
from leadline.exports.insights.models import Cell, CellBody, CellRow, InsightMetric
from leadline.facts.catalogue import FACTS
from leadline.facts.filters import Versions
from leadline.field_types import shown
from leadline.home import Project
from leadline.metrics.metric import DEVELOPER, SERVICE, TEAM
from leadline.metrics.request import PeriodRows
from leadline.metrics.sprint_columns import SPRINT
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.metrics.run import QueryInputs

MOST_ROWS = 200
"""Rows of an answer."""
UNTRACED = (
    "It is the mean of ratings, which are of different facts (ask for the rows behind one of these), or what a tool "
    "reports of its use"
)
NOTHING_TRACED: Mapping[str, Any] = {"facts": None, "untraced": UNTRACED, "count": 0, "rows": [], "next": None}
"""What is said of the rows behind a value that has none."""
MEASURED, OVER, INSTANT = "measured", "over", "happened_us"
"""What an event has of the value, of what that is divided by, and when it happened."""
RequestT = TypeVar("RequestT", bound=PeriodRows)


@dataclass(frozen=True)
class Place:
    """Which cell: that of ``column`` in the row with the number ``row`` (from 0), or in that of a ``unit`` (a developer's email, a
    team's ref id, the name of a service or else of its repository) whose period begins on the day ``start`` (None: the first), and
    which is of the ``sprint`` with this id, if rows are of sprints."""

    column: str
    row: int | None = None
    unit: str | None = None
    start: date | None = None
    sprint: str | None = None


@dataclass(frozen=True)
class Found:
    """A cell: its row, and the number of that."""

    cells: Mapping[str, Any]
    row: int


@dataclass(frozen=True)
class Cells(ABC, Generic[RequestT]):
    """The cells of the one column of a request, ``inputs`` being open on the versions of ``at``."""

    not_keys: ClassVar[frozenset[str]] = frozenset({MEASURED, OVER, INSTANT})
    """The columns of events that are not of their fact's key."""

    project: Project
    inputs: QueryInputs[RequestT]
    at: Cursor
    access: Access = UNLIMITED

    @classmethod
    @abstractmethod
    def of_column(cls, request: RequestT, name: str, profile: Profile, /) -> RequestT:
        """The request of the one column of ``request`` that is called ``name``, in any letter case, under the settings ``profile``.
        Raises ``InvalidRequest``."""

    @property
    def request(self) -> RequestT:
        """The request of the column."""
        return self.inputs.request

    @property
    @abstractmethod
    def table(self) -> pa.Table:
        """The column in all rows, with how many things each value is of."""

    @property
    @abstractmethod
    def fact(self) -> str | None:
        """The fact whose rows are behind the values; None where they are not traced."""

    @property
    @abstractmethod
    def metric(self) -> InsightMetric:
        """What is said of the column."""

    @property
    @abstractmethod
    def aggregation(self) -> str:
        """How values are made of their rows, in a word."""

    @abstractmethod
    def all_behind(self, found: Found) -> pa.Table:
        """All events behind the cell: the columns of their fact's key, and ``not_keys``."""

    @abstractmethod
    def parts(self, event: Mapping[str, Any]) -> dict[str, Cell]:
        """What an event brings to the value: ``value`` and, of what is divided, ``over``."""

    def divisor(self, _events: pa.Table) -> float | None:
        """What the value of all ``_events`` is divided by, if each of them has a part of that which is told."""
        return None

    def answer(self, place: Place) -> CellBody:
        """The cell at ``place`` with a page of its rows."""
        found = self.found(place)
        return self.told(found, **self._behind(found))

    def told(self, found: Found, **behind: Any) -> CellBody:
        """The answer of a cell, with what is said of the rows behind it."""
        from leadline.metrics.bindings import size_name

        metric = self.metric
        return CellBody(
            data_as_of=self.at.as_of,
            table_versions=dict(sorted(self.at.pins.tables.items())),
            value=found.cells[metric.column],
            n=found.cells[size_name(metric.column)],
            metric=metric,
            aggregation=self.aggregation,
            **behind,
        )

    def found(self, place: Place) -> Found:
        """The cell at ``place``; rows are in the order of files. Raises ``NotFound``."""
        row = place.row if place.row is not None else _row_of(self.table, self.request, place)
        if row is None or not 0 <= row < self.table.num_rows:
            rows = "see the answer's rows" if place.row is None else f"there are {self.table.num_rows}, counted from 0"
            field = self.request.level if place.row is None else "row"
            raise NotFound(f"There is no such row; {rows}", code="unknown_row", details=[Detail(field, rows)])
        return Found({name: values[0] for name, values in self.table.slice(row, 1).to_pydict().items()}, row)

    def _behind(self, found: Found) -> Mapping[str, Any]:
        """What an answer says of the rows behind a cell."""
        if self.fact is None:
            return NOTHING_TRACED
        events = self.events(found)
        page = events.slice(min(self.at.offset, events.num_rows), MOST_ROWS)
        end = self.at.offset + page.num_rows
        following = None if end >= events.num_rows else replace(self.at, offset=end).text(self.project)
        return {"facts": self.fact, "count": events.num_rows, "rows": self.rows(page), "next": following}

    def events(self, found: Found) -> pa.Table:
        """All events behind the cell, by instant, then by key."""
        events = self.all_behind(found)
        keys = [name for name in events.column_names if name not in self.not_keys]
        return events.sort_by([(name, "ascending") for name in (INSTANT, *keys)])

    def rows(self, events: pa.Table) -> list[CellRow]:
        """``events`` as rows of their fact, in the same order."""
        from leadline.facts.query import rows_with_keys

        assert self.fact is not None  # noqa: S101 -- there are no events without
        if not events.num_rows:
            return []
        pins, inputs = self.at.pins, self.inputs
        keys = events.select(list(FACTS[self.fact].key))
        versions = Versions(pins.tables, pins.trees, inputs.profile, pins.today)
        found = rows_with_keys(self.project, inputs.session, self.fact, keys, versions, self.access, self.request.team)
        pairs = zip(events.to_pylist(), found.to_pylist(), strict=True)
        return [CellRow(row=plain(row), **self.parts(event)) for event, row in pairs]


def unknown_column(name: str, known: Sequence[str]) -> InvalidRequest:
    """The refusal of a column that is none of those ``known``."""
    hint = f"one of {', '.join(known)}"
    sentence = f"There is no column {shown(name)} of metrics; {hint}"
    return InvalidRequest(sentence, code="unknown_column", details=[Detail("column", hint)])


# -- which cell --------------------------------------------------------------------------------------------------------

_UNIT_COLUMNS = {
    DEVELOPER: ("Email",),
    TEAM: ("Team_Id",),
    SPRINT: ("Team_Id",),
    SERVICE: ("Service", "Repository"),
}
"""The columns of a row, the first of which that is not empty says whose it is."""


def _row_of(table: pa.Table, request: PeriodRows, place: Place) -> int | None:
    """The row whose unit and period (or sprint) are those of ``place``. Of rows that are of sprints the first is any first."""
    names = _UNIT_COLUMNS[request.level]
    starts = table["Start_Date"].to_pylist()
    units = [next(filter(None, unit), "") for unit in zip(*(table[name].to_pylist() for name in names), strict=True)]
    sprints = table["Sprint_Id"].to_pylist() if "Sprint_Id" in table.column_names else [None] * len(starts)
    start = place.start or (request.start if request.of_periods else None)
    wanted = (place.unit or "").strip().lower()
    rows = (
        row
        for row, (unit, begins, sprint) in enumerate(zip(units, starts, sprints, strict=True))
        if unit.lower() == wanted and start in (None, begins) and place.sprint in (None, sprint)
    )
    return next(rows, None)
